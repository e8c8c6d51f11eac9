"""Status: how far a run is and who drives it, from its folder alone, on any machine and while it goes on."""

"""Status: how far a run is and which process drives it, from its folder alone, on any machine, while it is running."""

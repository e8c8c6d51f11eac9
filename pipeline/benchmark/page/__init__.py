"""Page: where people decide on pairs and write their questions, and the server behind it."""

"""Page: where people decide over pairs and write their questions, and the server behind it."""

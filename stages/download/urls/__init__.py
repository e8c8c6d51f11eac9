"""Sources of kind urls: tables of URLs."""

"""Fetching one shard of URLs with img2dataset, politely and safely."""

"""Stores: disks and buckets, what can fail there, and for how long a request is retried."""

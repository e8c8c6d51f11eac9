"""Disks and buckets: where bytes lie, what fails there, and how long it is asked again."""

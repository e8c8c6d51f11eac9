"""Manifests: what a row is, and how a folder of Parquet shards becomes a fact others may build on."""

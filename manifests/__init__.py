"""Manifests: what a row is, and how a folder of Parquet shards becomes a committed result to build on."""

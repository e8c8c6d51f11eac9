"""What is wrong with a source's shards."""

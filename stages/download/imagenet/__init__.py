"""Sources of kind imagenet: ILSVRC in the forms people have it."""

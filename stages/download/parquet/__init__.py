"""Sources of kind parquet: image bytes in a column of Parquet files, read in place."""

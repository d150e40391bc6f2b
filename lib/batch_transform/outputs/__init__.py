"""Where results go: Parquet files copied into place, or a Delta transaction, and what either would refuse."""

"""Data sets, splits, statistics, batches."""

"""Examples and data sets: reading, splits, statistics, batches."""

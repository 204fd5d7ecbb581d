"""Examples and data sets: readers, splits, statistics, batches."""

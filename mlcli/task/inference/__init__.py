"""Predictions: from the outputs of a network to tensors by name, and from these to the columns of a table."""

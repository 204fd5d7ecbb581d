"""Tracking: the journal, the console, and the delivery of runs to MLflow and TensorBoard."""

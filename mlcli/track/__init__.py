"""Tracking: journal, console, delivery of runs to MLflow and TensorBoard."""

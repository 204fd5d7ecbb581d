"""Journal, console, delivery to MLflow and TensorBoard."""

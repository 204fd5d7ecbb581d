"""Parts of meta-learning: adaptation to a task, inner learning rates, tasks of a meta-batch."""

"""The training loop, one update, schedules, stacks of trials."""

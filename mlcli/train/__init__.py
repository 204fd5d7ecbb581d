"""The training loop, one update, schedules."""

"""Plots of a task's results: metrics computed, then handed to figures as plain arrays."""

"""Plots from plain arrays."""

"""Metrics and curves."""

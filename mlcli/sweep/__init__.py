"""Sweeps: composing and grouping trials, strategies, report, cross-validation."""

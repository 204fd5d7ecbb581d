"""Sweeps: composing and grouping trials, training strategies, report, cross-validation."""

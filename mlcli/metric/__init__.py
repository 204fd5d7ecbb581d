"""Metrics, curves and figures."""

"""Figures of an agent, as plain data."""

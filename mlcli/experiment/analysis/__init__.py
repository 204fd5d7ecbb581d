"""Measures and selections of finished runs that several experiments use."""

"""Stacks: many trials trained as one computation."""

"""Agents and exact solutions for environments that are tables."""

"""Serving: predictions of a trained run for files and over HTTP."""

"""Convolutional network for sequences: kernels slide over the steps."""

"""Convolutional network for sequences: kernels slide over the steps."""

from torch import Tensor, nn

from mlcli.model.layers import ActivationName, Count, NormName, Probability, activation_of, dropout_of, named

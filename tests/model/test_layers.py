from typing import get_args

import pytest
import torch
from torch import nn

from mlcli.model.layers import (
    ACTIVATIONS,
    ActivationName,
    activation_of,
    dropout_of,
    named,
    norm_of_images,
    norm_of_vectors,
)


def test_every_activation_is_torchs_function_of_that_name():
    x = torch.linspace(-3, 3, 13)
    assert set(get_args(ActivationName)) == set(ACTIVATIONS)
    assert activation_of("none")(x) is x
    for name in set(ACTIVATIONS) - {"none"}:
        function = getattr(nn.functional, name, None) or getattr(torch, name)
        torch.testing.assert_close(activation_of(name)(x), function(x))


def test_unknown_names_list_the_choices():
    with pytest.raises(ValueError, match=r"model\.activation=swish: .* relu, tanh"):
        activation_of("swish")
    for norm in (norm_of_vectors, norm_of_images):
        with pytest.raises(ValueError, match=r"model\.norm=group: .* none, batch_norm, layer_norm"):
            norm("group", 4)


def test_none_is_left_out_and_leaves_names_alone():
    assert norm_of_vectors("none", 4) is None
    assert norm_of_images("none", 4) is None
    assert dropout_of(0.0) is None
    block = named(linear=nn.Linear(2, 2), norm=None, activation=nn.ReLU())
    assert list(dict(block.named_children())) == ["linear", "activation"]

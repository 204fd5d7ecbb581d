import numpy as np
import pytest
import torch
from torch.nn import functional as F

from mlcli.model.scratch.cross_entropy import cross_entropy, gradient, one_hot, softmax

RANDOM = np.random.default_rng(0)
LOGITS, TARGETS = RANDOM.normal(0, 3, (16, 5)), RANDOM.integers(0, 5, 16)


def test_loss_and_gradient_equal_torchs():
    logits, targets = torch.from_numpy(LOGITS).requires_grad_(), torch.from_numpy(TARGETS)
    loss = F.cross_entropy(logits, targets)
    loss.backward()
    assert cross_entropy(LOGITS, TARGETS) == pytest.approx(loss.item(), abs=1e-12)
    np.testing.assert_allclose(gradient(LOGITS, TARGETS), logits.grad.numpy(), atol=1e-12)
    np.testing.assert_allclose(softmax(LOGITS), logits.detach().softmax(1).numpy(), atol=1e-12)


def test_huge_logits_do_not_overflow():
    logits = np.array([[1e4, -1e4], [-1e4, 1e4]])
    assert cross_entropy(logits, np.array([0, 0])) == 1e4
    assert softmax(logits).tolist() == [[1, 0], [0, 1]]


def test_one_hot():
    assert one_hot(np.array([2, 0]), 3).tolist() == [[0, 0, 1], [1, 0, 0]]

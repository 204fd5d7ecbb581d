import numpy as np
import pytest
import torch
from torch.nn import functional as F

from mlcli.model.scratch.attention import attention, causal_mask, entropy

RANDOM = np.random.default_rng(0)
QUERIES, KEYS, VALUES = RANDOM.normal(size=(5, 8)), RANDOM.normal(size=(7, 8)), RANDOM.normal(size=(7, 3))


def torchs(q, k, v, **options):
    q, k, v = (torch.from_numpy(each)[None, None] for each in (q, k, v))
    return F.scaled_dot_product_attention(q, k, v, **options)[0, 0].numpy()


@pytest.mark.parametrize("temperature", [0.1, 1.0, 4.0])
def test_equals_torchs(temperature):
    expected = torchs(QUERIES, KEYS, VALUES, scale=1 / (8**0.5 * temperature))
    np.testing.assert_allclose(
        attention(QUERIES, KEYS, VALUES, temperature=temperature).outputs, expected, atol=1e-12
    )


def test_a_mask_hides_keys_exactly():
    mask = RANDOM.random((5, 7)) < 0.5
    mask[:, 0] = True
    found = attention(QUERIES, KEYS, VALUES, mask)
    np.testing.assert_allclose(
        found.outputs, torchs(QUERIES, KEYS, VALUES, attn_mask=torch.from_numpy(mask)), atol=1e-12
    )
    assert (found.weights[~mask] == 0).all()
    np.testing.assert_allclose(found.weights.sum(1), 1)


def test_causal_mask():
    q = RANDOM.normal(size=(6, 4))
    expected = torchs(q, q, q, is_causal=True)
    np.testing.assert_allclose(attention(q, q, q, causal_mask(6)).outputs, expected, atol=1e-12)


def test_entropy_runs_from_one_key_to_all():
    assert entropy(np.array([[0.0, 1.0, 0.0], [1 / 3, 1 / 3, 1 / 3]])) == pytest.approx([0, np.log(3)])
    cold, warm, hot = (entropy(attention(QUERIES, KEYS, VALUES, temperature=t).weights) for t in (0.01, 1, 100))
    assert (cold < warm).all() and (warm < hot).all()
    assert cold.max() < 0.2 and hot == pytest.approx(np.log(7), abs=1e-3)

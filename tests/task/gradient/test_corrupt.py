import pytest
import torch

from mlcli.task.gradient.corrupt import Corrupt


def made() -> tuple[Corrupt, torch.Tensor]:
    torch.manual_seed(1)
    return Corrupt((2, 50), torch.device("cpu")), torch.full((300, 2, 50), 3.0)


@pytest.mark.parametrize("how", ["forward", "fixed"])
def test_noise_has_its_deviation_and_the_mask_its_share(how: str) -> None:
    corrupt, inputs = made()
    noisy = getattr(corrupt, how)(inputs, 0.5, None)
    assert noisy.mean().item() == pytest.approx(3, abs=0.02) and noisy.std().item() == pytest.approx(0.5, abs=0.01)
    masked = getattr(corrupt, how)(inputs, None, 0.3)
    assert set(masked.unique().tolist()) == {0.0, 3.0}
    assert (masked == 0).float().mean().item() == pytest.approx(0.3, abs=0.01)


def test_training_meets_new_numbers_and_evaluation_always_the_same() -> None:
    corrupt, inputs = made()
    assert not torch.equal(corrupt(inputs, 1.0, 0.1), corrupt(inputs, 1.0, 0.1))
    again = Corrupt((2, 50), torch.device("cpu"))
    before = torch.get_rng_state()
    assert torch.equal(corrupt.fixed(inputs, 1.0, 0.1), again.fixed(inputs, 1.0, 0.1))
    assert torch.equal(before, torch.get_rng_state())
    assert not torch.equal(*corrupt.fixed(inputs, 1.0, 0.1)[:2])

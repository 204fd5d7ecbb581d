"""The device of a name, and why it is not available."""

import pytest
import torch

from mlcli.config.errors import ConfigError
from mlcli.machine.device import choose


@pytest.mark.parametrize(
    ("cuda", "hip", "wanted"),
    [
        (
            None,
            None,
            r"is a CPU build: install a build with CUDA \(https://pytorch\.org/get-started\), or use device=cpu",
        ),
        ("12.8", None, "finds no GPU: check the driver with nvidia-smi, or use device=cpu"),
        (None, "6.4", "finds no GPU"),
    ],
)
def test_a_device_that_is_not_there(
    cuda: str | None, hip: str | None, wanted: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(torch.version, "cuda", cuda)
    monkeypatch.setattr(torch.version, "hip", hip)
    monkeypatch.setattr(torch.cuda, "is_available", lambda: False)
    monkeypatch.setattr(torch.backends.mps, "is_available", lambda: False)
    with pytest.raises(ConfigError, match=f"^device=cuda: torch .* {wanted}.* Choices: auto, cpu"):
        choose("cuda")
    with pytest.raises(ConfigError, match=r"^device=mps: not on this machine\. Choices: auto, cpu\.$"):
        choose("mps")

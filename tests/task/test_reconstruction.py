"""What a reconstruction minimises and tells, held against NumPy."""

import dataclasses

import numpy as np
import pytest
import torch
from torch.nn import functional as F

from mlcli.config.errors import ConfigError
from mlcli.run.build import Parts, build
from mlcli.run.data import build_data
from tests.configs import run_config


def parts_of(*overrides: str) -> Parts:
    return build(run_config("device=cpu", "task=reconstruction", *overrides))


def test_loss_is_the_squared_error_against_the_clean_inputs() -> None:
    task = parts_of().task
    inputs, targets = next(iter(task.batches(0)))
    torch.testing.assert_close(task.loss(inputs, targets), F.mse_loss(task.model(inputs), inputs))
    noisy = parts_of("task.noise=0.5").task
    noisy.corrupt.random = lambda like, fill: torch.ones_like(like)
    torch.testing.assert_close(noisy.loss(inputs, targets), F.mse_loss(noisy.model(inputs + 0.5), inputs))


def test_a_vaes_divergence_is_weighed_by_beta_and_shared_out_among_the_pixels() -> None:
    task = parts_of("model=vae", "task.beta=2").task
    inputs, targets = next(iter(task.batches(0)))
    task.model.eval()
    rebuilt, divergence = task.model.with_divergence(inputs)
    expected = F.mse_loss(rebuilt, inputs) + 2 * divergence.mean() / 64
    torch.testing.assert_close(task.loss(inputs, targets), expected)
    metrics = task.evaluate("val").metrics
    assert set(metrics) == {"loss", "mse", "kl"} and metrics["kl"] > 0


@pytest.mark.parametrize("data", ["digits", "diabetes", "adding"])
def test_metrics_are_in_units_of_the_data(data: str) -> None:
    parts = parts_of(f"data={data}", "task.noise=0.3", *(["data.examples=200"] if data == "adding" else []))
    found = parts.task.reconstruct("test")
    clean = parts.data.examples.inputs[parts.data.splits["test"]].numpy()
    np.testing.assert_allclose(found.clean, clean, atol=1e-4)
    metrics = parts.task.evaluate("test", full=True).metrics
    assert float(metrics["mse"]) == pytest.approx(np.square(found.rebuilt - clean).mean(), rel=1e-4)
    assert metrics["identity_mse"] == pytest.approx(np.square(found.given - clean).mean(), rel=1e-4)
    std = parts.data.standardise.std.numpy()
    assert float(metrics["loss"]) == pytest.approx(np.square((found.rebuilt - clean) / std).mean(), rel=1e-4)
    assert np.square((found.given - clean) / std).mean() == pytest.approx(0.09, rel=0.2)
    assert ("psnr" in metrics) == (data == "digits")


def test_psnr_is_of_the_range_of_the_pixels() -> None:
    metrics = parts_of().task.evaluate("test", full=True).metrics
    assert metrics["psnr"] == pytest.approx(10 * np.log10(16**2 / metrics["mse"]))
    assert "identity_mse" not in metrics


def test_labels_are_not_learnt_from() -> None:
    task = parts_of().task
    inputs, targets = next(iter(task.batches(0)))
    assert torch.equal(task.loss(inputs, targets), task.loss(inputs, targets.flip(0)))


def test_predictions_hold_reconstruction_error_and_code() -> None:
    parts = parts_of("data=diabetes", "model.code=3")
    raw = parts.data.examples.inputs[:7]
    columns = parts.predict(raw)
    assert [name for name in columns if name.startswith("latent/")] == ["latent/0", "latent/1", "latent/2"]
    rebuilt = np.stack([columns[f"reconstruction/{name}"] for name in parts.data.features], 1)
    inputs = (raw - parts.data.standardise.mean) / parts.data.standardise.std
    expected = parts.task.model(inputs) * parts.data.standardise.std + parts.data.standardise.mean
    np.testing.assert_allclose(rebuilt, expected.detach(), rtol=1e-4)
    np.testing.assert_allclose(columns["error"], np.square(rebuilt - raw.numpy()).mean(1), rtol=1e-4)
    assert all(len(values) == 7 for values in columns.values())


def test_the_table_of_a_split_means_its_metrics() -> None:
    evaluation = parts_of("task.mask=0.2").task.evaluate("test", full=True)
    assert evaluation.columns["error"].mean() == pytest.approx(evaluation.metrics["mse"], rel=1e-6)
    assert set(evaluation.columns["target"]) == set("0123456789")


def test_codes_are_laid_out_by_t_sne_where_that_is_asked_for() -> None:
    plots = {plot.name: plot for plot in parts_of("task.tsne=true").task.evaluate("test", full=True).plots()}
    (panel,) = plots["t_sne"].data["panels"]
    assert (panel["name"], len(panel["points"])) == ("t-SNE", 360)
    assert len(plots["t_sne"].data["labels"]) == 360


def test_any_network_with_an_output_a_number_can_rebuild() -> None:
    parts = parts_of("model=mlp")
    evaluation = parts.task.evaluate("test", full=True)
    assert not any(name.startswith("latent/") for name in evaluation.columns)
    assert "latent_space" not in {plot.name for plot in evaluation.plots()}
    rows = parts_of("model=gru", "data=digits")
    assert rows.task.reconstruct("test").rebuilt.shape == (360, 1, 8, 8)


@pytest.mark.parametrize("data", ["surnames", "brackets"])
def test_tokens_cannot_be_rebuilt(data: str) -> None:
    with pytest.raises(ConfigError, match="tokens"):
        parts_of(f"data={data}", "model=gru")


def test_padding_cannot_be_rebuilt() -> None:
    cfg = run_config("device=cpu", "task=reconstruction", "data=adding", "data.examples=200")
    data = build_data(cfg)
    padded = dataclasses.replace(data, examples=dataclasses.replace(data.examples, padded=True))
    with pytest.raises(ConfigError, match="padded"):
        build(cfg, padded)


def test_an_autoencoder_does_not_classify() -> None:
    with pytest.raises(ConfigError, match="task=reconstruction"):
        parts_of("task=classification", "model=autoencoder")

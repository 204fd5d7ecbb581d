"""The tracker, store and experiment of a command."""

from pathlib import Path

import pytest

from mlcli.track.tracking import command_with_flags, default_experiment, default_outputs


@pytest.fixture(autouse=True)
def _no_environment(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    for name in ("MLCLI_OUTPUTS", "MLFLOW_TRACKING_URI", "MLFLOW_EXPERIMENT_NAME"):
        monkeypatch.delenv(name, raising=False)


@pytest.mark.parametrize(
    ("outputs", "uri", "expected"),
    [
        ("outputs", None, "mlcli ui"),
        ("elsewhere", None, "mlcli ui --outputs elsewhere"),
        ("my runs", None, "mlcli ui --outputs 'my runs'"),
        ("outputs", "http://there:5000", "mlcli ui --uri http://there:5000"),
    ],
)
def test_the_command_has_the_flags_that_it_needs(outputs: str, uri: str | None, expected: str) -> None:
    assert command_with_flags("ui", outputs, uri) == expected
    assert command_with_flags("ui", str(Path(outputs).absolute()), uri).startswith(
        expected.partition(" --outputs")[0]
    )


def test_what_the_environment_says_needs_no_flag(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MLCLI_OUTPUTS", "elsewhere")
    monkeypatch.setenv("MLFLOW_TRACKING_URI", "http://there:5000")
    assert command_with_flags("ui", str(tmp_path / "elsewhere"), "http://there:5000") == "mlcli ui"
    assert (
        command_with_flags("ui", "outputs", "http://other:5000")
        == "mlcli ui --outputs outputs --uri http://other:5000"
    )
    assert default_outputs() == "elsewhere"


def test_the_experiment(monkeypatch: pytest.MonkeyPatch) -> None:
    assert default_experiment() == "mlcli"
    monkeypatch.setenv("MLFLOW_EXPERIMENT_NAME", "theirs")
    assert default_experiment() == "theirs"

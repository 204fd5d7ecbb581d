"""Config files that are broken: one line, with the file and the place in it."""

from pathlib import Path

import pytest

from mlcli.cli.training import main
from mlcli.config.compose import compose, hydra_session, to_run
from mlcli.config.errors import ConfigError

BOMB = "a: &a [x,x,x,x,x,x,x,x,x,x]\n" + "".join(
    f"{after}: &{after} [{','.join([f'*{before}'] * 10)}]\n"
    for before, after in zip("abcdefghi", "bcdefghij", strict=True)
)
BROKEN = {
    "a: [1, 2\nb: }{": "{file}:2: expected",
    "a:\n\tb: 1\n": "{file}:2: found character '\\t'",
    "- a\n- b\n": "{file}:1: a config is a mapping (key: value), not a list",
    "3\n": "{file}: ",
    BOMB: "{file}:5: its aliases expand to more than 100,000 nodes",
    "a: &a [*a]\n": "{file}:1: contains itself",
    "a: " + "[" * 5000 + "]" * 5000: "{file}: nested too deeply",
    "a: 1\n---\nb: 2\n": "{file}:2: but found another document",
    "a: 1\na: 2\n": "{file}:2: found duplicate key a",
    "a: !!python/object/apply:os.getcwd []\n": "{file}:1: could not determine a constructor",
    "null: 2\n": "{file}: Incompatible key type",
    "# @package a b c\nlr: 1\n": "{file}: Too many components",
    "lr: ${\n": "{file}: no viable alternative",
    "lr: ${nowhere.at.all}\n": "{file}:1: optimizer.lr: Interpolation key 'nowhere.at.all'",
    "_target_: torch.optim.SGD\nlr: ${.momentum}\nmomentum: ${.lr}\n": "{file}:2: optimizer.lr: Recursive",
    "_target_: torch.optim.SGD\nlr: ???\n": "{file}:2: optimizer.lr needs a value: use optimizer.lr=",
    "lr: ${nope:1}\n": "{file}:1: optimizer.lr: Unsupported interpolation type nope",
    "lr: ${oc.env:NOT_SET_AT_ALL}\n": "{file}:1: optimizer.lr: KeyError raised while resolving interpolation",
    "lr: ${hydra.job.name}\n": "{file}:1: optimizer.lr: Interpolation key 'hydra.job.name' not found; Hydra's own "
    "settings are ${{hydra:job.name}}",
    "defaults: foo\n": "defaults must be a list",
    "defaults: [3]\n": "Unsupported type in defaults",
    "defaults:\n  - mine\n": "{file}: its defaults list leads back to itself",
    "defaults:\n  - /model: nothing\n": "There is no model named 'nothing'",
    "hydra: 3\n": "optimizer has no _target_",
}


@pytest.mark.parametrize(("text", "wanted"), BROKEN.items(), ids=[str(number) for number in range(len(BROKEN))])
def test_a_broken_config_is_one_line_with_its_place(
    tmp_path: Path, text: str, wanted: str, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "own" / "optimizer").mkdir(parents=True)
    file = tmp_path / "own" / "optimizer" / "mine.yaml"
    file.write_text(text)
    with pytest.raises(SystemExit) as ended:
        main(["--config-dir", "own", "optimizer=mine", "tracking=none"])
    told = capsys.readouterr().err
    assert ended.value.code == 2 and told.startswith("error: ") and told.count("\n") == 1
    assert wanted.format(file=file) in told
    assert not Path("outputs").exists()


def test_a_config_that_is_no_text(tmp_path: Path) -> None:
    (tmp_path / "config.yaml").write_bytes("# caf\xe9\na: 1\n".encode("latin-1"))
    with hydra_session(str(tmp_path)) as hydra, pytest.raises(ConfigError, match=r"config.yaml: is not UTF-8 text"):
        compose(hydra, [])


def test_aliases_as_people_write_them(tmp_path: Path) -> None:
    (tmp_path / "optimizer").mkdir()
    (tmp_path / "optimizer" / "mine.yaml").write_text(
        "_target_: torch.optim.Adam\nbetas: &same [0.5, 0.9]\nlr: 1e-3\n# *\nother: *same\n"
    )
    with hydra_session(str(tmp_path)) as hydra:
        assert to_run(compose(hydra, ["optimizer=mine"])).optimizer.other == [0.5, 0.9]


@pytest.mark.parametrize(
    ("arguments", "wanted"),
    [
        (["--config-path", "/nowhere"], "--config-path /nowhere: there is no such folder"),
        (["--config-dir", "/nowhere"], "--config-dir /nowhere: there is no such folder"),
        (["--config-name", "nothing"], "There is no config named 'nothing'"),
        (["--shell-completion"], "Expecting one subcommand"),
        (["--shell-completion", "install=foo"], "No completion plugin for 'foo'"),
        (["--shell-completion", "query=bash"], "COMP_LINE"),
        (["--info", "x"], "invalid choice: 'x'"),
        (["--cfg", "job", "--package", "["], "--package [: not in this config"),
        (["--cfg", "job", "--package", "optimizer.lrr"], "Did you mean optimizer.lr?"),
        (["--cfg", "job", "--resolve", "name=${x.y}"], "Interpolation key 'x.y' not found"),
        (["name=${x.y}"], "name: Interpolation key 'x.y' not found"),
        (["name=${name}"], "name: Recursive interpolation detected"),
        (["-m", "trainer.seed=0,1", "name=${x.y}"], "name: Interpolation key 'x.y' not found"),
        (["experiment=null"], "A group is set to the name of an option"),
        (["hydra/launcher=nothing"], "There is no hydra/launcher named 'nothing'"),
        (["hydra.sweeper._target_=nothing", "-m", "trainer.seed=0,1"], "Invalid plugin 'nothing'"),
        (["hydra.launcher._target_=nothing", "-m", "trainer.seed=0,1"], "Invalid plugin 'nothing'"),
    ],
)
def test_flags_with_a_wrong_value(
    arguments: list[str],
    wanted: str,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("COMP_LINE", raising=False)
    with pytest.raises(SystemExit) as ended:
        main([*arguments, "tracking=none"] if "--shell-completion" not in arguments else arguments)
    told = capsys.readouterr().err
    assert ended.value.code == 2 and told.count("\n") == 1 and wanted in told
    assert list(tmp_path.iterdir()) == []

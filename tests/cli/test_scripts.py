"""The completion scripts in real shells: bash, and zsh and fish if they are installed."""

import os
import select
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from mlcli.cli.complete import script
from tests.programs import program


@pytest.fixture
def environment(tmp_path: Path) -> dict[str, str]:
    """An environment with mlcli on the path and a home without start-up files."""
    (tmp_path / "bin").mkdir()
    (tmp_path / "bin" / "mlcli").write_text(f'#!/bin/sh\nexec "{sys.executable}" -m mlcli "$@"\n')
    (tmp_path / "bin" / "mlcli").chmod(0o755)
    return os.environ | {"PATH": f"{tmp_path / 'bin'}:{os.environ['PATH']}", "HOME": str(tmp_path), "TERM": "dumb"}


@pytest.fixture
def shell(tmp_path: Path, environment: dict[str, str]) -> Callable[..., list[str]]:
    """Runs shell code after the completion script, and returns the lines that it printed."""

    def run(name: str, flags: list[str], code: str) -> list[str]:
        program(name)
        command = [name, *flags, f"{script(name)}\n{code}"]
        done = subprocess.run(
            command, cwd=tmp_path, env=environment, capture_output=True, text=True, check=False, timeout=60
        )
        assert done.returncode == 0, done.stderr
        return done.stdout.splitlines()

    return run


@pytest.mark.parametrize(
    ("words", "replies"),
    [
        (["tra"], ["train"]),
        (["train", "mod"], ["model="]),
        (["train", "model", "=", "l"], ["linear", "logistic_regression", "lstm"]),
        (["train", "model", "=", "lstm,per"], ["lstm,perceptron"]),
        (["train", "optimizer.l"], ["optimizer.lr="]),
        (["train", "--config-dir", ""], []),
    ],
)
def test_bash(shell: Callable[..., list[str]], words: list[str], replies: list[str]) -> None:
    line = " ".join(["mlcli", *words]).replace(" = ", "=")
    quoted = " ".join(f"'{word}'" for word in words)
    code = (
        f"COMP_WORDS=(mlcli {quoted}); COMP_CWORD={len(words)}; COMP_LINE='{line}'; COMP_POINT={len(line)}\n"
        '_mlcli; for reply in "${COMPREPLY[@]}"; do echo "$reply"; done'
    )
    assert shell("bash", ["--norc", "-c"], code) == replies


def test_fish(shell: Callable[..., list[str]], tmp_path: Path) -> None:
    (tmp_path / "my folder").mkdir()

    def answers(line: str) -> list[str]:
        return [text.partition("\t")[0] for text in shell("fish", ["--no-config", "-c"], f"complete -C '{line}'")]

    assert answers("mlcli tra") == ["train"]
    assert answers("mlcli train model=l") == ["model=linear", "model=logistic_regression", "model=lstm"]
    assert answers("mlcli train --config-dir my") == ["my folder/"]
    assert answers("mlcli train data.path=my") == ["data.path=my folder/"]


TYPED = {
    "mlcli tra\tmod\tls\topti\tadamw\tlr=": "mlcli train model=lstm optimizer=adamw lr=",
    "mlcli train -m model=lstm,per\tx": "mlcli train -m model=lstm,perceptron x",
    "mlcli train --cfg=j\tx": "mlcli train --cfg=job x",
    "cd . && mlcli train model.wi\t8": "cd . && mlcli train model.width=8",
    "mlcli train 'model=ls\t": "mlcli train 'model=lstm' ",
    "mlcli train --config-dir my\t": r"mlcli train --config-dir my\ folder/",
}
# The shell, its start-up options, and code by which Ctrl-X s prints the line that is being edited.
EDITORS = {
    "bash": (
        ["--norc", "--noprofile", "-i"],
        """_line() { echo "<<$READLINE_LINE>>"; }; bind -x '"\\C-xs": _line'""",
    ),
    "zsh": (["-f", "-i"], """_line() { print -r -- "<<$BUFFER>>" }; zle -N _line; bindkey '^Xs' _line"""),
}


@pytest.mark.parametrize("name", EDITORS)
def test_typed_into_a_line_editor(name: str, tmp_path: Path, environment: dict[str, str]) -> None:
    """The line after typing it and pressing tab in a terminal."""
    program(name)
    (tmp_path / "my folder").mkdir()
    flags, show = EDITORS[name]
    (tmp_path / "start").write_text(f"{script(name)}\n{show}\nPS1=READY\n")
    keyboard, terminal = os.openpty()
    with subprocess.Popen(
        [name, *flags], cwd=tmp_path, env=environment, stdin=terminal, stdout=terminal, stderr=terminal,
        start_new_session=True,
    ) as process:  # fmt: skip
        try:
            os.close(terminal)
            os.write(keyboard, b". ./start\n")
            _read_until(keyboard, "READY")
            for keys, line in TYPED.items():
                os.write(keyboard, f"{keys}\x18s".encode())
                seen = _read_until(keyboard, ">>")
                assert seen.rpartition("<<")[2].partition(">>")[0] == line
                os.write(keyboard, b"\x15")  # Ctrl-U: an empty line again
        finally:
            process.kill()
    os.close(keyboard)


def _read_until(descriptor: int, text: str) -> str:
    """Output of a terminal up to and including `text`; fails after 20 seconds without output."""
    seen = ""
    while text not in seen:
        assert select.select([descriptor], [], [], 20)[0], f"{text!r} never came after {seen!r}"
        seen += os.read(descriptor, 65536).decode(errors="replace")
    return seen

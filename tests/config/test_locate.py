"""What fails while a `_target_` is imported is one line with the file and line."""

from pathlib import Path

import pytest

from mlcli.cli.training import main
from mlcli.config.errors import ConfigError
from mlcli.config.locate import locate

# name → source, what the message holds, and the line it names
BROKEN = {
    "syntax": ("x = 1\ndef f(:\n", "SyntaxError: invalid syntax", 2),
    "indented": ("def f():\nreturn 1\n", "IndentationError", 2),
    "absent_import": ("import math\nimport no_such_package\n", "No module named 'no_such_package'", 2),
    "absent_name": ("from math import no_such_name\n", "cannot import name 'no_such_name'", 1),
    "raises": ("VALUE = {}\nVALUE['a']\n", "KeyError: 'a'", 2),
    "raises_bare": ("raise RuntimeError\n", "RuntimeError", 1),
    "attribute": ("import math\nmath.nothing\n", "AttributeError: module 'math' has no attribute 'nothing'", 2),
    "value": ("\nint('x')\n", "ValueError: invalid literal", 2),
    "exits": ("import sys\n\nsys.exit(3)\n", "SystemExit: 3", 3),
    "deep": ("import json\njson.loads('{')\n", "JSONDecodeError", 2),
    "several_lines": ("raise OSError('one\\ntwo')\n", "OSError: one two", 1),
}


@pytest.mark.parametrize("name", BROKEN)
def test_a_failing_import_is_one_line(name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    source, message, line = BROKEN[name]
    (tmp_path / f"broken_{name}.py").write_text(source)
    monkeypatch.syspath_prepend(tmp_path)
    with pytest.raises(ConfigError) as error:
        locate(f"broken_{name}.Model", "model._target_")
    text = str(error.value)
    assert text.startswith(f"model._target_=broken_{name}.Model: importing broken_{name} fails: ")
    assert message in text and "\n" not in text
    assert text.endswith(f"(broken_{name}.py, line {line})") or f"/broken_{name}.py, line {line})" in text


def test_missing_names_say_so(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "whole_module.py").write_text("number = 1\n")
    monkeypatch.syspath_prepend(tmp_path)
    with pytest.raises(ConfigError, match=r"cannot be imported .*no attribute 'Model'"):
        locate("whole_module.Model")
    with pytest.raises(ConfigError, match="not a class or function"):
        locate("whole_module.number")
    with pytest.raises(ConfigError, match=r"cannot be imported .*must be beside your conf/"):
        locate("absent_module.Model")
    with pytest.raises(ConfigError, match="cannot be imported"):
        locate("whole_module.sub.Model")


def test_the_command_ends_with_status_2(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "broken_exit.py").write_text("raise SystemExit(0)\n")
    monkeypatch.syspath_prepend(tmp_path)
    monkeypatch.chdir(tmp_path)
    with pytest.raises(SystemExit) as ended:
        main(["model._target_=broken_exit.Model", "tracking=none"])
    text = capsys.readouterr().err
    assert ended.value.code == 2 and text.count("\n") == 1 and "broken_exit.py, line 1)" in text
    assert not (tmp_path / "outputs").exists()


def test_a_name_without_a_module_says_so() -> None:
    with pytest.raises(ConfigError, match=r"optimizer\._target_=Adam: use the full name .*, as in MODULE\.Adam\."):
        locate("Adam", "optimizer._target_")

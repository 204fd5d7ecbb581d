"""Values that Hydra's grammar cannot read arrive in the config as typed."""

import random
from pathlib import Path

import pytest

from mlcli.config.compose import compose, hydra_session, to_run
from mlcli.config.quoting import parsed_override, quoted, read_mappings, text_of
from mlcli.config.trials import TrialComposer

LETTERS = "abzäß€ _-.,:;=#$%&@!?*+/\\'\"()[]{}<>|~^`019\t\n"


def value(override: str, *columns: str):
    """What the override sets, where the table has these columns."""
    (text,) = quoted([override], lambda: columns or None)
    assert quoted([text], lambda: columns or None) == [text]
    parsed = parsed_override(text)
    assert parsed is not None, text
    if parsed.is_sweep_override():
        return [text_of(each.partition("=")[2]) for each in _trials(text)]
    made = {"data": {parsed.key_or_group.partition(".")[2]: parsed.value()}}
    read_mappings(made)
    return next(iter(made["data"].values()))


def _trials(override: str) -> list[str]:
    from mlcli.sweep.grid import combinations

    return [each for (each,) in combinations([parsed_override(override)])]


def texts(count: int, seed: int) -> list[str]:
    generator = random.Random(seed)
    return ["".join(generator.choices(LETTERS, k=generator.randint(1, 12))) for _ in range(count)]


def test_a_column_is_as_typed_whatever_its_name() -> None:
    """Also where the grammar would read a number, a list, a function or a sweep."""
    for text in [*texts(300, 0), "1.50", "true", "range(1,3)", "choice(a,b)", "a,b", "[kg]", "{x}", "1e3"]:
        if "${" not in text:
            assert value(f"data.target={text}", text, "other") == text
            assert value(f"split.by=group:{text}", text) == f"group:{text}"


def test_what_the_grammar_cannot_read_is_as_typed() -> None:
    seen = 0
    for text in texts(600, 1):
        override = f"data.url={text}"
        if "${" in text or parsed_override(override) or "," in text or text[0] in "[{":
            continue
        seen += 1
        assert value(override) == text
    assert seen > 100


def test_what_the_grammar_reads_keeps_its_meaning() -> None:
    for text in texts(600, 2):
        override = f"trainer.value={text}"
        parsed = parsed_override(override)
        if parsed:
            assert quoted([override]) == [override]
    for text in ("${a}", "ä ${a}", "a$\\{b", "~data.target=ä#", "model=größe", "optimizer.lr=foo(1)", "ä=1", "x"):
        assert quoted([text]) == [text] or "${" not in text


@pytest.mark.parametrize(
    ("override", "expected"),
    [
        ("data.target=Größe", "Größe"),
        ("data.target=price ($)", "price ($)"),
        ("data.target=price($)", "price($)"),
        ("data.path=houses (1).csv", "houses (1).csv"),
        ("data.path=2024", "2024"),
        ("split.by=group:Straße", "group:Straße"),
        ("data.delimiter=;", ";"),
        ("data.delimiter=,", ","),
        ("data.delimiter=','", ","),
        ("data.query=SELECT a, b FROM t", "SELECT a, b FROM t"),
        ('data.query="SELECT 1"', "SELECT 1"),
        ("data.target=null", None),
        ("data.ignore=[id,Straße Nr.,3]", ["id", "Straße Nr.", "3"]),
        ('data.types={"plz #": category}', {"plz #": "category"}),
        ("data.types={Größe: number, 'a: b': date}", {"Größe": "number", "a: b": "date"}),
        ("data.types={ö 10:30: text}", {"ö 10:30": "text"}),
        ("data.ignore=[2024,'1',b]", ["2024", "1", "b"]),
        ("data.ignore=a", "a"),
        ("data.ignore=null", None),
        ("data.types={zip: category}", {"zip": "category"}),
        ("name=ä, b", ["ä", "b"]),
    ],
)  # fmt: skip
def test_values(override: str, expected: object) -> None:
    assert value(override) == expected


def test_a_comma_in_a_name_is_no_sweep_where_the_name_exists(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    for name in ("a,b.csv", "c.csv", "ü.csv"):
        Path(name).touch()
    assert value("data.path=a,b.csv") == "a,b.csv"
    assert value("data.path=c.csv,ü.csv") == ["c.csv", "ü.csv"]
    assert value("data.path=c.csv,absent ü.csv") == "c.csv,absent ü.csv"
    columns = ("Sale, price", "a", "b", "ö")
    assert value("data.target=Sale, price", *columns) == "Sale, price"
    assert value("data.target=a,b", *columns) == ["a", "b"]
    assert value("data.target=a,ö", *columns) == ["a", "ö"]
    assert value("split.by=group:a,group:ö", *columns) == ["group:a", "group:ö"]
    assert value("data.target=a, (ö", *columns) == "a, (ö"
    assert value("data.target=b", "a,b") == "b"
    assert value("data.target=a,typo", *columns) == ["a", "typo"]  # each value has its own error
    assert value("data.target=neither,nor", *columns) == "neither,nor"
    assert value("split.by=example,group:a", *columns) == ["example", "group:a"]
    assert value("split.by=example,class", *columns) == ["example", "class"]


def test_composed_values_arrive_in_runs_and_trials() -> None:
    typed = ["name=ä #1; (x)", "data.noise=0.5", 'tracking.experiment=a\\b "c"']
    with hydra_session() as hydra:
        cfg = compose(hydra, ["data=fraud", *typed])
        made = to_run(cfg)
        assert (made.name, made.tracking.experiment) == ("ä #1; (x)", 'a\\b "c"')
        sweep = compose(hydra, ["data=fraud", *typed, "optimizer.lr=1,2"], multirun=True)
        overrides = [*sweep.hydra.overrides.task[:-1], "optimizer.lr=1"]
        trial = TrialComposer(hydra.config_loader, sweep)(overrides)
        assert (trial.name, trial.tracking.experiment) == (made.name, made.tracking.experiment)

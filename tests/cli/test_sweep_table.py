"""The table of a sweep in terminals."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from mlcli.cli import output
from mlcli.cli.sweep_table import print_sweep
from mlcli.sweep.ranking import repeat_groups

Row = dict[str, Any]
Show = Callable[..., tuple[str | None, list[str]]]


def made(number: int, swept: dict[str, Any], score: float | None = None, status: str = "FINISHED") -> Row:
    names = ("val/loss", "val/accuracy", "test/accuracy", "test/f1_macro")
    metrics = {} if score is None else dict.fromkeys(names, score)
    return {"trial": number, "status": status, "swept": swept, "seconds": 1.5, "metrics": metrics}


def repeats(rates: int, seeds: int) -> list[Row]:
    """Scores 0.1, 0.2, … of the first learning rate, plus 1 for each following one."""
    pairs = [(rate, seed) for rate in range(rates) for seed in range(seeds)]
    return [
        made(i, {"optimizer.lr": 10.0**-rate, "trainer.seed": seed}, rate + (seed + 1) / 10)
        for i, (rate, seed) in enumerate(pairs)
    ]


@pytest.fixture(autouse=True)
def _a_sweep_without_tracking(tmp_path: Path) -> None:
    (tmp_path / "config.yaml").write_text("{tracking: {name: none}}")


@pytest.fixture(autouse=True)
def _a_wide_terminal_without_colours(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(output, "terminal_width", lambda: 200)
    monkeypatch.setenv("NO_COLOR", "1")


@pytest.fixture
def show(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> Show:
    def show(rows: list[Row]) -> tuple[str | None, list[str]]:
        content = {"monitor": "val/loss", "best_trial": 0, "groups": repeat_groups(rows, "val/loss"), "trials": rows}
        (tmp_path / "trials.json").write_text(json.dumps(content))
        unfinished = print_sweep(str(tmp_path))
        return unfinished, capsys.readouterr().out.splitlines()

    return show


def cells(line: str) -> list[str]:
    return [cell.strip() for cell in line.split("  ") if cell.strip()]


def test_a_row_for_each_setting_with_its_mean_and_deviation(show: Show) -> None:
    unfinished, lines = show(repeats(2, 3))
    assert unfinished is None
    assert lines[0].strip() == "6 trials by val/loss, mean ± std over 3 seeds"
    assert cells(lines[2]) == ["rank", "lr", "val/loss", "val/accuracy", "test/accuracy", "test/f1_macro"]
    assert cells(lines[4]) == ["*1", "1.0", *["0.20 ± 0.10"] * 4]
    assert cells(lines[5]) == ["2", "0.1", *["1.20 ± 0.10"] * 4]
    assert "best: lr=1.0: val/loss 0.20 ± 0.10" in lines  # not the best one of its seeds


def test_seeds_that_did_not_finish_are_told(show: Show) -> None:
    rows = repeats(2, 3)
    rows[1] |= {"status": "FAILED", "metrics": {}}
    unfinished, lines = show(rows)
    assert unfinished and unfinished.startswith("1 of ")
    assert cells(lines[2])[-2:] == ["seeds", "status"]
    # A mean over the seeds that did not fail is not compared with one over all.
    assert [line.split()[:2] for line in lines[4:6]] == [["1", "0.1"], ["1.0", "0.20"]]
    assert cells(lines[4])[-2:] == ["1.20 ± 0.10", "3/3"] and cells(lines[5])[-2:] == ["2/3", "1 FAILED"]
    assert "configurations of which a seed did not finish are not ranked" in lines and "*" not in "".join(lines)
    for row in rows[3:]:
        row |= {"status": "PRUNED", "epoch": 2}
    _, lines = show(rows)
    assert cells(lines[5])[-3:] == ["1.20 ± 0.10", "0/3", "3 PRUNED at epoch 2"]
    # Of different numbers of seeds the number is told, and no status where all have finished.
    _, lines = show(repeats(2, 3)[:5])
    assert cells(lines[2])[-1] == "seeds" and [cells(line)[-1] for line in lines[4:6]] == ["3/3", "2/2"]


def test_seeds_alone_keep_their_rows_and_end_with_the_mean(show: Show) -> None:
    _, lines = show([made(i, {"trainer.seed": i + 7}, 0.1 * (i + 1)) for i in range(5)])
    assert lines[0].strip() == "5 trials by val/loss, mean ± std over 5 seeds"
    assert cells(lines[4])[:4] == ["1", "0", "7", "0.1000"]  # without a star: the seed is luck
    assert cells(lines[10]) == ["mean", "± std", *["0.30 ± 0.16"] * 4]


def test_trials_without_repeats_have_a_status_only_if_one_did_not_finish(show: Show) -> None:
    rows = [made(i, {"optimizer.lr": 0.1 * i, "scheduler.lr": i}, 0.5 + i) for i in range(4)]
    unfinished, lines = show(rows)
    assert unfinished is None and cells(lines[2])[-1] == "seconds" and "FINISHED" not in "".join(lines)
    assert cells(lines[2])[:4] == ["rank", "trial", "optimizer.lr", "scheduler.lr"]  # lr alone would be either
    rows[0] |= {"status": "PRUNED", "epoch": 3}
    rows[1] |= {"status": "FAILED", "metrics": {}}
    unfinished, lines = show(rows)
    assert unfinished and unfinished.startswith("1 of ")
    assert [(line.split()[:2], cells(line)[-1]) for line in lines[4:6]] == [
        (["*1", "2"], "FINISHED"), (["2", "3"], "FINISHED"),
    ]  # fmt: skip
    assert [(line.split()[0], cells(line)[-1]) for line in lines[6:8]] == [
        ("0", "PRUNED at epoch 3"), ("1", "FAILED"),
    ]  # fmt: skip
    assert "trials that were stopped have the numbers of an earlier epoch and are not ranked" in lines


def test_what_is_best_within_each_data_set(show: Show) -> None:
    rows = [
        made(i, {"data": data, "optimizer.lr": lr}, score) | {"context": {"data._target_": data}}
        for i, (data, lr, score) in enumerate(
            [("iris", 1, 0.3), ("iris", 2, 0.2), ("wine", 1, 0.05), ("wine", 2, 0.1)]
        )
    ]
    _, lines = show(rows)
    assert lines[0].strip() == "4 trials by val/loss, ranked within each data set"
    assert [cells(line)[:3] for line in lines[4:8]] == [
        ["*1", "1", "iris"], ["2", "0", "iris"], ["*1", "2", "wine"], ["2", "3", "wine"],
    ]  # fmt: skip
    # Of one trial each, none is better.
    rows = [made(k, {"model.clusters": k}, 1 / k) | {"context": {"model.clusters": str(k)}} for k in (2, 3, 4)]
    _, lines = show(rows)
    assert lines[0].strip() == "3 trials by val/loss, which is not comparable across model.clusters: no rank"
    assert [cells(line)[0] for line in lines[4:7]] == ["2", "3", "4"] and "*" not in "".join(lines)


def test_ties_are_told(show: Show) -> None:
    _, lines = show([made(i, {"optimizer.lr": i}, 0.5 if i < 7 else 0.9) for i in range(10)])
    assert [cells(line)[0] for line in lines[4:14]] == ["1="] * 7 + ["8="] * 3
    tied = ", ".join(f"trial {i} (lr={i})" for i in range(5))
    assert f"7 trials tie with val/loss 0.5000: {tied} and 2 more" in lines
    # Means whose interval of the difference includes 0.
    rows = repeats(2, 3)
    for row in rows[3:]:
        row["metrics"] = {"val/loss": row["metrics"]["val/loss"] - 0.9}
    _, lines = show(rows)
    assert [cells(line)[0] for line in lines[4:6]] == ["1=", "1="] and "*" not in "".join(lines)
    assert any(line.startswith("2 configurations tie in val/loss (the 95 % interval") for line in lines)


def test_nothing_is_starred_where_nothing_finished(show: Show) -> None:
    unfinished, lines = show([made(i, {"trainer.seed": i}, status="KILLED") for i in range(3)])
    assert (
        unfinished
        and unfinished.startswith("3 of 3 trials did not finish")
        and "*" not in "".join(lines)
        and "±" not in "".join(lines)
    )


def test_a_long_table_shows_its_best_and_where_the_rest_is(show: Show, tmp_path: Path) -> None:
    for rows, file in (
        ([made(i, {"optimizer.lr": i}, 0.1 * i) for i in range(64)], "trials.csv"),
        (repeats(64, 2), "groups.csv"),
    ):
        _, lines = show(rows)
        assert f"… 34 more in {tmp_path}/{file}" in lines
        assert [cells(line)[0] for line in lines[4:34]] == ["*1", *map(str, range(2, 31))]
        assert len(lines) <= 40
    _, lines = show([made(i, {"optimizer.lr": i}, 0.1 * i) for i in range(40)])
    assert cells(lines[43])[0] == "40" and "more in" not in "".join(lines)


@pytest.mark.parametrize("width", [40, 80, 100])
def test_it_fits_the_terminal(show: Show, monkeypatch: pytest.MonkeyPatch, width: int) -> None:
    monkeypatch.setattr(output, "terminal_width", lambda: width)
    rows = [made(i, {"optimizer.lr": i, "trainer.seed": i}, 0.12345, "PRUNED" if i else "FINISHED") for i in range(4)]
    for given, height in ((rows, 4), (repeats(4, 5), 4), (repeats(1, 4), 4 + 2)):
        _, lines = show(given)
        start = next(place for place, line in enumerate(lines) if line.startswith("──"))
        table = lines[start - 1 : lines.index("", start)]
        assert len(table) == height + 2  # no cell has broken
        assert max(map(len, table)) <= width and not any(line.endswith(" ") for line in table)


def test_a_sweep_of_before_there_were_groups_is_shown(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    content = {"monitor": "val/loss", "best_trial": 0, "trials": [made(0, {}, 0.5)]}
    (tmp_path / "trials.json").write_text(json.dumps(content))
    assert print_sweep(str(tmp_path)) is None
    assert "1 trial by val/loss" in capsys.readouterr().out


def test_a_task_s_own_directions_rank_its_trials(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    record = {"id": "1", "name": "a", "status": "FINISHED", "started": 0, "command": "", "host": "h", "pid": 1}
    directions = {"profit": "max", "requests": None}
    (tmp_path / "sweep.json").write_text(json.dumps(record | {"directions": directions}))
    rows = [made(i, {"optimizer.lr": i}) | {"metrics": {"val/profit": i}} for i in (1, 2)]
    (tmp_path / "trials.json").write_text(json.dumps({"monitor": "val/profit", "best_trial": 2, "trials": rows}))
    print_sweep(str(tmp_path))
    rows_shown = [cells(line) for line in capsys.readouterr().out.splitlines() if line.lstrip("* ")[:1].isdigit()]
    assert [row[:2] for row in rows_shown if len(row) > 2] == [["*1", "2"], ["2", "1"]]

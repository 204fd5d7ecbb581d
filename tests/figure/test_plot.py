import math
import subprocess
import sys
from pathlib import Path

import numpy as np
from matplotlib.figure import Figure

from mlcli.figure.plot import Plot, number, plain


def test_numbers_that_are_not_finite_become_none() -> None:
    assert plain(np.array([[1.5, math.nan], [math.inf, 2]], dtype=np.float32)) == [[1.5, None], [None, 2.0]]
    assert plain(np.array([1, 2])) == [1, 2]
    assert number(np.float32(0.5)) == 0.5 and number(math.nan) is None


def test_saving_leaves_nothing_but_picture_and_data(tmp_path: Path) -> None:
    Plot("empty", lambda title: Figure(), {"title": "ü $"}).save(tmp_path / "figures")
    assert sorted(path.name for path in (tmp_path / "figures").iterdir()) == ["empty.json", "empty.png"]


def test_importing_the_room_loads_neither_scikit_learn_nor_matplotlib() -> None:
    code = (
        "import sys\n"
        "import mlcli.metric.classification, mlcli.metric.regression, mlcli.metric.history, mlcli.metric.fast\n"
        "assert not {'sklearn', 'matplotlib', 'pandas'} & set(sys.modules)\n"
    )
    subprocess.run([sys.executable, "-c", code], check=True)

"""The tables that scikit-learn ships, read without importing it, equal what it loads itself."""

import subprocess
import sys
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from sklearn import datasets

from mlcli.data.breast_cancer import breast_cancer
from mlcli.data.diabetes import diabetes
from mlcli.data.digits import digits
from mlcli.data.iris import iris
from mlcli.data.wine import wine
from mlcli.loading.dataset import Examples

CASES = [
    (iris, datasets.load_iris),
    (wine, datasets.load_wine),
    (breast_cancer, datasets.load_breast_cancer),
    (digits, datasets.load_digits),
    (diabetes, lambda: datasets.load_diabetes(scaled=False)),
]


@pytest.mark.parametrize(("ours", "theirs"), CASES, ids=[case[0].__name__ for case in CASES])
def test_equals_scikit_learn(ours: Callable[[], Examples], theirs: Callable[[], Any]) -> None:
    examples, reference = ours(), theirs()
    np.testing.assert_allclose(examples.inputs.flatten(1).numpy(), reference.data, rtol=1e-6)
    np.testing.assert_array_equal(examples.targets.numpy(), reference.target)
    if examples.classes:
        assert list(examples.classes) == [str(name) for name in reference.target_names]
    if examples.features:
        assert list(examples.features) == list(reference.feature_names)


def test_scikit_learn_is_not_imported() -> None:
    code = "import sys\nfrom mlcli.data.digits import digits\ndigits()\nassert 'sklearn' not in sys.modules"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0

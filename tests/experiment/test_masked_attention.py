from collections.abc import Callable
from typing import Any


def test_masked_positions_have_no_effect_and_layers_equal_torch(experiment: Callable[..., Any]) -> None:
    conclusion = experiment("masked_attention", "trainer.epochs=1", "data.examples=500")
    rows = {row["mask"]: row for row in conclusion.rows}
    assert all(row["max masked weight"] == 0 for row in rows.values())
    assert all(row["max difference from torch"] < 1e-12 for row in rows.values())
    for mask in ("padding", "causal", "both"):
        assert rows[mask]["masked weights"] > 0.2
        assert rows[mask]["change by padding"] == 0 < rows["none"]["change by padding"]
    assert rows["causal"]["change by later steps"] == rows["both"]["change by later steps"] == 0
    assert rows["padding"]["change by later steps"] > 0
    assert "masks" in conclusion.figures()

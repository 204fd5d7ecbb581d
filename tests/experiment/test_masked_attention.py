from collections.abc import Callable
from typing import Any


def test_masks_hide_exactly_and_equal_torchs(experiment: Callable[..., Any]) -> None:
    told = experiment("masked_attention", "trainer.epochs=1", "data.examples=500")
    rows = {row["mask"]: row for row in told.rows}
    assert all(row["largest of them"] == 0 for row in rows.values())
    assert all(row["largest difference from torch"] < 1e-12 for row in rows.values())
    for mask in ("padding", "causal", "both"):
        assert rows[mask]["weights hidden"] > 0.2
        assert rows[mask]["change by padding"] == 0 < rows["none"]["change by padding"]
    assert rows["causal"]["change by later steps"] == rows["both"]["change by later steps"] == 0
    assert rows["padding"]["change by later steps"] > 0
    assert "masks" in told.figures()

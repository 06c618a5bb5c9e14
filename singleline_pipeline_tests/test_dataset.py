"""A dataset decides what a model sees: nothing may leak between splits, and nothing may vanish without a reason."""

import json
from datetime import UTC, datetime

import numpy as np
import pytest

from singleline_pipeline.dataset import (
    DatasetSettings,
    KeptDrawing,
    build_dataset,
    find_snapshot,
    split_of,
    write_snapshot,
)
from singleline_pipeline.geometry import load_npz


def wobbly(points: int, seed: int) -> np.ndarray:
    """A line that no simplification at 1 unit shortens: steps of 12 units with sharp turns."""
    rng = np.random.default_rng(seed)
    return np.cumsum(rng.choice([-12.0, 12.0], (points, 2)), axis=0)


def drawing(number: int, strokes: list[np.ndarray], page: int | None = None) -> KeptDrawing:
    page = number if page is None else page
    return KeptDrawing(f"sb01p{page:03d}d{number:02d}", f"sb01p{page:03d}", "sb01", f"{page:064x}", strokes)


def test_the_splits_are_near_80_10_10_and_never_move() -> None:
    """The split is a function of the page alone, so that new sketchbooks cannot move a page into train."""
    splits = [split_of(f"{page:064x}") for page in range(4000)]
    shares = {name: splits.count(name) / 4000 for name in ("train", "valid", "test")}
    assert shares["train"] == pytest.approx(0.8, abs=0.02)
    assert shares["valid"] == pytest.approx(0.1, abs=0.02)
    # These three are on record: if they change, every model's held-out pages change.
    assert [split_of(name * 64) for name in "abc"] == ["train", "train", "train"]


def test_all_drawings_of_a_page_are_on_one_side() -> None:
    drawings = [drawing(number, [wobbly(20, number)], page=number // 4) for number in range(80)]
    dataset = build_dataset(drawings, DatasetSettings(cut_ends=0))
    sides: dict[str, set[str]] = {}
    for row in dataset.rows:
        sides.setdefault(row.page_id, set()).add(row.split)
    assert all(len(split) == 1 for split in sides.values())
    assert len(dataset.rows) == 80


def test_the_budget_is_kept_and_the_tolerance_is_the_least() -> None:
    dense = np.column_stack([np.linspace(0, 200, 1000), 80 * np.sin(np.linspace(0, 6, 1000))])
    dataset = build_dataset([drawing(0, [dense]), drawing(1, [wobbly(600, 1)])], DatasetSettings(cut_ends=0))
    easy, hard = dataset.rows
    assert easy.epsilon == 1.0
    assert len(easy.stroke3) < 60
    assert len(hard.stroke3) <= 250
    assert hard.epsilon > 1.0


def test_every_drawing_is_a_row_or_has_a_reason() -> None:
    """Cut ends and impossible drawings are named, for the manifest says what the model did not see."""
    drawings = [drawing(number, [wobbly(10 + number, number)]) for number in range(60)]
    drawings.append(drawing(99, [np.zeros((2, 2)) + number for number in range(300)]))
    dataset = build_dataset(drawings)
    kept = {row.drawing_id for row in dataset.rows}
    assert kept | set(dataset.dropped) == {d.drawing_id for d in drawings}
    assert not kept & set(dataset.dropped)
    assert "shortest" in dataset.dropped["sb01p000d00"]
    assert "300 strokes" in dataset.dropped["sb01p099d99"]


def test_nothing_in_gives_an_empty_dataset() -> None:
    assert build_dataset([]).rows == []


def test_a_snapshot_is_kept_once_and_can_be_read_back(tmp_path) -> None:
    """A model names the data it saw by fingerprint: the same data must not become a second version."""
    dataset = build_dataset([drawing(number, [wobbly(20, number)]) for number in range(30)])
    first = write_snapshot(dataset, DatasetSettings(), tmp_path, now=datetime(2026, 1, 2, tzinfo=UTC))
    again = write_snapshot(dataset, DatasetSettings(), tmp_path, now=datetime(2027, 1, 2, tzinfo=UTC))
    assert first == again == find_snapshot(tmp_path, dataset.fingerprint())
    assert first.name.startswith("20260102-000000-")
    manifest = json.loads((first / "manifest.json").read_text())
    assert manifest["drawings"]["train"] == len(dataset.splits()["train"])
    assert manifest["sketchbooks"] == {"sb01": len(dataset.rows)}
    assert manifest["ids"]["train"] == [row.drawing_id for row in dataset.rows if row.split == "train"]
    loaded = load_npz(first / "dataset.npz")
    for split, rows in dataset.splits().items():
        assert len(loaded[split]) == len(rows)
        for one, other in zip(loaded[split], rows, strict=True):
            np.testing.assert_allclose(one, other, atol=1e-4)


def test_a_snapshot_that_was_killed_halfway_is_made_again(tmp_path) -> None:
    """What is left of the first try has a temporary name; it must neither count nor be in the way."""
    dataset = build_dataset([drawing(number, [wobbly(20, number)]) for number in range(30)])
    now = datetime(2026, 1, 2, tzinfo=UTC)
    half = tmp_path / f".20260102-000000-{dataset.fingerprint()[:12]}.tmp"
    half.mkdir()
    (half / "dataset.npz").write_bytes(b"PK half")
    snapshot = write_snapshot(dataset, DatasetSettings(), tmp_path, now=now)
    assert len(load_npz(snapshot / "dataset.npz")["train"]) == len(dataset.splits()["train"])
    assert not half.exists()

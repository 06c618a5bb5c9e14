"""`singleline finetune-encoder`: an encoder that has learned from what folders and people say of pictures."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from singleline_pipeline.home import Home
from singleline_pipeline.lake import Lake
from singleline_pipeline.nested import strokes_from_arrow

if TYPE_CHECKING:
    from singleline_pipeline.embedding.finetuning import Trained

_OF_FOLDER = {"notes": "notes", "cover": "covers", "art": "art"}
_OF_ART = ("drawings", "watercolors")


@dataclass(frozen=True)
class LabelledPictures:
    """Pictures of the lake that something is known of, read again from it for each pass over them."""

    labels: list[str]
    pages: list[str]
    """SHA-256 of each one's page."""
    said_by: dict[str, int]
    """How many of the labels are from where: hand, cluster, folder."""
    read: Callable[[], Iterator[np.ndarray]]
    """The pictures, uint8 (h, w[, 3] BGR)."""


@dataclass(frozen=True)
class FineTuned:
    """What came of a fine-tuning."""

    folder: Path
    trained: "Trained"
    said_by: dict[str, int]


def finetune_encoder(
    home: Home,
    scope: str,
    out: Path | None = None,
    *,
    seed: int = 0,
    max_seconds: float | None = None,
    progress: Callable[[str], None] = lambda message: None,
) -> FineTuned:
    """Fine-tune the default encoder on the labelled pages or drawings of a lake, and write it to a new folder.

    Raises EmbeddingError where too little is labelled, and where the folder exists or cannot be written.

    Args:
        home: Where tables and labels lie.
        scope: pages or drawings.
        out: The folder; None makes one below the home's models, named by scope and weights.
        seed: Seed of the training.
        max_seconds: CPU seconds after which no epoch is begun.
        progress: Told of what is going on.
    """
    from singleline_pipeline.embedding.finetuned import require_new, save_finetuned
    from singleline_pipeline.embedding.finetuning import enough_classes, finetune

    if out is not None:
        require_new(out)
    found = labelled_pages(home) if scope == "pages" else labelled_drawings(home)
    enough_classes(found.labels, found.pages)
    trained = finetune(
        found.read(), found.labels, found.pages, seed=seed, max_seconds=max_seconds, progress=progress
    )
    about = {"seed": seed, "labels_from": found.said_by}
    return FineTuned(save_finetuned(trained, out, home.models, scope, about), trained, found.said_by)


def labelled_pages(home: Home) -> LabelledPictures:
    """The pages of the lake with the group that a person gave them, else the class of their folder.

    `art` holds drawings and watercolors. Once enough of both were told apart by hand, these are the classes, and pages
    of `art` that nobody looked at are left out; until then all of them are one class.
    """
    from singleline_pipeline.embedding import read_labels
    from singleline_pipeline.embedding.finetuning import LEAST_ROWS
    from singleline_pipeline.scans import decode_image

    lake = Lake(home.lake)
    by_hand = read_labels(home.labels / "labels.csv").resolve("page")
    books = lake.read_partitions("raw_pages", columns=["sha256", "folder"])
    folder_of: dict[str, str] = {}
    for table in books.values():
        for sha256, folder in zip(table["sha256"].to_pylist(), table["folder"].to_pylist(), strict=True):
            folder_of.setdefault(sha256, folder)
    given = [by_hand[page] for page in folder_of if page in by_hand]
    apart = all(given.count(group) >= LEAST_ROWS for group in _OF_ART)
    label_of: dict[str, str] = {}
    for page, folder in folder_of.items():
        label = by_hand.get(page) or _OF_FOLDER.get(folder, "")
        if apart and label == "art":
            continue
        if label:
            label_of[page] = "art" if label in _OF_ART and not apart else label

    def read() -> Iterator[np.ndarray]:
        left = set(label_of)
        for book in books:
            table = lake.read("raw_pages", book, ["sha256", "page_id", "image"])
            for row, page in enumerate(table["sha256"].to_pylist()):
                if page in left:
                    left.remove(page)
                    yield decode_image(
                        table["image"][row]["bytes"].as_py(), name=table["page_id"][row].as_py()
                    )

    hand = sum(page in by_hand for page in label_of)
    said_by = {"hand": hand, "folder": len(label_of) - hand}
    return LabelledPictures(list(label_of.values()), list(label_of), said_by, read)


def labelled_drawings(home: Home) -> LabelledPictures:
    """The drawings of the lake that a person included or excluded, each or by naming its cluster."""
    from singleline_pipeline.rendering import rasterize

    lake = Lake(home.lake)
    tables = lake.read_partitions("filtered_drawings", columns=["sha256", "kept", "decided_by"])
    labels, pages, said_by = [], [], {"hand": 0, "cluster": 0}
    chosen: dict[str, list[int]] = {}
    for book, table in tables.items():
        chosen[book] = []
        for row, drawing in enumerate(table.to_pylist()):
            if drawing["decided_by"] not in said_by:
                continue
            said_by[drawing["decided_by"]] += 1
            chosen[book].append(row)
            labels.append("include" if drawing["kept"] else "exclude")
            pages.append(drawing["sha256"])

    def read() -> Iterator[np.ndarray]:
        for book, rows in chosen.items():
            strokes = strokes_from_arrow(lake.read("filtered_drawings", book, ["strokes"])["strokes"])
            for row in rows:
                yield rasterize(strokes[row])

    return LabelledPictures(labels, pages, said_by, read)

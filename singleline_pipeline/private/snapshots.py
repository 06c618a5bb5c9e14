"""Snapshots of the dataset without a page, and the models that were trained on one with it."""

import json
import shutil
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from singleline_pipeline import geometry
from singleline_pipeline.dataset import SPLITS, fingerprint
from singleline_pipeline.geometry._atomic import atomic_writer
from singleline_pipeline.private.naming import PrivatePage

_REPLACES = "taken_out_of"
"""Fingerprints of the versions that a snapshot was before pages were taken out of it."""


@dataclass
class Snapshots:
    """What was done to the snapshots, by name, and the models that learned from a page that is private by now."""

    rewritten: dict[str, int] = field(default_factory=dict)
    """Drawings that were taken out."""
    removed: list[str] = field(default_factory=list)
    """Snapshots that do not say which of their drawings are the page's."""
    learned: dict[str, Path] = field(default_factory=dict)
    """Folders of training runs."""
    may_have: dict[str, Path] = field(default_factory=dict)
    """Training runs whose snapshot is not there any more."""
    encoders: list[Path] = field(default_factory=list)
    """Folders of fine-tuned encoders, which do not say what pages they have seen."""


def forget_in_snapshots(datasets: Path, models: Path, page: PrivatePage) -> Snapshots:
    """Take a page's drawings out of every snapshot. A snapshot that is changed gets the name of what it is now."""
    done, held, known = Snapshots(), set(), set()
    for leftover in datasets.glob(".*.tmp"):
        shutil.rmtree(leftover)
    for snapshot in sorted(datasets.glob("[!.]*/manifest.json")):
        manifest = json.loads(snapshot.read_text(encoding="utf-8"))
        earlier = set(manifest.get(_REPLACES, ()))
        ids = manifest.get("ids")
        mine = {name for split in (ids or {}).values() for name in split if page.is_drawing(name)}
        known |= earlier | {manifest["fingerprint"]}
        held |= earlier
        if ids is None and page.sketchbooks & set(manifest["sketchbooks"]):
            held.add(manifest["fingerprint"])
            shutil.rmtree(snapshot.parent)
            done.removed.append(snapshot.parent.name)
        elif mine or any(map(page.is_drawing, manifest["dropped"])):
            held |= {manifest["fingerprint"]} if mine else set()
            name = _rewrite(snapshot.parent, manifest, mine, page)
            done.rewritten[name] = len(mine)
    for file in sorted(models.glob("*/*/config.json")):
        if file.parent.is_symlink():
            continue
        seen = json.loads(file.read_text(encoding="utf-8")).get("dataset_fingerprint")
        if seen in held:
            done.learned[f"{file.parent.parent.name} {file.parent.name}"] = file.parent
        elif seen not in known:
            done.may_have[f"{file.parent.parent.name} {file.parent.name}"] = file.parent
    done.encoders = [file.parent for file in sorted(models.glob("encoder-*/config.json"))]
    return done


def _rewrite(snapshot: Path, manifest: dict[str, Any], mine: set[str], page: PrivatePage) -> str:
    drawings = geometry.load_npz(snapshot / "dataset.npz")
    kept = {
        split: [
            (name, one)
            for name, one in zip(manifest["ids"][split], drawings[split], strict=True)
            if name not in mine
        ]
        for split in SPLITS
    }
    rows = [(name, split, one) for name, split, one in _in_order(manifest, kept)]
    mark = fingerprint(rows) if mine else manifest["fingerprint"]
    books = dict(manifest["sketchbooks"])
    for name in mine:
        for book in books:
            books[book] -= name.startswith(f"{book}p")
    changed = manifest | {
        "fingerprint": mark,
        "drawings": {split: len(found) for split, found in kept.items()},
        "points": {split: sum(len(one) for _, one in found) for split, found in kept.items()},
        "sketchbooks": {book: count for book, count in books.items() if count},
        "dropped": {name: why for name, why in manifest["dropped"].items() if not page.is_drawing(name)},
        "ids": {split: [name for name, _ in found] for split, found in kept.items()},
    }
    if mine:
        changed[_REPLACES] = [*manifest.get(_REPLACES, ()), manifest["fingerprint"]]
    new = snapshot.with_name(f"{snapshot.name.rpartition('-')[0]}-{mark[:12]}")
    text = json.dumps(changed, indent=1) + "\n"
    if new == snapshot:
        with atomic_writer(snapshot / "manifest.json") as out:
            out.write(text.encode())
        return new.name
    building = snapshot.with_name(f".{new.name}.tmp")
    building.mkdir()
    geometry.save_npz(
        building / "dataset.npz", {split: [one for _, one in found] for split, found in kept.items()}
    )
    (building / "manifest.json").write_text(text, encoding="utf-8")
    if new.exists():  # a killed command came as far as this
        shutil.rmtree(new)
    building.replace(new)
    shutil.rmtree(snapshot)
    return new.name


def _in_order(manifest: dict[str, Any], kept: dict[str, list]) -> list[tuple[str, str, Any]]:
    """Rows in the order of the table that the fingerprint is of: that of their ids."""
    return sorted(
        ((name, split, one) for split, found in kept.items() for name, one in found), key=lambda row: row[0]
    )

"""A page marked private, and taken out of all that was made from it."""

import contextlib
import json
from dataclasses import dataclass, field
from typing import Any

from singleline_pipeline.corrections import PRIVATE, append_corrections, read_corrections
from singleline_pipeline.geometry._atomic import atomic_writer
from singleline_pipeline.home import Home
from singleline_pipeline.lake import Lake, LakeError
from singleline_pipeline.private.exports import forget_exports
from singleline_pipeline.private.naming import PrivatePage
from singleline_pipeline.private.snapshots import Snapshots, forget_in_snapshots
from singleline_pipeline.private.tables import Rows, forget_rows

_SAMPLES = ("sketch_rnn_samples", "sketch_transformer_samples")


@dataclass(frozen=True)
class Forgotten:
    """What was taken out, where."""

    tables: Rows = field(default_factory=Rows)
    snapshots: Snapshots = field(default_factory=Snapshots)
    exports: list[str] = field(default_factory=list)
    """Files and folders that were removed."""
    reports: list[str] = field(default_factory=list)
    """Comparisons of models that showed a drawing of the page, and were removed."""
    fits: int = 0
    """Members taken off the lists of the cluster fits that were kept."""

    @property
    def rows(self) -> dict[str, int]:
        """Rows that are gone or have lost a part, by asset."""
        return self.tables.changed

    def sentences(self) -> list[str]:
        """What was removed, a line each; what cannot forget, and what to do about that."""
        said = [f"{asset}: {_of(count, 'row')}" for asset, count in self.rows.items()]
        said += [
            f"{file}: removed, for it cannot be read; the next run makes it again"
            for file in self.tables.removed
        ]
        said += [f"labels/fits: {self.fits} members of clusters"] if self.fits else []
        said += [
            f"datasets/{name}: {_of(count, 'drawing')} taken out"
            for name, count in self.snapshots.rewritten.items()
        ]
        said += [
            f"datasets/{name}: removed, for it does not say which of its drawings are of this page"
            for name in self.snapshots.removed
        ]
        said += [f"exports/{name}: removed; `singleline export` writes it again" for name in self.exports]
        said += [
            f"models/comparison/{name}: removed; model_comparison writes it again" for name in self.reports
        ]
        for asset, numbers in self.tables.alone.items():
            said.append(
                f"{asset}: {_of(len(numbers), 'cluster')} without a member ({', '.join(map(str, numbers))}) may still "
                "have the vector of what was in it for a centroid; fit anew (clusters_job) to be rid of it."
            )
        for name, folder in self.snapshots.learned.items():
            said.append(
                f"{name} was trained on a page that is private now, and neither it nor what it draws can forget that: "
                f"train again (`singleline run --train`), and then remove {folder}."
            )
        for name, folder in self.snapshots.may_have.items():
            said.append(
                f"{name} may have been trained on it: its dataset is not kept any more. To be sure, train again and "
                f"remove {folder}."
            )
        for folder in self.snapshots.encoders:
            said.append(
                f"{folder.name} may have been fine-tuned on it: fine-tune again (`singleline finetune-encoder`), and "
                f"then remove {folder}."
            )
        return said


def mark_private(home: Home, page: PrivatePage, *, who: str = "", when: str = "") -> None:
    """Write down that a page is private, under every name that it has. Raises LabelError where that cannot be."""
    said = read_corrections(home.labels)
    known = said.names_of_private(page.sha256) if page.sha256 in said.private else set()
    rows = [(PRIVATE, page.sha256, name) for name in sorted(page.page_ids - known)]
    append_corrections(home.labels, rows, who=who, when=when)


def forget_page(home: Home, page: PrivatePage) -> Forgotten:
    """Take a page out of snapshots, fits, exports and tables. Done again after it was killed, it does the rest.

    The tables come last: they say what else there is to be taken out.
    """
    lake = Lake(home.lake)
    snapshots = forget_in_snapshots(home.datasets, home.models, page)
    exports = forget_exports(home.exports, page, _samples_of(lake, page))
    reports = forget_exports(home.models / "comparison", page, set())
    fits = _forget_members(home, page)
    return Forgotten(forget_rows(lake, page), snapshots, exports, reports, fits)


def _samples_of(lake: Lake, page: PrivatePage) -> set[str]:
    """Names of the samples that start from a drawing of the page."""
    rows: list[dict[str, Any]] = []
    for name in _SAMPLES:
        with contextlib.suppress(LakeError):  # one that cannot be read is removed
            rows += lake.read(name, columns=["sample_id", "source_drawing"]).to_pylist()
    return {
        row["sample_id"] for row in rows if row["source_drawing"] and page.is_drawing(row["source_drawing"])
    }


def _forget_members(home: Home, page: PrivatePage) -> int:
    """Take the page and its drawings off the lists that carry the names of clusters over to the next fit."""
    count = 0
    for file in sorted((home.labels / "fits").glob("*.json")):
        fit = json.loads(file.read_text(encoding="utf-8"))
        members = [
            [key for key in cluster if key.partition(":")[0] != page.sha256] for cluster in fit["members"]
        ]
        gone = sum(map(len, fit["members"])) - sum(map(len, members))
        if gone:
            with atomic_writer(file) as out:
                out.write(json.dumps(fit | {"members": members}, indent=1).encode())
            count += gone
    return count


def _of(count: int, what: str) -> str:
    return f"{count} {what}{'' if count == 1 else 's'}"

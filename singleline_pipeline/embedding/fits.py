"""Every fit's members, kept beside the labels: what a cluster's name was given to, after the fit itself is gone."""

import contextlib
import json
import os
import re
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

from singleline_pipeline.embedding.errors import LabelError


@dataclass(frozen=True)
class StoredFit:
    """The members of one fit's clusters, and the encoder whose vectors they were fitted on."""

    scope: str
    """page_cluster or drawing_cluster."""
    fit_id: str
    encoder: str
    encoder_version: str
    members: list[list[str]]
    """Keys of each cluster's members."""


def save_fit(folder: Path, fit: StoredFit) -> Path:
    """Keep a fit as `<folder>/<scope>-<fit id>.json`, and return that file. A fit kept before is left as it is.

    Raises LabelError where it cannot be written.
    """
    file = folder / f"{fit.scope}-{fit.fit_id}.json"
    if file.exists():
        return file
    new = file.with_name(f".{file.name}.new")
    try:
        folder.mkdir(parents=True, exist_ok=True)
        with new.open("w", encoding="utf-8") as stream:
            json.dump(asdict(fit), stream, indent=1)
            stream.flush()
            os.fsync(stream.fileno())
        os.replace(new, file)
    except OSError as error:
        raise LabelError(
            f"The clusters' members cannot be kept in {file} ({error.strerror}): without them, names given to these "
            "clusters would not carry over to the next fit. Check the disk and the permissions of the folder."
        ) from error
    finally:
        with contextlib.suppress(OSError):  # it may not have been made, nor its folder
            new.unlink()
    return file


def load_fits(folder: Path, scope: str) -> list[StoredFit]:
    """Return every fit of a scope that was kept, by fit id. Raises LabelError for a damaged file, naming it."""
    fits = []
    for file in sorted(folder.glob(f"{scope}-*.json")):
        try:
            fits.append(_stored(json.loads(file.read_text(encoding="utf-8")), scope))
        except (OSError, ValueError, KeyError, TypeError) as error:
            raise LabelError(
                f"{file} is damaged ({error}): names given to its clusters would be lost. Restore it from a backup, "
                "or remove it if nobody named clusters of this fit."
            ) from error
    return fits


def _stored(values: dict[str, object], scope: str) -> StoredFit:
    members = values["members"]
    if not isinstance(members, Sequence) or not all(isinstance(cluster, list) for cluster in members):
        raise ValueError("members are not lists of keys")
    text = {name: str(values[name]) for name in ("fit_id", "encoder", "encoder_version")}
    if values["scope"] != scope or not re.fullmatch(r"\w+", text["fit_id"]):
        raise ValueError(f"it is not a fit of {scope}")
    return StoredFit(scope=scope, members=[[str(key) for key in cluster] for cluster in members], **text)

"""Which sketchbooks have to be processed: the sensor's decision, without Dagster and without a disk."""

import json
from collections.abc import Collection, Mapping
from dataclasses import dataclass, replace

from singleline_pipeline.scans import FolderState


@dataclass(frozen=True)
class Known:
    """What is remembered of a sketchbook: its fingerprint at the last tick, and that of its last run."""

    seen: str
    run_for: str | None = None


@dataclass(frozen=True)
class Changes:
    """What to do about each sketchbook, by name, and what to remember.

    `unsettled` are still being copied, or not seen twice yet; `empty` have no images; `busy` are being
    processed; `vanished` were known and have no folder any more (their partition stays).
    """

    new: list[str]
    changed: list[str]
    unsettled: list[str]
    empty: list[str]
    busy: list[str]
    vanished: list[str]
    cursor: dict[str, Known]


def sketchbook_changes(
    found: Mapping[str, FolderState],
    known: Mapping[str, Known],
    now: float,
    settle_seconds: float,
    *,
    materialized: Mapping[str, str] | None = None,
    busy: Collection[str] = (),
    unread: Collection[str] = (),
) -> Changes:
    """Compare the folders as they are with what is remembered of them.

    A folder has settled when it looks the same as at the last tick and its newest file is older than
    `settle_seconds`. A folder that returns to an old state is a change like any other: what counts is the
    state that it was last run for, not whether that state was ever run.

    Args:
        found: State of every sketchbook that there is. known: What the last tick remembered. now: Seconds
        since the epoch. settle_seconds: How long a folder must have been left alone. materialized:
        Fingerprint that each sketchbook had when its pages were last read, by whomever: those need no
            run, also where the memory was lost.
        busy: Sketchbooks with a run that is queued or going on: they are looked at again when it has ended.
        unread: Sketchbooks that are left as they are: their folder could not be read, or they were imported.
    """
    vanished = sorted(known.keys() - found.keys() - set(unread))
    changes = Changes([], [], [], [], [], vanished, dict(known))
    for name, state in sorted(found.items()):
        before = known.get(name)
        now_known = Known(state.fingerprint, before.run_for if before else None)
        changes.cursor[name] = now_known
        if state.fingerprint == now_known.run_for:
            continue
        # A file dated in the future never gets old enough; that it looks the same twice must do.
        age = now - state.newest_mtime
        settled = before is not None and before.seen == state.fingerprint and not 0 <= age < settle_seconds
        if state.files == 0:
            changes.empty.append(name)
        elif name in busy:
            changes.busy.append(name)
        elif (materialized or {}).get(name) == state.fingerprint:
            changes.cursor[name] = replace(now_known, run_for=state.fingerprint)
        elif not settled:
            changes.unsettled.append(name)
        else:
            first_time = now_known.run_for is None and name not in (materialized or {})
            (changes.new if first_time else changes.changed).append(name)
            changes.cursor[name] = replace(now_known, run_for=state.fingerprint)
    return changes


def to_cursor(known: Mapping[str, Known]) -> str:
    """What is remembered, as text."""
    return json.dumps({name: [book.seen, book.run_for] for name, book in sorted(known.items())})


def from_cursor(cursor: str | None) -> dict[str, Known] | None:
    """What the last tick remembered; nothing at the first tick, None where the text is no memory of ours."""
    if not cursor:
        return {}
    try:
        found = {name: Known(seen, run_for) for name, (seen, run_for) in json.loads(cursor).items()}
    except (ValueError, TypeError, AttributeError):
        return None
    fields = [(book.seen, book.run_for or "") for book in found.values()]
    return found if all(isinstance(text, str) for pair in fields for text in pair) else None

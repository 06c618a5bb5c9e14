"""Undo and redo, read from the labels file itself: it is only added to, so that what was undone is a row as well.

Every action of the studio has a request id. The first part of it, up to the hyphen, is the browser tab's. An undo has
a request id of its own that names the action it takes back: `<id>.undo.<id>`. So undo works after a reload, after a
restart of the server, and takes back nothing that another tab has said since.
"""

import re
from collections.abc import Iterable
from dataclasses import dataclass, field

from singleline_pipeline.embedding.labels import Label

_ID = r"[A-Za-z0-9]{1,32}-[A-Za-z0-9]{1,32}"
REQUEST_ID = re.compile(rf"^{_ID}$")
_CORRECTION = re.compile(rf"^(?P<id>{_ID})\.(?P<what>undo|redo)\.(?P<of>{_ID})$")

Target = tuple[str, str]
"""Scope and key of a label."""


def correction_id(request_id: str, what: str, of: str) -> str:
    """The request id of an undo or a redo of another action."""
    return f"{request_id}.{what}.{of}"


@dataclass
class History:
    """What was said about each target, action by action, and what each tab can undo and redo."""

    _said: dict[Target, list[tuple[str, str]]] = field(default_factory=dict)
    """What holds for each target and what held before it, as (action, label); an undo takes the last one off."""
    _rows: dict[str, dict[Target, str]] = field(default_factory=dict)
    """The labels of each action."""
    _below: dict[tuple[str, Target], tuple[str, str] | None] = field(default_factory=dict)
    """What held for a target when an action was undone: it is redone only while that still holds."""
    _undo: dict[str, list[str]] = field(default_factory=dict)
    _redo: dict[str, list[str]] = field(default_factory=dict)

    def add(self, rows: Iterable[Label]) -> None:
        """Take in rows in the order of the file."""
        for row in rows:
            target = (row.scope, row.key)
            said = self._said.setdefault(target, [])
            correction = _CORRECTION.match(row.request_id)
            if correction is None:
                said.append((row.request_id, row.label))
                if REQUEST_ID.match(row.request_id):
                    self._did(row.request_id, target, row.label)
            elif correction["what"] == "undo":
                if said and said[-1][0] == correction["of"]:
                    said.pop()
                else:
                    said.append((row.request_id, row.label))
                self._below[correction["of"], target] = said[-1] if said else None
                self._move(correction["id"], correction["of"], self._undo, self._redo)
            else:
                said.append((correction["of"], row.label))
                self._move(correction["id"], correction["of"], self._redo, self._undo)

    def last(self, what: str, tab: str) -> str | None:
        """The action that this tab would undo or redo next; None where there is none of which anything is left."""
        stack, labels = (self._undo, self.undone) if what == "undo" else (self._redo, self.redone)
        return next((action for action in reversed(stack.get(tab, [])) if labels(action)), None)

    def undone(self, action: str) -> dict[Target, str]:
        """The label that each target of an action gets back; without those that were labelled again since."""
        back = {}
        for target in self._rows[action]:
            said = self._said[target]
            if said and said[-1][0] == action:
                back[target] = said[-2][1] if len(said) > 1 else ""
        return back

    def redone(self, action: str) -> dict[Target, str]:
        """The label that each target of an undone action gets again; without those that were labelled since."""
        again = {}
        for target, label in self._rows[action].items():
            said = self._said[target]
            if (action, target) in self._below and self._below[action, target] == (
                said[-1] if said else None
            ):
                again[target] = label
        return again

    def knows(self, action: str) -> bool:
        """Whether an action has been written."""
        return action in self._rows

    def size(self, action: str) -> int:
        """How many targets an action labelled."""
        return len(self._rows[action])

    def _did(self, action: str, target: Target, label: str) -> None:
        if action not in self._rows:
            tab = action.partition("-")[0]
            self._undo.setdefault(tab, []).append(action)
            self._redo[tab] = []
        self._rows.setdefault(action, {})[target] = label

    def _move(self, by: str, action: str, out: dict[str, list[str]], into: dict[str, list[str]]) -> None:
        tab = by.partition("-")[0]
        if action in out.get(tab, []):
            out[tab].remove(action)
            into.setdefault(tab, []).append(action)

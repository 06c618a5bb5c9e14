"""HOME/settings.toml: how strokes become drawings, in all of a home and on single pages.

A person's file. What it does not say is as built in; what it says wrongly is reported with its line and is as built
in, too; comments and the order of its lines stay when the studio writes to it.

    [joined_strokes]
    max_gap = 20

    [pages.6b86b273ff34fce19d6b804eff5a3f5747ada4eaa22f1d49c01e52ddb7875b4b]
    id = "sb48p005"
    joined_strokes = {max_gap = 25}
"""

import hashlib
import json
import math
import re
import tomllib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

LOCK_SECONDS = 30.0

Value = float | int | str
Values = dict[str, dict[str, Value]]
"""Value by section and name."""

_SHA256 = re.compile(r"[0-9a-f]{64}")


class SettingsError(ValueError):
    """settings.toml cannot be read or written; the message says why, and what to do."""


@dataclass(frozen=True)
class Setting:
    """One name of a section: what it is where nobody says anything, and what may be said."""

    usual: Value | None
    """What is built in; None where it follows from another setting (`GAPS`)."""
    kind: type
    low: float = -math.inf
    high: float = math.inf
    choices: tuple[str, ...] = ()
    for_pages: bool = True
    """Whether a single page may have its own."""

    def problem(self, value: object) -> str:
        """What is wrong with a value, as the end of a sentence; empty where nothing is."""
        if self.kind is str:
            if self.choices and value not in self.choices:
                return f"must be one of {', '.join(self.choices)}"
            return "" if isinstance(value, str) and value else "must be a text in quotes"
        wanted = "a whole number" if self.kind is int else "a number"
        there = isinstance(value, int | self.kind) and not isinstance(value, bool)
        if there and self.low <= value <= self.high:  # type: ignore[operator]
            return ""
        return f"must be {wanted} from {self.low:g} to {self.high:g}"


GAPS = {"route": 30.0, "splice": 40.0}
"""Largest gap of each way to one line where nobody says another, in units of the drawing."""

SETTINGS: dict[str, dict[str, Setting]] = {
    "encoder": {"name": Setting("efficientnet-lite0", str, for_pages=False)},
    "joined_strokes": {
        "max_gap": Setting(15.0, float, 0, 200),
        "min_points": Setting(10, int, 0, 1000),
    },
    "spliced_strokes": {
        "method": Setting("route", str, choices=("route", "splice")),
        "max_gap": Setting(None, float, 0, 400),
        "retrace_cost": Setting(0.3, float, 0, 1),
    },
    "drawings": {
        "min_overlap": Setting(0.25, float, 0.01, 1),
        "min_area": Setting(500.0, float, 0, 20_000),
    },
    "stroke3_dataset": {
        "max_points": Setting(250, int, 10, 2000),
        "min_epsilon": Setting(1.0, float, 0, 20),
        "cut_ends": Setting(0.05, float, 0, 0.499, for_pages=False),
    },
}
"""What the file may say, by section. Sections are assets, and names those of their config in the launch pad."""


@dataclass(frozen=True)
class Settings:
    """What a settings file says, as far as it is right."""

    everywhere: Values = field(default_factory=dict)
    pages: dict[str, Values] = field(default_factory=dict)
    """Values of single pages, by the SHA-256 of the page's file."""
    problems: tuple[str, ...] = ()
    """A sentence for each thing that is wrong, with its line."""

    def of(
        self, section: str, page: str | None = None, given: Mapping[str, Value | None] | None = None
    ) -> dict[str, Any]:
        """Every setting of a section: what was given, else the page's own, else everywhere's, else what is built in.

        Args:
            section: As in `SETTINGS`.
            page: SHA-256 of the page's file, None for what holds everywhere.
            given: What the launch pad says; None stands for nothing.
        """
        found = {name: setting.usual for name, setting in SETTINGS[section].items()}
        found |= self.everywhere.get(section, {})
        found |= self.pages.get(page or "", {}).get(section, {})
        found |= {name: value for name, value in (given or {}).items() if value is not None}
        if section == "spliced_strokes" and found["max_gap"] is None:
            found["max_gap"] = GAPS[str(found["method"])]
        return found

    def pages_of(self, section: str) -> dict[str, dict[str, Value]]:
        """What single pages have of their own in a section, by SHA-256."""
        return {page: values[section] for page, values in self.pages.items() if section in values}

    def version(self, section: str, pages: Iterable[str] | None = None) -> str:
        """A hash of what holds in a section for some pages (by SHA-256), or for all that there may be.

        Empty where that is what is built in: saying what holds anyway changes nothing.
        """
        own = self.pages_of(section)
        if section not in self.everywhere and not own:
            return ""
        built_in, everywhere = Settings().of(section), self.of(section)
        of_page = {
            page: self.of(section, page) if page in own else everywhere
            for page in (own if pages is None else pages)
        }
        if pages is None:
            of_page = {page: values for page, values in of_page.items() if values != everywhere}
            of_page[""] = everywhere
        said = sorted((page, values) for page, values in of_page.items() if values != built_in)
        return hashlib.sha256(json.dumps(said, sort_keys=True).encode()).hexdigest() if said else ""

    def with_values(
        self, change: Mapping[str, Mapping[str, Value | None]], page: str | None = None
    ) -> "Settings":
        """These settings with some values changed, everywhere or of one page; None takes a value out again."""
        before = self.everywhere if page is None else self.pages.get(page, {})
        after = {section: dict(values) for section, values in before.items()}
        for section, values in change.items():
            here = after.setdefault(section, {})
            for name, value in values.items():
                if value is None:
                    here.pop(name, None)
                else:
                    here[name] = SETTINGS[section][name].kind(value)
        after = {section: values for section, values in after.items() if values}
        if page is None:
            return Settings(after, self.pages, self.problems)
        others = {key: values for key, values in self.pages.items() if key != page}
        return Settings(self.everywhere, others | ({page: after} if after else {}), self.problems)


def read_settings(file: Path) -> Settings:
    """Read a settings file; without one, nothing is said.

    Raises SettingsError where it is no TOML or cannot be read: to go on with what is built in would make every page
    anew in a way that nobody has asked for.
    """
    text = _text(file)
    return _settings(_parsed(text, file), text, file)


def write_settings(
    file: Path,
    change: Mapping[str, Mapping[str, Value | None]],
    page: str | None = None,
    page_id: str = "",
) -> Settings:
    """Change some values, everywhere or of one page, and return the settings as they are now.

    None takes a value out again. Everything else in the file stays as it is, comments included. Several programs
    may write at the same time. Raises SettingsError for a wrong value, and where the file cannot be written.

    Args:
        file: The home's settings file; made with its folder where it is not there.
        change: Values by section and name.
        page: SHA-256 of the page's file, None for everywhere.
        page_id: Readable id of the page, to be written beside it.
    """
    from filelock import FileLock, Timeout

    from singleline_pipeline.geometry._atomic import atomic_writer

    _check(change, page)
    try:
        file.parent.mkdir(parents=True, exist_ok=True)
        with FileLock(f"{file}.lock", timeout=LOCK_SECONDS):
            before = _text(file)
            wanted = _settings(_parsed(before, file), before, file).with_values(change, page)
            text = _changed(before or _HEADING, change, page, page_id)
            settings = _settings(_parsed(text, file), text, file)
            if (settings.everywhere, settings.pages) != (wanted.everywhere, wanted.pages):
                raise SettingsError(
                    f"{file} is written in a way that the studio cannot change without losing something. "
                    "Change it by hand."
                )
            if text != before:
                with atomic_writer(file) as out:
                    out.write(text.encode())
            return settings
    except Timeout as error:
        raise SettingsError(
            f"{file} has been locked by another program for {LOCK_SECONDS:.0f} s. Close it, and try again."
        ) from error
    except OSError as error:
        raise SettingsError(
            f"{file} cannot be written ({error.strerror}). Nothing was changed. Check the disk and the permissions "
            "of the folder."
        ) from error


_HEADING = """\
# Settings of this home, for all pages and for single ones. The studio writes to this file, and so can you: what you
# write here stays. What is not said is as built in. "singleline run" makes again what a change touches.
"""


def _check(change: Mapping[str, Mapping[str, Value | None]], page: str | None) -> None:
    for section, values in change.items():
        for name, value in values.items():
            if wrong := _problem(section, name, value, page is not None):
                raise SettingsError(f"A setting cannot be written: {wrong}.")
    if page is not None and not _SHA256.fullmatch(page):
        raise SettingsError("A setting cannot be written: a page goes by the SHA-256 of its file.")


def _problem(section: str, name: str, value: object, of_page: bool) -> str:
    """What is wrong with a value of a section; empty where nothing is. None is no value, and right."""
    if section not in SETTINGS:
        return f"there is no section {section}, only {', '.join(SETTINGS)}, and pages"
    if name not in SETTINGS[section]:
        return f"{section} has no {name}, only {', '.join(SETTINGS[section])}"
    setting = SETTINGS[section][name]
    if of_page and not setting.for_pages:
        return f"{section}.{name} is for all pages, and a single one cannot have its own"
    wrong = "" if value is None else setting.problem(value)
    return f"{section}.{name} {wrong}" if wrong else ""


def _text(file: Path) -> str:
    try:
        return file.read_text(encoding="utf-8-sig")
    except FileNotFoundError:
        return ""
    except UnicodeDecodeError as error:
        raise SettingsError(f"{file} is not UTF-8 (byte {error.start}): save it as UTF-8.") from error
    except OSError as error:
        raise SettingsError(f"{file} cannot be read ({error.strerror}). Check its permissions.") from error


def _parsed(text: str, file: Path) -> dict[str, Any]:
    try:
        return tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        raise SettingsError(
            f"{file} is not TOML: {error}. Mend that line; until then nothing is made with other settings."
        ) from error


def _settings(data: Mapping[str, Any], text: str, file: Path) -> Settings:
    """What is right of a parsed file, and what is not."""
    problems: list[str] = []

    def complain(path: tuple[str, ...], wrong: str) -> None:
        line = _line_of(text, path)
        where = f"{file.name}, line {line}" if line else file.name
        problems.append(f"{where}: {wrong}. It counts as not said.")

    def values_of(said: Mapping[str, Any], path: tuple[str, ...]) -> Values:
        found: Values = {}
        for section, values in said.items():
            if section not in SETTINGS or not isinstance(values, dict):
                wrong = f"{section} is a section: write [{section}]" if section in SETTINGS else ""
                complain((*path, section), wrong or _problem(section, "", None, False))
                continue
            for name, value in values.items():
                if wrong := _problem(section, name, value, bool(path)):
                    complain((*path, section, name), wrong)
                else:
                    found.setdefault(section, {})[name] = SETTINGS[section][name].kind(value)
        return found

    everywhere = values_of({name: value for name, value in data.items() if name != "pages"}, ())
    pages: dict[str, Values] = {}
    said_of_pages = data.get("pages", {})
    if not isinstance(said_of_pages, dict):
        complain(("pages",), "pages is a section: write [pages.<SHA-256 of the page's file>]")
        said_of_pages = {}
    for page, said in said_of_pages.items():
        if not _SHA256.fullmatch(page) or not isinstance(said, dict):
            complain(
                ("pages", page),
                f"a page goes by the SHA-256 of its file, 64 digits and letters, not by {page}",
            )
            continue
        own = values_of({name: value for name, value in said.items() if name != "id"}, ("pages", page))
        if own:
            pages[page] = own
    return Settings(everywhere, pages, tuple(problems))


def _line_of(text: str, path: tuple[str, ...]) -> int:
    """Number of the first line that says something of a path, 0 where none does: the parser keeps no lines."""
    table: tuple[str, ...] = ()
    for number, line in enumerate(text.splitlines(), start=1):
        said = _said(line)
        if line.lstrip().startswith("[") and said:
            table, said = said[0], [()]
        if any((table + one)[: len(path)] == path for one in said):
            return number
    return 0


def _said(line: str) -> list[tuple[str, ...]]:
    """What a single line of TOML says something of: the names that lead there. Nothing where it is part of more."""
    try:
        return _paths(tomllib.loads(line))
    except tomllib.TOMLDecodeError:
        return []


def _paths(data: Mapping[str, Any]) -> list[tuple[str, ...]]:
    return [
        (name, *inner)
        for name, value in data.items()
        for inner in (_paths(value) if isinstance(value, dict) and value else [()])
    ]


def _changed(
    text: str, change: Mapping[str, Mapping[str, Value | None]], page: str | None, page_id: str
) -> str:
    """The text of a settings file with some values changed."""
    import tomlkit

    document = tomlkit.parse(text)
    if page is None:
        place: Any = document
    else:
        pages = document.setdefault("pages", tomlkit.table(is_super_table=True))
        if page not in pages:
            pages[page] = tomlkit.table()
            pages[page]["id"] = page_id
        place = pages[page]
    for section, values in change.items():
        said = {name: value for name, value in values.items() if value is not None}
        if section not in place and said:
            place[section] = tomlkit.table() if page is None else tomlkit.inline_table()
        here = place.get(section, {})
        for name in values.keys() - said.keys() & set(here):
            del here[name]
        for name, value in said.items():
            here[name] = value
        if section in place and not here:
            del place[section]
    if page is not None and set(place) <= {"id"}:
        del document["pages"][page]
        if not document["pages"]:
            del document["pages"]
    # What is new has no empty line before or after it.
    return re.sub(r"(?m)^([^#\n].*\n)(?=\[)", r"\1\n", tomlkit.dumps(document))

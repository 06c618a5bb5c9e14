"""The settings that a step works with: what the launch pad says, else settings.toml, else what is built in."""

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import dagster as dg

from singleline_pipeline.home import Home
from singleline_pipeline.settings_file import SETTINGS, read_settings

AS_SAID = "as in settings.toml"


class StepSettings:
    """Settings of a section, for all pages and for single ones. Raises SettingsError where the file cannot be read."""

    def __init__(
        self, context: dg.AssetExecutionContext, home: Home, section: str, given: Mapping[str, Any]
    ) -> None:
        """What is wrong in the file is a warning of the step, and counts as not said.

        Args:
            context: Of the running step.
            home: Where the file lies.
            section: Of the file.
            given: What the launch pad says, by name of the section; None, or `AS_SAID`, for nothing.
        """
        self._section = section
        self._said = read_settings(home.settings)
        self._given = {name: value for name, value in given.items() if value != AS_SAID}
        for problem in self._said.problems:
            context.log.warning(problem)

    def of(self, page: str | None = None) -> dict[str, Any]:
        """Every setting of a page, by the SHA-256 of its file; of all that have none of their own without one."""
        return self._said.of(self._section, page, self._given)

    def version(self, pages: Iterable[str] | None = None) -> dict[str, str]:
        """What stands for the file in the fingerprint of a table of some pages, or of all; as `settings_version` finds
        it."""
        version = self._said.version(self._section, pages)
        return {"settings": version} if version else {}

    def metadata(self, ids: Sequence[str], pages: Sequence[str]) -> dict[str, Any]:
        """What the table says of how it was made.

        Args:
            ids: Readable ids of the pages that were read.
            pages: SHA-256 of each.
        """
        everywhere, own = self.of(), self._said.pages_of(self._section)
        of_pages = {name: self.of(page) for name, page in zip(ids, pages, strict=True) if page in own}
        differing = {name: values for name, values in of_pages.items() if values != everywhere}
        return {"settings": everywhere} | ({"settings_of_single_pages": differing} if differing else {})


def else_built_in(section: str, name: str) -> str:
    """The end of a setting's description in the launch pad: what it is where it is left empty."""
    return f"Empty: {AS_SAID}, else {SETTINGS[section][name].usual}."

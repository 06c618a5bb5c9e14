"""What settings.toml says of an asset, narrowed to the pages that a partition of it reads."""

from singleline_pipeline.home import Home
from singleline_pipeline.lake import Lake, LakeError
from singleline_pipeline.settings_file import SETTINGS, read_settings

_SECTIONS = {"page_embeddings": "encoder", "drawing_embeddings": "encoder"}
"""Sections of assets that have none of their own."""


def settings_version(asset: str, partition: str | None, home: Home) -> dict[str, str]:
    """The version of the settings of an asset, as name -> version; empty where everything is as built in.

    A page's own settings count for the sketchbooks that it is in, and for those only where it was traced. Raises
    SettingsError where settings.toml cannot be read.
    """
    section = _SECTIONS.get(asset, asset)
    if section not in SETTINGS:
        return {}
    said = read_settings(home.settings)
    for_pages = partition is not None and section not in _SECTIONS.values()
    version = said.version(section, _traced(str(partition), home) if for_pages else None)
    return {"settings": version} if version else {}


def _traced(sketchbook: str, home: Home) -> list[str]:
    """SHA-256 of the pages of a sketchbook that are traced."""
    try:
        return Lake(home.lake).read("strokes", sketchbook, ["sha256"])["sha256"].to_pylist()
    except LakeError:  # the step that is to read it says what is wrong with it
        return []

"""Pictures for the metadata of assets, where a person would rather look than read.

Every one stays under 100 kB: Dagster keeps them in its instance for ever, at four times their size.
"""

from collections.abc import Sequence

import dagster as dg
import numpy as np


def picture(image: bytes | str, alt: str) -> dg.MarkdownMetadataValue:
    """An image (JPEG or PNG bytes, or the text of an SVG) that the Dagster UI shows, and plays where it moves."""
    from singleline_pipeline.rendering import markdown_image

    return dg.MetadataValue.md(markdown_image(image, alt))


def sheet(
    images: Sequence[np.ndarray | bytes],
    captions: Sequence[str],
    title: str,
    *,
    most: int = 60,
    cell: int = 150,
) -> dg.MarkdownMetadataValue:
    """A contact sheet of the first `most` images; the title says how many there are in all."""
    from singleline_pipeline.rendering import contact_sheet

    shown = f"{title}: the first {most} of {len(images)}" if len(images) > most else title
    return picture(contact_sheet(images[:most], captions[:most], title=shown, cell=cell), title)

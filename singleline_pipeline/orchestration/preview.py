"""Pictures for the metadata of assets, where a person would rather look than read.

Every one stays under 100 kB: Dagster keeps them in its instance for ever, at four times their size.
"""

from collections.abc import Mapping, Sequence

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


def cluster_sheets(
    clusters: Sequence[int], distances: Sequence[float], images: Sequence[bytes], names: Mapping[int, str]
) -> dict[str, dg.MarkdownMetadataValue]:
    """One contact sheet for each cluster, its most typical members first, by metadata key."""
    order = np.lexsort((np.asarray(distances), np.asarray(clusters)))
    sheets = {}
    for cluster in sorted(set(clusters)):
        members = [int(index) for index in order if clusters[index] == cluster]
        title = f"Cluster {cluster}: {names[cluster]} ({len(members)})"
        captions = [f"distance {distances[index]:.2f}" for index in members]
        pictures = [images[index] for index in members]
        sheets[f"cluster_{cluster:02d}"] = sheet(pictures, captions, title, most=16, cell=110)
    return sheets

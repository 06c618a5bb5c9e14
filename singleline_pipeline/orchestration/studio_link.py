"""The way from the Dagster UI to the studio."""

import os

import dagster as dg

USUAL = "http://127.0.0.1:4800/"


def studio_link() -> dict[str, dg.UrlMetadataValue]:
    """Metadata of what is labelled: where the studio is. SINGLELINE_STUDIO_URL names another place, read when Dagster
    loads the definitions."""
    return {"studio": dg.MetadataValue.url(os.environ.get("SINGLELINE_STUDIO_URL") or USUAL)}

"""Whoever looks at page_groups in the Dagster UI must be one click from the place where pages are labelled."""

import inspect

import dagster as dg
import pytest

from singleline_pipeline.cli import studio
from singleline_pipeline.definitions import defs
from singleline_pipeline.orchestration.studio_link import USUAL, studio_link

LABELLED = ("page_clusters", "page_groups", "drawing_clusters", "filtered_drawings")
SOURCES = ("page_labels", "drawing_labels", "cluster_names")


@pytest.mark.parametrize("name", [*LABELLED, *SOURCES])
def test_what_is_labelled_links_to_the_studio(name: str) -> None:
    metadata = defs.resolve_asset_graph().get(dg.AssetKey(name)).metadata
    assert isinstance(metadata["studio"], dg.UrlMetadataValue)


def test_the_link_is_where_the_studio_is(monkeypatch: pytest.MonkeyPatch) -> None:
    """Its usual port is that of the command; who forwards it or takes another one says so."""
    monkeypatch.delenv("SINGLELINE_STUDIO_URL", raising=False)
    assert studio_link()["studio"].url == USUAL
    port = inspect.signature(studio).parameters["port"].default
    assert f"http://127.0.0.1:{port}/" == USUAL
    monkeypatch.setenv("SINGLELINE_STUDIO_URL", "http://127.0.0.1:4900/")
    assert studio_link()["studio"].url == "http://127.0.0.1:4900/"

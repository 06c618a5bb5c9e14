"""Drawings: pages split into drawings, embedded, clustered, filtered."""

from collections import Counter

import dagster as dg
import numpy as np
import pyarrow as pa
import pyarrow.dataset as pads
from pydantic import Field

from singleline_pipeline.assets.pages import ClusterConfig, EncoderConfig
from singleline_pipeline.assets.table_asset import materialized, table_asset, table_of
from singleline_pipeline.nested import strokes_from_arrow, strokes_to_arrow, vectors_to_arrow
from singleline_pipeline.orchestration.preview import sheet
from singleline_pipeline.orchestration.resources import HomeResource

GROUP = "drawings"

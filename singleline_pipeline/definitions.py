"""Everything that Dagster loads; nothing is read or fitted here."""

import dagster as dg

from singleline_pipeline.assets import comparison, datasets, drawings, maps, models, pages, samples, strokes
from singleline_pipeline.orchestration import label_sources
from singleline_pipeline.orchestration.io_manager import ParquetIOManager
from singleline_pipeline.orchestration.jobs import jobs
from singleline_pipeline.orchestration.resources import HomeResource
from singleline_pipeline.orchestration.schedules import schedules
from singleline_pipeline.orchestration.sensors import sensors
from singleline_pipeline.orchestration.up_to_date import up_to_date_job

defs = dg.Definitions(
    assets=dg.load_assets_from_modules(
        [label_sources, pages, strokes, drawings, datasets, models, samples, comparison, maps]
    ),
    jobs=[*jobs, up_to_date_job],
    schedules=schedules,
    sensors=sensors,
    resources={"io_manager": ParquetIOManager(), "home": HomeResource()},
    executor=dg.in_process_executor,
)

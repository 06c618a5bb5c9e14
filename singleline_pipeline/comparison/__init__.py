"""Both models on the same held-out drawings: scores, the far past, samples against drawings, copies, a report."""

from singleline_pipeline.comparison.compare import (
    Comparison,
    ComparisonSettings,
    Figure,
    compare_models,
)
from singleline_pipeline.comparison.errors import ComparisonError
from singleline_pipeline.comparison.files import as_json, compare_folders, current_models
from singleline_pipeline.comparison.report import write_report

__all__ = [
    "Comparison",
    "ComparisonError",
    "ComparisonSettings",
    "Figure",
    "as_json",
    "compare_folders",
    "compare_models",
    "current_models",
    "write_report",
]

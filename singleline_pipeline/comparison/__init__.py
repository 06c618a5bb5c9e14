"""Both models on the same held-out drawings: scores, the far past, samples against drawings, copies, a report."""

from singleline_pipeline.comparison.compare import (
    Comparison,
    ComparisonSettings,
    Figure,
    compare_models,
)
from singleline_pipeline.comparison.errors import ComparisonError

__all__ = ["Comparison", "ComparisonError", "ComparisonSettings", "Figure", "compare_models"]

"""What a person set right by hand on a traced page, and how it is done again whenever the page is traced anew.

Pages go by the SHA-256 of their file and everything on them by where it lies, in page pixels: never by a number, which
means something else after the next trace.
"""

from singleline_pipeline.corrections.applying import CorrectedPage, correct_page
from singleline_pipeline.corrections.file import (
    CORRECTIONS,
    Corrections,
    append_corrections,
    read_corrections,
)
from singleline_pipeline.corrections.keys import (
    ACTIONS,
    HOLDS,
    MOST_POINTS,
    PRIVATE,
    Correction,
    correction_key,
    problem_with,
)

__all__ = [
    "ACTIONS",
    "CORRECTIONS",
    "HOLDS",
    "MOST_POINTS",
    "PRIVATE",
    "CorrectedPage",
    "Correction",
    "Corrections",
    "append_corrections",
    "correct_page",
    "correction_key",
    "problem_with",
    "read_corrections",
]

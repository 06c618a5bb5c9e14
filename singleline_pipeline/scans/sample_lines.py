"""One drawing of the sample artist: a subject, drawn by the pen in one line."""

import numpy as np

from singleline_pipeline.scans.sample_faces import front_face, profile_face
from singleline_pipeline.scans.sample_figures import bust, couple, figure
from singleline_pipeline.scans.sample_pen import drawn

SUBJECTS = {
    "front": front_face,
    "profile": profile_face,
    "figure": figure,
    "bust": bust,
    "couple": couple,
}
_SHARES = (0.32, 0.22, 0.20, 0.12, 0.14)


def sample_line(rng: np.random.Generator, subject: str | None = None) -> np.ndarray:
    """A drawing in one continuous line, (n, 2) with its longer side 1 and its box's corner at 0.

    `subject` is a key of SUBJECTS, or left to chance. Heads look to either side.
    """
    name = subject or str(rng.choice(list(SUBJECTS), p=_SHARES))
    control = SUBJECTS[name](rng)
    if rng.random() < 0.5:
        control = control * (-1.0, 1.0, 1.0)
    return drawn(control, rng)

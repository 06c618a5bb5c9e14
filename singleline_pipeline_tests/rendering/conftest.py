from __future__ import annotations

import numpy as np
import pytest


@pytest.fixture
def face() -> list[np.ndarray]:
    """Three strokes and a dot on the 200-unit canvas: an oval, a spiral for an eye, a straight mouth."""
    angle = np.linspace(0, 2 * np.pi, 60)
    turn = np.linspace(0, 6 * np.pi, 80)
    return [
        np.stack([75 + 75 * np.cos(angle), 100 + 100 * np.sin(angle)], axis=1),
        np.stack([50 + turn * np.cos(turn), 70 + turn * np.sin(turn)], axis=1),
        np.array([[40.0, 150.0], [110.0, 140.0]]),
        np.array([[100.0, 70.0]]),
    ]

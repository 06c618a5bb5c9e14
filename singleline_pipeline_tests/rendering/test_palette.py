from __future__ import annotations

from itertools import combinations

import numpy as np
import pytest
from skimage.color import deltaE_ciede2000, rgb2lab

from singleline_pipeline.rendering.palette import INK, PAPER, STROKES

# Machado, Oliveira and Fernandes (2009), severity 1, on linear RGB.
VISION = {
    "usual": np.eye(3),
    "protanopia": np.array(
        [[0.152286, 1.052583, -0.204868], [0.114503, 0.786281, 0.099216], [-0.003882, -0.048116, 1.051998]]
    ),
    "deuteranopia": np.array(
        [[0.367322, 0.860646, -0.227968], [0.280085, 0.672501, 0.047413], [-0.011820, 0.042940, 0.968881]]
    ),
    "tritanopia": np.array(
        [[1.255528, -0.076749, -0.178779], [-0.078411, 0.930809, 0.147602], [0.004733, 0.691367, 0.303900]]
    ),
}


def linear(colours: tuple[str, ...]) -> np.ndarray:
    srgb = np.array([[int(colour[i : i + 2], 16) / 255 for i in (1, 3, 5)] for colour in colours])
    return np.where(srgb <= 0.04045, srgb / 12.92, ((srgb + 0.055) / 1.055) ** 2.4)


@pytest.mark.parametrize("vision", VISION)
def test_strokes_can_be_told_apart(vision: str) -> None:
    """Before and after joining differ by nothing but colour; 12 is far above what the eye confuses."""
    seen = np.clip(linear(STROKES) @ VISION[vision].T, 0, 1)
    lab = rgb2lab(np.where(seen <= 0.0031308, seen * 12.92, 1.055 * seen ** (1 / 2.4) - 0.055))
    assert min(deltaE_ciede2000(lab[a], lab[b]) for a, b in combinations(range(len(lab)), 2)) >= 12


def test_lines_and_words_stand_out_from_the_paper() -> None:
    """The contrast that WCAG 2 asks for: 3 : 1 for lines, 7 : 1 for words."""
    weights = np.array([0.2126, 0.7152, 0.0722])
    paper = linear((PAPER,)) @ weights + 0.05
    assert (paper / (linear(STROKES) @ weights + 0.05) >= 3).all()
    assert (paper / (linear((INK,)) @ weights + 0.05) >= 7).all()

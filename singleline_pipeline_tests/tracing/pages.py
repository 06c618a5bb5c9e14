"""Tiny pages with a known line: drawn at four times their size and averaged down, as a scanner would see them."""

import cv2
import numpy as np

OVERSAMPLING = 4


def draw_page(
    lines: list[np.ndarray],
    *,
    height: int = 400,
    width: int = 400,
    pen: float = 4.0,
    paper: int = 242,
    ink: int = 45,
) -> np.ndarray:
    """uint8 (height, width) page. lines: (n, 2) x, y in page px, pixel centres at whole numbers. pen: px."""
    big = np.zeros((height * OVERSAMPLING, width * OVERSAMPLING), np.uint8)
    for line in lines:
        points = (np.asarray(line, float) + 0.5) * OVERSAMPLING - 0.5
        fixed = np.round(points * 16).astype(np.int32).reshape(-1, 1, 2)
        cv2.polylines(big, [fixed], False, 255, round(pen * OVERSAMPLING), cv2.LINE_8, 4)
    cover = cv2.resize(big, (width, height), interpolation=cv2.INTER_AREA).astype(np.float32) / 255
    cover = cv2.GaussianBlur(cover, (0, 0), 0.7)
    grain = np.random.default_rng(5).normal(0, 2.0, cover.shape)
    return np.clip(paper * (1 - cover) + ink * cover + grain, 0, 255).astype(np.uint8)


def straight(x0: float, y0: float, x1: float, y1: float) -> np.ndarray:
    return np.linspace((x0, y0), (x1, y1), 200)


def circle(x: float, y: float, radius: float, turns: float = 1.0) -> np.ndarray:
    t = np.linspace(0, 2 * np.pi * turns, 400)
    return np.column_stack([x + radius * np.cos(t), y + radius * np.sin(t)])


def figure_eight(x: float, y: float, size: float) -> np.ndarray:
    """Open at its far right end, so that it is one line with two ends and one crossing."""
    t = np.linspace(0.12, 2 * np.pi - 0.12, 600)
    return np.column_stack([x + size * np.cos(t), y + size * np.sin(2 * t) * 0.5])


def spiral(x: float, y: float, radius: float, turns: float) -> np.ndarray:
    t = np.linspace(0.25, 1, 900)
    angle = 2 * np.pi * turns * t
    return np.column_stack([x + radius * t * np.cos(angle), y + radius * t * np.sin(angle)])


def add_rings(page: np.ndarray, *, side: str = "left", rings: int = 16) -> int:
    """Draw a spiral binder down one edge, in place. Returns the width of its band in px."""
    height, width = page.shape[:2]
    unit = height / 2200
    span = round(70 * unit)
    for k in range(rings):
        y = round(height * (k + 0.5) / rings)
        for shift in (-7, 7):
            a, b = (round(8 * unit), y + round((shift + 3) * unit)), (span, y + round((shift - 3) * unit))
            if side == "right":
                a, b = (width - 1 - a[0], a[1]), (width - 1 - b[0], b[1])
            cv2.line(page, a, b, 30, max(2, round(6 * unit)), cv2.LINE_AA)
        hole = span + round(6 * unit)
        x = hole if side == "left" else width - 1 - hole
        cv2.ellipse(page, (x, y), (max(2, round(9 * unit)), max(3, round(14 * unit))), 0, 0, 360, 80, -1)
    return span + round(20 * unit)


def add_number(page: np.ndarray, text: str = "47", *, side: str = "left") -> tuple[int, int, int, int]:
    """Write a page number in a bottom corner, in place. Returns a box around it."""
    height, width = page.shape[:2]
    unit = height / 2200
    x = round(110 * unit) if side == "left" else width - round(190 * unit)
    y = height - round(65 * unit)
    cv2.putText(
        page, text, (x, y), cv2.FONT_HERSHEY_SIMPLEX, 1.5 * unit, 50, max(1, round(3 * unit)), cv2.LINE_AA
    )
    return (x - 6, y - round(60 * unit), x + round(90 * unit), y + round(20 * unit))

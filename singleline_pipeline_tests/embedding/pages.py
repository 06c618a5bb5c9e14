"""Pages drawn for the tests of statistics and suggestions; they vary as scanners, papers and pens do."""

from functools import cache

import cv2
import numpy as np

HEIGHT, WIDTH = 1100, 850
INK = (55, 42, 40)
Colour = tuple[int, int, int]


def blank(seed: int = 0, tint: Colour = (240, 243, 244)) -> np.ndarray:
    """Paper with grain and a soft slanting light, float32 (h, w, 3) BGR."""
    return _paper(seed, tint).copy()


@cache
def _paper(seed: int, tint: Colour) -> np.ndarray:
    rng = np.random.default_rng(seed)
    y, x = np.mgrid[0:HEIGHT, 0:WIDTH].astype(np.float32)
    light = 1 + 0.03 * np.cos(rng.uniform(0, 6.28)) * (x / WIDTH - 0.5) + 0.03 * (y / HEIGHT - 0.5)
    page = np.array(tint, np.float32) * light[..., None]
    return page + 2.0 * rng.standard_normal(page.shape, np.float32)


def clipped(page: np.ndarray) -> np.ndarray:
    """The page as uint8."""
    return np.ascontiguousarray(np.clip(page, 0, 255).astype(np.uint8))


def line(seed: int = 0) -> np.ndarray:
    """One long line that crosses itself many times, int32 (n, 2) page pixels."""
    rng = np.random.default_rng(seed)
    t = np.linspace(0, 2 * np.pi, 1200)
    wave = [
        sum(rng.normal(0, 1 / k) * np.sin(k * t + rng.uniform(0, 6.28)) for k in range(1, 9)) for _ in "xy"
    ]
    unit = np.stack([(w - w.min()) / np.ptp(w) for w in wave], axis=1)
    return (unit * (WIDTH - 260, HEIGHT - 240) + (130, 110)).astype(np.int32)


def draw(page: np.ndarray, seed: int = 0, width: int = 2, ink: Colour = INK) -> np.ndarray:
    """A page with that line on it."""
    page = np.ascontiguousarray(page)
    cv2.polylines(page, [line(seed).reshape(-1, 1, 2)], False, ink, width, cv2.LINE_AA)
    return page


def binder(page: np.ndarray) -> np.ndarray:
    """A page with a spiral binder on the left and a page number in the corner."""
    page = clipped(page)
    for y in range(20, HEIGHT, 38):
        cv2.ellipse(page, (22, y), (24, 6), 0, 0, 360, (30, 30, 30), 3, cv2.LINE_AA)
    cv2.putText(page, "27", (60, HEIGHT - 40), cv2.FONT_HERSHEY_SCRIPT_SIMPLEX, 0.8, INK, 1, cv2.LINE_AA)
    return page


def wash(
    page: np.ndarray, colour: Colour, opacity: float, centre: tuple[int, int], radius: int
) -> np.ndarray:
    """A page with a round wash, soft at its edge."""
    y, x = np.mgrid[0:HEIGHT, 0:WIDTH].astype(np.float32)
    distance = np.hypot(x - centre[0], y - centre[1]) / radius
    cover = (np.clip((1 - distance) * 10, 0, 1) * opacity)[..., None]
    return page * (1 - cover) + np.array(colour, np.float32) * cover


def write(page: np.ndarray, rows: int = 18) -> np.ndarray:
    """A page with lines of words on it."""
    page = clipped(page)
    words = ["the", "line", "and", "what", "it", "says", "of", "page", "after", "page"]
    for row in range(rows):
        text = " ".join(words[(row + i) % len(words)] for i in range(7))
        where = (110, 90 + 52 * row)
        cv2.putText(page, text, where, cv2.FONT_HERSHEY_SIMPLEX, 0.8, INK, 2, cv2.LINE_AA)
    return page


def turn(page: np.ndarray, degrees: float, beside: Colour = (20, 22, 25)) -> np.ndarray:
    """The page askew, with what lies beside it in the scanner."""
    matrix = cv2.getRotationMatrix2D((WIDTH / 2, HEIGHT / 2), degrees, 1)
    return cv2.warpAffine(page, matrix, (WIDTH, HEIGHT), borderValue=beside)


def hand(page: np.ndarray, skin: Colour) -> np.ndarray:
    """The page with a hand on it that comes in from the right."""
    page = np.ascontiguousarray(page)
    cv2.ellipse(page, (WIDTH, 600), (230, 190), 0, 0, 360, skin, -1)
    for finger in range(4):
        cv2.line(page, (WIDTH - 100, 500 + finger * 60), (480, 480 + finger * 58), skin, 46)
    return page


def scanned(page: np.ndarray, quality: int = 85) -> np.ndarray:
    """The page as a scanner's JPEG gives it back, uint8 (h, w, 3) BGR."""
    done, data = cv2.imencode(".jpg", clipped(page), [cv2.IMWRITE_JPEG_QUALITY, quality])
    assert done
    return cv2.imdecode(data, cv2.IMREAD_COLOR)

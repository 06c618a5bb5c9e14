"""The pictures of the docs, made from a home whose sketchbooks have been processed (the demo's, say).

    python docs/make_pictures.py --home data --out docs/pictures

Drawings by the models are in the overview where both models have been trained. What comes with the repository is
made from the project's own sample sketchbooks: nobody's drawings are in these pictures.
"""

import argparse
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from PIL import Image, ImageDraw, ImageFont

from singleline_pipeline import geometry, rendering, scans, tracing
from singleline_pipeline.home import Home
from singleline_pipeline.lake import Lake
from singleline_pipeline.nested import stroke3_from_arrow, strokes_from_arrow

PAPER, INK, FAINT = "#ffffff", "#1f2430", "#6b6f78"
SAMPLES = ("sketch_rnn_samples", "sketch_transformer_samples")


@dataclass(frozen=True)
class Page:
    """A page on its way: its scan (BGR), and its strokes in page pixels after each step."""

    page_id: str
    image: np.ndarray
    traced: list[np.ndarray]
    ignored: list[tracing.Ignored]
    joined: list[np.ndarray]
    routed: list[np.ndarray]
    drawings: pa.Table


def read_page(lake: Lake, page_id: str) -> Page:
    """Everything that the lake knows of a page."""
    book = page_id.split("p")[0]

    def rows(asset: str) -> pa.Table:
        table = lake.read(asset, book)
        return table.filter(pc.equal(table["page_id"], page_id))

    file = rows("raw_pages")["image"][0].as_py()["bytes"]
    lines = {name: rows(name) for name in ("strokes", "joined_strokes", "spliced_strokes")}
    strokes = {
        name: strokes_from_arrow(table["strokes"].combine_chunks())[0] for name, table in lines.items()
    }
    ignored = [
        tracing.Ignored(item["kind"], tuple(item["box"])) for item in lines["strokes"]["ignored"][0].as_py()
    ]
    return Page(
        page_id,
        scans.decode_image(file, name=page_id),
        strokes["strokes"],
        ignored,
        strokes["joined_strokes"],
        strokes["spliced_strokes"],
        rows("drawings"),
    )


def page_with_most_drawings(lake: Lake) -> str:
    """The first of the pages that the dataset has most drawings of."""
    counts = lake.read("stroke3_dataset", columns=["page_id"])["page_id"].value_counts().to_pylist()
    return min(counts, key=lambda row: (-row["counts"], row["values"]))["values"]


def stages(page: Page, side: int = 300) -> bytes:
    """A crop of the page at every stage of its trace that changes something there."""
    x, y = _crop(page, side)
    crops: dict[str, np.ndarray] = {}
    for name, picture in tracing.stage_pictures(page.image).items():
        crop, before = picture[y : y + side, x : x + side], next(reversed(crops.values()), None)
        if before is None or not np.array_equal(crop, before):
            crops[name] = crop
    return rendering.contact_sheet(list(crops.values()), list(crops), columns=4, cell=side, max_bytes=220_000)


def _crop(page: Page, side: int) -> tuple[int, int]:
    """Left and upper edge of a square around the middle of the drawing that is made of most strokes."""
    boxes = page.drawings["box"].to_pylist()

    def inside(box: list[float]) -> int:
        centres = np.array([stroke.mean(axis=0) for stroke in page.traced])
        return int(((centres >= box[:2]) & (centres <= box[2:])).all(axis=1).sum())

    x0, y0, x1, y1 = max(boxes, key=inside)
    height, width = page.image.shape[:2]
    left, upper = (x0 + x1 - side) / 2, y0 + (y1 - y0) / 3 - side / 2
    return int(np.clip(left, 0, width - side)), int(np.clip(upper, 0, height - side))


def line_of_page(page: Page, side: int = 620) -> bytes:
    """The strokes of a page as traced, joined, and routed, one colour a stroke."""
    blank = np.full_like(page.image, 255)
    steps = {"traced": page.traced, "joined end to end": page.joined, "one line a drawing": page.routed}
    return rendering.contact_sheet(
        [rendering.overlay(blank, strokes, max_side=side) for strokes in steps.values()],
        [f"{name}: {len(strokes)} strokes" for name, strokes in steps.items()],
        columns=len(steps),
        cell=side,
        max_bytes=200_000,
    )


def points_of_drawing(lake: Lake, drawing_id: str, side: int = 420) -> bytes:
    """A drawing before and after it was simplified, with its points."""
    book = drawing_id.split("p")[0]
    drawings, dataset = lake.read("drawings", book), lake.read("stroke3_dataset")
    [before] = strokes_from_arrow(_row(drawings, drawing_id)["strokes"].combine_chunks())
    [stroke3] = stroke3_from_arrow(_row(dataset, drawing_id)["stroke3"].combine_chunks())
    after = geometry.from_stroke3(stroke3)
    counts = [sum(map(len, strokes)) for strokes in (before, after)]
    return rendering.contact_sheet(
        [_with_points(before, side), _with_points(after, side)],
        [f"as drawn: {counts[0]} points", f"in the dataset: {counts[1]} points"],
        columns=2,
        cell=side,
        max_bytes=120_000,
    )


def _row(table: pa.Table, drawing_id: str) -> pa.Table:
    return table.filter(pc.equal(table["drawing_id"], drawing_id))


def _with_points(strokes: list[np.ndarray], side: int) -> np.ndarray:
    """The line in grey and its points in colour, BGR (side, side, 3); drawings are 200 units on their longer side."""
    large = 3 * side
    picture = Image.new("RGB", (large, large), PAPER)
    pen = ImageDraw.Draw(picture)
    points = np.concatenate(strokes)
    low, extent = points.min(axis=0), np.ptp(points, axis=0).max()
    margin = 0.06 * large
    for stroke in strokes:
        placed = (stroke - low) / extent * (large - 2 * margin) + margin
        pen.line([tuple(point) for point in placed], fill=FAINT, width=3)
        for px, py in placed:
            pen.ellipse((px - 6, py - 6, px + 6, py + 6), fill="#eb3e86")
    return np.asarray(picture.resize((side, side), Image.Resampling.LANCZOS))[:, :, ::-1]


def variants_of_drawing(lake: Lake, drawing_id: str, cell: int = 150) -> bytes:
    """A drawing of the train split and its variants."""
    table = _row(lake.read("augmented_dataset"), drawing_id)
    rows = table.select(["reversed", "rotation", "scale"]).to_pylist()
    captions = [
        f"{'reversed, ' if row['reversed'] else ''}{row['rotation']:+.0f}°, × {row['scale']:.2f}"
        for row in rows
    ]
    pictures = [
        rendering.rasterize(geometry.from_stroke3(stroke3), size=cell, pen=1.4)
        for stroke3 in stroke3_from_arrow(table["stroke3"])
    ]
    return rendering.contact_sheet(pictures, captions, columns=5, cell=cell, max_bytes=120_000)


def clusters_of_pages(lake: Lake, members: int = 3) -> bytes:
    """Some pages of each cluster that has so many, a column a cluster, with what it is called or looks like."""
    clusters = lake.read("page_clusters").sort_by([("size", "descending"), ("cluster", "ascending")])
    pages = pa.concat_tables(lake.read_partitions("raw_pages", columns=["sha256", "thumbnail"]).values())
    thumbnails = dict(zip(pages["sha256"].to_pylist(), pages["thumbnail"].to_pylist(), strict=True))
    columns = [row for row in clusters.slice(0, 7).to_pylist() if len(row["members"]) >= members]
    pictures = [thumbnails[row["members"][index]] for index in range(members) for row in columns]
    captions = [f"{row['cluster']} · {row['name'] or row['suggested_name']}" for row in columns] * members
    return rendering.contact_sheet(pictures, captions, columns=len(columns), cell=190, max_bytes=160_000)


def drawings_by_models(lake: Lake, most: int) -> list[list[np.ndarray]]:
    """Strokes of free samples at temperature 0.2, the first ones of each model that ended by themselves.

    Empty where one of the models has not drawn yet.
    """
    drawn: list[np.ndarray] = []
    for name in SAMPLES:
        if not lake.exists(name):
            return []
        table = lake.read(name)
        calm = pc.less(pc.abs(pc.subtract(table["temperature"], 0.2)), 0.01)
        free = table.filter(pc.and_(pc.and_(pc.equal(table["kind"], "free"), table["ended"]), calm))
        drawn += stroke3_from_arrow(free["stroke3"])[: most // len(SAMPLES)]
    return [geometry.from_stroke3(stroke3) for stroke3 in drawn]


def minutes_of_training(lake: Lake) -> float:
    """Processor time that the longer of the two trainings took, in minutes."""
    models = (name.removesuffix("_samples") for name in SAMPLES)
    return max(pc.max(lake.read(model)["seconds"]).as_py() for model in models) / 60


def overview(lake: Lake, page: Page, height: int = 520) -> Image.Image:
    """Scanned page, its lines, the drawings cut from it, drawings by the models: side by side, with headings."""
    lines = rendering.overlay(page.image, page.routed, max_side=height)
    cut = strokes_from_arrow(page.drawings["strokes"])
    panels = [
        ("a scanned page", Image.fromarray(_small(page.image, height)[:, :, ::-1])),
        ("the pen's line, one colour a stroke", Image.fromarray(lines[:, :, ::-1])),
        ("the drawings cut from it", _grid(cut, 2, height)),
    ]
    if samples := drawings_by_models(lake, 12):
        minutes = max(1, round(minutes_of_training(lake)))
        title = f"by the models, after {minutes} minute{'' if minutes == 1 else 's'} of training"
        panels.append((title, _grid(samples, 3, height)))
    gap, head = 28, 34
    width = sum(panel.width for _, panel in panels) + gap * (len(panels) + 1)
    picture = Image.new("RGB", (width, height + head + gap), PAPER)
    pen, font = ImageDraw.Draw(picture), ImageFont.load_default(size=17)
    x = gap
    for title, panel in panels:
        pen.text((x, 8), title, fill=INK, font=font)
        picture.paste(panel, (x, head))
        pen.rectangle((x - 1, head - 1, x + panel.width, head + height), outline="#d8d5cc")
        x += panel.width + gap
    return picture


def _grid(drawings: list[list[np.ndarray]], columns: int, height: int) -> Image.Image:
    """Drawings in ink on white, in rows that fill the height."""
    rows = -(-len(drawings) // columns)
    side = height // rows
    sheet = Image.new("RGB", (columns * side, height), PAPER)
    for index, strokes in enumerate(drawings):
        picture = rendering.rasterize(strokes, size=side, pen=1.6, margin=0.08)
        sheet.paste(Image.fromarray(picture), (index % columns * side, index // columns * side))
    return sheet


def make_pictures(home: Home, out: Path, page_id: str | None = None) -> list[Path]:
    """Write every picture to the folder `out`, and return their files."""
    lake = Lake(home.lake)
    page = read_page(lake, page_id or page_with_most_drawings(lake))
    dataset = lake.read("stroke3_dataset", columns=["drawing_id", "split", "page_id"])
    of_page = dataset.filter(pc.equal(dataset["page_id"], page.page_id))["drawing_id"].to_pylist()
    train = dataset.filter(pc.equal(dataset["split"], "train"))["drawing_id"].to_pylist()
    [shown] = stroke3_from_arrow(_row(lake.read("stroke3_dataset"), of_page[0])["stroke3"].combine_chunks())
    traced = rendering.overlay(page.image, page.traced, ignored=page.ignored, max_side=900)
    drawings = [
        rendering.rasterize(strokes, size=260, pen=1.8)
        for strokes in strokes_from_arrow(page.drawings["strokes"])
    ]
    ids = page.drawings["drawing_id"].to_pylist()
    pictures: dict[str, bytes] = {
        "page.jpg": rendering.encode_preview(_small(page.image, 900), 120_000),
        "stages.jpg": stages(page),
        "traced.jpg": rendering.encode_preview(traced, 160_000),
        "joined.png": line_of_page(page),
        "drawings.png": rendering.contact_sheet(drawings, ids, columns=4, cell=260, max_bytes=120_000),
        "points.jpg": points_of_drawing(lake, of_page[0]),
        "variants.png": variants_of_drawing(lake, next((i for i in of_page if i in train), train[0])),
        "clusters.jpg": clusters_of_pages(lake),
        "drawing.svg": rendering.animated_svg(geometry.from_stroke3(shown), size=300).encode(),
    }
    out.mkdir(parents=True, exist_ok=True)
    for name, data in pictures.items():
        (out / name).write_bytes(data)
    overview(lake, page).quantize(200, dither=Image.Dither.NONE).save(out / "overview.png", optimize=True)
    return [out / name for name in (*pictures, "overview.png")]


def _small(image: np.ndarray, longest: int) -> np.ndarray:
    """A BGR image with its longer side at `longest` pixels."""
    picture = Image.fromarray(image[:, :, ::-1])
    picture.thumbnail((longest, longest), Image.Resampling.LANCZOS)
    return np.asarray(picture)[:, :, ::-1]


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description="Make the pictures of the docs from a materialized home.")
    parser.add_argument("--home", type=Path, help="Home with the lake [env SINGLELINE_HOME, else data/].")
    parser.add_argument("--out", type=Path, default=Path(__file__).parent / "pictures")
    parser.add_argument(
        "--page", help="The page that is followed [the one with most drawings in the dataset]."
    )
    arguments = parser.parse_args()
    make_pictures(Home.from_environment(arguments.home), arguments.out, arguments.page)

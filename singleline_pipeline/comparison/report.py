"""A comparison to read and to look at: one HTML file, or one Markdown file, with everything in it."""

from __future__ import annotations

import html
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np

from singleline_pipeline import rendering
from singleline_pipeline.comparison.compare import HELD_OUT, TRAIN, Comparison, Pair
from singleline_pipeline.comparison.errors import ComparisonError
from singleline_pipeline.comparison.likelihood import PARTS, SETTLED
from singleline_pipeline.comparison.spread import Estimate
from singleline_pipeline.geometry import from_stroke3
from singleline_pipeline.geometry._atomic import atomic_writer

FORMATS = (".html", ".md")

_CELL = 96  # px of a drawing's longer side
_PEN = 1.1

_PARTS = {
    "total": "all",
    "first_point": "place of the first point",
    "pen_down_offsets": "offsets of the line",
    "pen_up_jumps": "offsets with the pen lifted",
    "pen_state": "pen state",
    "end": "end of the drawing",
    "latent": "latent (KL)",
}
_LONG_RANGE = {
    "given_first_half": "second half, given the first",
    "given_nothing": "second half, given nothing",
    "gain": "what the first half saves",
    "far_given_first_half": f"from {SETTLED} points after the cut on, given the first half",
    "far_given_nothing": f"from {SETTLED} points after the cut on, given nothing",
    "far_gain": "what the far past saves",
}
_RECONSTRUCTION = {
    "to_source": "line to that of its own drawing, median, % of side",
    "to_others": "line to those of the other drawings, mean of each, median, % of side",
    "source_is_nearest": "its own drawing is the nearest",
}
_SAMPLES = (
    ("endings", "ended", "end by themselves", 3),
    ("endings", "points", "points, median", 1),
    ("endings", "strokes", "strokes, mean", 2),
    ("closing", "to_earlier_line", "end to earlier line, median, % of side", 2),
    ("closing", "to_earlier_line_wasserstein", "its Wasserstein distance to the data's", 2),
    ("closing", "to_start", "end to start, median, % of side", 1),
    ("closing", "to_start_wasserstein", "its Wasserstein distance to the data's", 2),
    ("two_sample", "frechet", "Fréchet distance", 4),
    ("two_sample", "precision", "precision", 3),
    ("two_sample", "recall", "recall", 3),
    ("copying", "lines", "nearest train drawing by line, median, % of side", 2),
    ("copying", "lines_suspected", "suspected copies by line", 3),
    ("copying", "vectors", "nearest train drawing by embedding, median", 3),
    ("copying", "vectors_suspected", "suspected copies by embedding", 3),
)


@dataclass(frozen=True)
class _Table:
    head: list[str]
    rows: list[list[str]]


@dataclass(frozen=True)
class _Group:
    """Pictures (SVG, caption) with a heading; `columns` of them in a row."""

    title: str
    pictures: list[tuple[str, str]]
    columns: int


@dataclass(frozen=True)
class _Section:
    title: str
    text: str
    tables: list[_Table] = field(default_factory=list)
    groups: list[_Group] = field(default_factory=list)


def check_report_file(file: Path) -> None:
    """Raise ComparisonError where the file's name is not that of a report: to be asked before minutes are spent."""
    if file.suffix.lower() not in FORMATS:
        raise ComparisonError(f"{file}: a report is written as {' or '.join(FORMATS)}.")


def write_report(comparison: Comparison, file: Path, *, title: str = "Models compared") -> Path:
    """Write the report as .html or .md, whole or not at all; folders are made.

    Raises ComparisonError where the file's name ends otherwise.
    """
    check_report_file(file)
    make = report_html if file.suffix.lower() == ".html" else report_markdown
    with atomic_writer(file) as out:
        out.write(make(comparison, title=title).encode())
    return file


def report_html(comparison: Comparison, *, title: str = "Models compared") -> str:
    """The report as a page of its own, that loads nothing."""
    body = [f"<h1>{html.escape(title)}</h1>"]
    for section in _sections(comparison):
        body += [f"<h2>{html.escape(section.title)}</h2>", _html_text(section.text)]
        body += [_html_table(table) for table in section.tables]
        body += ["<div class='beside'>", *(map(_html_group, section.groups)), "</div>"]
    return (
        "<!doctype html>\n<html lang='en'><head><meta charset='utf-8'>"
        "<meta http-equiv='Content-Security-Policy' content=\"default-src 'none'; style-src 'unsafe-inline'\">"
        "<meta name='viewport' content='width=device-width'>"
        f"<title>{html.escape(title)}</title><style>{_STYLE}</style></head>\n<body>\n"
        + "\n".join(body)
        + "\n</body></html>\n"
    )


def report_markdown(comparison: Comparison, *, title: str = "Models compared") -> str:
    """The report as Markdown, with the pictures in it."""
    lines = [f"# {title}", ""]
    for section in _sections(comparison):
        lines += [f"## {section.title}", "", section.text, ""]
        for table in section.tables:
            lines += [_markdown_row(table.head), _markdown_row(["---"] * len(table.head))]
            lines += [*(_markdown_row(row) for row in table.rows), ""]
        for group in section.groups:
            lines += [f"**{group.title}**", ""]
            for start in range(0, len(group.pictures), group.columns):
                row = group.pictures[start : start + group.columns]
                lines += [" ".join(rendering.markdown_image(svg, caption) for svg, caption in row)]
            lines.append("")
    return "\n".join(lines)


def score_markdown(comparison: Comparison) -> str:
    """The tables of scores and samples alone."""
    lines = []
    for table in (_score_table(comparison), _samples_table(comparison)):
        if table.rows:
            lines += [_markdown_row(table.head), _markdown_row(["---"] * len(table.head))]
            lines += [*(_markdown_row(row) for row in table.rows), ""]
    return "\n".join(lines)


def samples_sheet(comparison: Comparison, temperature: float, *, across: int = 4) -> bytes:
    """Held-out drawings at the left, beside them samples of each model at a temperature, as one small picture."""
    blocks = [list(comparison.held_out.values()), *(of[temperature] for of in comparison.samples.values())]
    blocks = [block for block in blocks if block]
    down = -(-max(map(len, blocks)) // across)
    blank = np.full((_CELL, _CELL), 255, np.uint8)
    cells = []
    for row in range(down):
        for block in blocks:
            shown = [_raster(one) for one in block[row * across : (row + 1) * across]]
            cells += shown + [blank] * (across - len(shown))
    named = [*([HELD_OUT] if comparison.held_out else []), *comparison.samples]
    return rendering.contact_sheet(
        cells,
        columns=across * len(blocks),
        cell=_CELL,
        title=f"{' | '.join(named)}, temperature {temperature:g}",
    )


def _raster(drawing: np.ndarray) -> np.ndarray:
    return rendering.rasterize(from_stroke3(drawing), size=_CELL, pen=_PEN)


def _picture(drawing: np.ndarray, name: str = "") -> str:
    """As SVG. Drawings are named: a page that is made private is looked for by its name."""
    return rendering.drawing_svg(from_stroke3(drawing), size=_CELL, pen=_PEN, title=name)


# ---- what the report says


def _sections(comparison: Comparison) -> Iterable[_Section]:
    left_out = "".join(f"\n- {note}" for note in comparison.notes)
    yield _Section("What was compared", _compared(comparison) + left_out)
    score = _score_table(comparison)
    if score.rows:
        yield _Section(
            "Where the nats go",
            "Negative ELBO in nats a point, lower is better, teacher-forced, on the same held-out drawings with the "
            "same noise on the targets. ± is the standard error over drawings; differences are of pairs, with a 95 % "
            "interval: one that holds 0 says nothing.",
            [score],
        )
        yield _Section(
            "The far past",
            "The second half of each drawing, nats a point of its offsets and pens: given the true first half, and "
            "given nothing but the place where the second half begins and how many points there were (and the latent "
            f"of the whole drawing, both times). The first {SETTLED} points after the cut miss the line just before "
            "them; from then on only the far past is missing, and the last row is what a model draws from it.",
            [_long_range_table(comparison)],
        )
    reconstructions = _by_model(comparison, "reconstruction", _RECONSTRUCTION, head="")
    if reconstructions.rows:
        yield _Section(
            "Drawn again",
            "Held-out drawings, each drawn again from its latent: how far the line then lies from that of the drawing "
            "itself and from those of the others (Chamfer distance), and how many are nearest to their own.",
            [reconstructions],
        )
    yield _Section("Samples and drawings", _about_samples(comparison), [_samples_table(comparison)])
    temperatures = sorted({one for of in comparison.samples.values() for one in of})
    for temperature in temperatures:
        groups = [
            _Group(f"{name} at {temperature:g}", [(_picture(one), "") for one in of[temperature]], 4)
            for name, of in comparison.samples.items()
        ]
        if comparison.held_out:
            held_out = [(_picture(one, name), "") for name, one in comparison.held_out.items()]
            groups.insert(0, _Group("held-out drawings", held_out, 4))
        yield _Section(f"Temperature {temperature:g}", "", groups=groups)
    if comparison.pairs:
        yield _Section(
            "Nearest train drawings",
            "Pairs of a sample (left) and the train drawing nearest to it (right), nearest pairs first: by line "
            "(Chamfer distance in percent of the longer side, turned as it fits best), and by embedding. A sample is "
            "suspected of being a copy where it is nearer than all but 1 % of the held-out drawings are to theirs.",
            groups=list(_pair_groups(comparison.pairs)),
        )


def _compared(comparison: Comparison) -> str:
    counts = comparison.counts
    said = (
        f"{' and '.join(comparison.models)}, on {counts[HELD_OUT]} held-out drawings; {counts[TRAIN]} train drawings "
        "give the noise floors."
    )
    return said + (f" Drawings were embedded by {comparison.encoder}." if comparison.encoder else "")


def _about_samples(comparison: Comparison) -> str:
    return (
        "Fréchet distance (in up to 16 principal axes of the train drawings, with shrunk covariances), precision "
        "(samples that lie among the held-out drawings) and recall (held-out drawings that lie among the samples) by "
        "the third neighbour, on embeddings of the rendered drawings, as many samples as held-out drawings. The column "
        f"“{TRAIN}” is their noise floor: what as many train drawings score, and what a perfect model would. Closing: "
        "how far the last point of a drawing that was ended lies from line drawn before the last 20 % of the side, "
        "and from the first point. ± is the standard deviation over resamples."
    )


def _score_table(comparison: Comparison) -> _Table:
    return _by_model(comparison, "nats_per_point", {part: _PARTS[part] for part in ("total", *PARTS)})


def _long_range_table(comparison: Comparison) -> _Table:
    return _by_model(comparison, "long_range", _LONG_RANGE)


def _by_model(
    comparison: Comparison, metric: str, parts: dict[str, str], head: str = "nats a point"
) -> _Table:
    names = [figure.model for figure in comparison.figures if figure.metric == metric]
    names = list(dict.fromkeys(names))
    singles = [name for name in names if name in comparison.models]
    pairs = [name for name in names if name not in comparison.models]
    rows = []
    for part, label in parts.items():
        found = [comparison.find(name, metric, part) for name in (*singles, *pairs)]
        if any(found):
            cells = [_plus_minus(one, 4) for one in found[: len(singles)]]
            rows.append([label, *cells, *(_interval(one) for one in found[len(singles) :])])
    return _Table([head, *singles, *pairs], rows)


def _samples_table(comparison: Comparison) -> _Table:
    columns = [(name, temperature) for name, of in comparison.samples.items() for temperature in of]
    rows = []
    for metric, part, label, digits in _SAMPLES:
        found = [comparison.find(name, metric, part) for name in (HELD_OUT, TRAIN)]
        found += [comparison.find(name, metric, part, temperature) for name, temperature in columns]
        if any(found):
            rows.append([label, *(_plus_minus(one, digits) for one in found)])
    return _Table(["", HELD_OUT, TRAIN, *(f"{name} {temperature:g}" for name, temperature in columns)], rows)


def _pair_groups(pairs: Sequence[Pair]) -> Iterable[_Group]:
    words = {"lines": "by line", "vectors": "by embedding"}
    for model in dict.fromkeys(pair.model for pair in pairs):
        for by, said in words.items():
            pictures = []
            chosen = [pair for pair in pairs if (pair.model, pair.by) == (model, by)]
            for pair in sorted(chosen, key=lambda pair: pair.distance):
                suspected = ", suspected" if pair.distance <= pair.limit else ""
                pictures += [
                    (_picture(pair.sample), f"at {pair.temperature:g}{suspected}"),
                    (_picture(pair.train, pair.train_name), f"{pair.train_name}: {pair.distance:.2f}"),
                ]
            if pictures:
                limit = chosen[0].limit
                yield _Group(f"{model}, {said} (suspected up to {limit:.2f})", pictures, 4)


def _plus_minus(estimate: Estimate | None, digits: int) -> str:
    if estimate is None:
        return ""
    spread = "" if estimate.spread is None else f" ± {estimate.spread:.{digits}f}"
    return f"{estimate.value:.{digits}f}{spread}"


def _interval(estimate: Estimate | None) -> str:
    if estimate is None:
        return ""
    between = "" if estimate.low is None else f" [{estimate.low:+.4f}, {estimate.high:+.4f}]"
    return f"{estimate.value:+.4f}{between}"


# ---- how it is written


_STYLE = """
body{font:15px/1.5 system-ui,sans-serif;max-width:1400px;margin:2em auto;padding:0 1em;color:#1f2430;background:#fff}
table{border-collapse:collapse;margin:1em 0;display:block;overflow-x:auto}
th,td{padding:.25em .5em;text-align:right;border-bottom:1px solid #e6e2d8;white-space:nowrap;font-size:13px}
th{white-space:normal;vertical-align:bottom}
th:first-child,td:first-child{text-align:left;white-space:normal;min-width:11em}
.beside{display:flex;flex-wrap:wrap;gap:1.5em}
.group h3{font-size:1em;margin:.5em 0}
.grid{display:grid;gap:4px;width:max-content}
figure{margin:0;width:96px;text-align:center;font-size:11px;color:#6b6f78;overflow-wrap:anywhere}
figure svg{display:block;margin:auto;max-width:96px;max-height:96px}
""".strip()


def _html_text(text: str) -> str:
    first, *notes = text.split("\n- ")
    listed = "".join(f"<li>{html.escape(note)}</li>" for note in notes)
    return (f"<p>{html.escape(first)}</p>" if first else "") + (f"<ul>{listed}</ul>" if listed else "")


def _html_table(table: _Table) -> str:
    head = "".join(f"<th>{html.escape(cell)}</th>" for cell in table.head)
    rows = "".join(
        "<tr>" + "".join(f"<td>{html.escape(cell)}</td>" for cell in row) + "</tr>" for row in table.rows
    )
    return f"<table><thead><tr>{head}</tr></thead><tbody>{rows}</tbody></table>"


def _html_group(group: _Group) -> str:
    figures = "".join(
        f"<figure>{svg}{f'<figcaption>{html.escape(caption)}</figcaption>' if caption else ''}</figure>"
        for svg, caption in group.pictures
    )
    columns = f"grid-template-columns:repeat({group.columns},96px)"
    return (
        f"<div class='group'><h3>{html.escape(group.title)}</h3>"
        f"<div class='grid' style='{columns}'>{figures}</div></div>"
    )


def _markdown_row(cells: Sequence[str]) -> str:
    return "| " + " | ".join(cell.replace("|", "\\|") for cell in cells) + " |"

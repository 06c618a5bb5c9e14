"""Two models, or more, on the same drawings by the same measures; figures that cannot be had are left out, and why."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
import torch

from singleline_pipeline import rendering
from singleline_pipeline.comparison.closing import Closing, closing, wasserstein_estimate, wasserstein_floor
from singleline_pipeline.comparison.copying import (
    LineMaps,
    Nearest,
    nearest_lines,
    nearest_vectors,
    threshold,
)
from singleline_pipeline.comparison.errors import ComparisonError
from singleline_pipeline.comparison.likelihood import PARTS, Likelihood, measure_likelihood
from singleline_pipeline.comparison.spread import Estimate, mean_estimate, median_estimate, ratio_estimate
from singleline_pipeline.comparison.two_sample import TwoSample, TwoSampleTest
from singleline_pipeline.embedding import encoder
from singleline_pipeline.geometry import from_stroke3
from singleline_pipeline.sketch_models.drawings import offset_scale
from singleline_pipeline.sketch_models.errors import DatasetError
from singleline_pipeline.sketch_models.sampling import Sample
from singleline_pipeline.sketch_models.score import evaluate
from singleline_pipeline.sketch_models.sketch_model import SketchModel

HELD_OUT, TRAIN = "held-out", "train"
"""Names, beside the models, of what the drawings themselves give."""

FEWEST = 20
"""Drawings, and samples, that vectors are compared for: with fewer, the noise floor is as high as what is measured."""


@dataclass(frozen=True)
class ComparisonSettings:
    """What is drawn, and how often.

    Attributes:
        temperatures: Of the free samples, in (0, 1]. Headline figures are those of the middle one.
        samples: Free samples at each temperature.
        limit: Points at which a sample is cut off.
        pictures: Samples at each temperature that are shown, and held-out drawings beside them.
        pairs: Nearest pairs of sample and train drawing that are shown of each model, by each of the two distances.
        seed: Of samples, noise and resampling.
    """

    temperatures: tuple[float, ...] = (0.2, 0.4, 0.8)
    samples: int = 150
    limit: int = 250
    pictures: int = 24
    pairs: int = 8
    seed: int = 0

    @property
    def headline(self) -> float:
        """The temperature whose figures stand for all."""
        return sorted(self.temperatures)[len(self.temperatures) // 2]


@dataclass(frozen=True)
class Figure:
    """One figure of a comparison.

    model: its name; HELD_OUT or TRAIN for the drawings themselves; "b - a" for the difference of two models
    metric, part: what it is; temperature: of the samples, None where there are none
    estimate: value, spread and interval; unit: of the value
    """

    model: str
    metric: str
    part: str
    temperature: float | None
    estimate: Estimate
    unit: str

    def plain(self) -> dict[str, Any]:
        """As one flat row."""
        row = asdict(self)
        return row | row.pop("estimate")


@dataclass(frozen=True)
class Pair:
    """A sample and the train drawing nearest to it; distances by line in percent of the longer side.

    limit: the distance up to which a sample is suspected of being a copy
    """

    model: str
    by: str
    temperature: float
    distance: float
    limit: float
    sample: np.ndarray
    train_name: str
    train: np.ndarray


@dataclass(frozen=True)
class Comparison:
    """Figures, what was left out of them and why, and what there is to look at: stroke-3 drawings (n, 3).

    counts: of held-out and of train drawings; held_out: some, by id; samples: by model and temperature
    """

    models: list[str]
    counts: dict[str, int]
    figures: list[Figure]
    notes: list[str]
    encoder: str | None
    held_out: dict[str, np.ndarray]
    samples: dict[str, dict[float, list[np.ndarray]]]
    pairs: list[Pair]

    def find(self, model: str, metric: str, part: str, temperature: float | None = None) -> Estimate | None:
        """One figure, None where it was left out."""
        wanted = (model, metric, part, temperature)
        for figure in self.figures:
            if (figure.model, figure.metric, figure.part, figure.temperature) == wanted:
                return figure.estimate
        return None

    def headline(self, temperature: float) -> dict[str, float]:
        """The figures of each model that are worth plotting from one training to the next, at one temperature."""
        wanted = {
            "nats_per_point": ("nats_per_point", "total", None),
            "far_past_saves": ("long_range", "far_gain", None),
            "reconstructions_recognised": ("reconstruction", "source_is_nearest", None),
            "closing_distance": ("closing", "to_earlier_line_wasserstein", temperature),
            "frechet": ("two_sample", "frechet", temperature),
            "precision": ("two_sample", "precision", temperature),
            "recall": ("two_sample", "recall", temperature),
            "suspected_copies": ("copying", "lines_suspected", temperature),
            "ended": ("endings", "ended", temperature),
        }
        found = {
            f"{model}_{name}": self.find(model, *where)
            for model in self.models
            for name, where in wanted.items()
        }
        return {name: estimate.value for name, estimate in found.items() if estimate is not None}


def compare_models(
    models: Mapping[str, SketchModel],
    train: Mapping[str, np.ndarray],
    held_out: Mapping[str, np.ndarray],
    settings: ComparisonSettings | None = None,
    *,
    dataset_fingerprint: str | None = None,
    progress: Callable[[str], None] = lambda message: None,
) -> Comparison:
    """Compare models on held-out drawings.

    Args:
        models: By name; each is scored, and draws.
        train: Drawings that they learned from, stroke-3 by id: the noise floors, and what could be copied.
        held_out: Drawings that none of them learned from.
        settings: What is drawn.
        dataset_fingerprint: Of these drawings, as models know it; without one, their number and scale have to do.
            Models that learned from others are told of.
        progress: Told what is about to be done.

    Raises ComparisonError where there is nothing to compare, DatasetError where a drawing is bad.
    """
    settings = settings or ComparisonSettings()
    if not models:
        raise ComparisonError("There is no model to compare. Train one first.")
    if not held_out and not train:
        raise ComparisonError("There are no drawings to compare the models on.")
    work = _Work(dict(sorted(train.items())), dict(sorted(held_out.items())), settings, progress)
    return work.run(models, dataset_fingerprint)


class _Work:
    """What is collected while a comparison is made."""

    def __init__(
        self,
        train: dict[str, np.ndarray],
        held_out: dict[str, np.ndarray],
        settings: ComparisonSettings,
        progress: Callable[[str], None],
    ) -> None:
        self.train, self.held_out, self.settings, self.progress = train, held_out, settings, progress
        self.figures: list[Figure] = []
        self.notes: list[str] = []
        self.pairs: list[Pair] = []

    def run(self, models: Mapping[str, SketchModel], dataset_fingerprint: str | None) -> Comparison:
        for name, model in models.items():
            self._say_what_it_is(name, model, dataset_fingerprint)
        if self.held_out:
            self._score(models)
        else:
            self.notes.append("Scores are left out: no drawing is held out.")
        for name, model in models.items():
            self._reconstruct(name, model)
        drawn = {name: self._draw(name, model) for name, model in models.items()}
        for name, by_temperature in drawn.items():
            for temperature, samples in by_temperature.items():
                self._endings(name, temperature, samples)
        self._drawings_themselves()
        self._closings(drawn)
        used = self._compare_vectors(
            {
                (name, temperature): [sample.stroke3 for sample in samples]
                for name, by_temperature in drawn.items()
                for temperature, samples in by_temperature.items()
            }
        )
        shown = self.settings.pictures
        return Comparison(
            models=list(models),
            counts={HELD_OUT: len(self.held_out), TRAIN: len(self.train)},
            figures=self.figures,
            notes=self.notes,
            encoder=used,
            held_out=self._chosen(shown),
            samples={
                name: {
                    temperature: [sample.stroke3 for sample in samples[:shown]]
                    for temperature, samples in by_temperature.items()
                }
                for name, by_temperature in drawn.items()
            },
            pairs=self.pairs,
        )

    def _rng(self) -> np.random.Generator:
        # One of its own for each figure, so that leaving one out leaves the others as they were.
        return np.random.default_rng(self.settings.seed)

    def _chosen(self, count: int) -> dict[str, np.ndarray]:
        """So many held-out drawings, from all over."""
        names = list(self.held_out)
        if len(names) > count:
            names = [names[row] for row in sorted(self._rng().choice(len(names), count, replace=False))]
        return {name: self.held_out[name] for name in names}

    def _add(
        self,
        model: str,
        metric: str,
        part: str,
        estimate: Estimate,
        unit: str,
        temperature: float | None = None,
    ) -> None:
        self.figures.append(Figure(model, metric, part, temperature, estimate, unit))

    # ---- what the models are

    def _say_what_it_is(self, name: str, model: SketchModel, dataset_fingerprint: str | None) -> None:
        config = model.config
        if dataset_fingerprint:
            same = config.dataset_fingerprint == dataset_fingerprint
        else:
            same = (
                config.train_drawings == len(self.train)
                and bool(self.train)
                and bool(np.isclose(config.scale, offset_scale(list(self.train.values())), rtol=1e-4))
            )
        if not same:
            self.notes.append(
                f"{name} did not learn from these {len(self.train)} train drawings, but from {config.train_drawings} "
                "of another dataset, or of another version: drawings that are held out here may be among them."
            )
        if not config.latent_size:
            self.notes.append(f"{name} has no latent: it pays no KL, and is told nothing of a drawing.")

    # ---- the score

    def _score(self, models: Mapping[str, SketchModel]) -> None:
        drawings = list(self.held_out.values())
        first = next(iter(models.values()))
        scale = offset_scale(list(self.train.values())) if self.train else first.config.scale
        found: dict[str, Likelihood] = {}
        for name, model in models.items():
            self.progress(f"{name}: scoring {len(drawings)} held-out drawings")
            try:
                found[name] = measure_likelihood(model, drawings, scale=scale, seed=self.settings.seed)
            except ComparisonError as error:
                own = self._own_score(model, drawings) if model.score_kind != "density" else ""
                self.notes.append(f"The score of {name} is left out. {error}{own}")
        for name, one in found.items():
            for part, nats in _score_parts(one).items():
                self._add(name, "nats_per_point", part, ratio_estimate(nats, one.points, self._rng()), "nats")
            for part, (nats, points) in _long_range_parts(one).items():
                if points.sum():
                    estimate = ratio_estimate(nats[points > 0], points[points > 0], self._rng())
                    self._add(name, "long_range", part, estimate, "nats")
        names = list(found)
        for name in names[1:]:
            pair, one, other = f"{name} - {names[0]}", found[names[0]], found[name]
            for part, nats in _score_parts(other).items():
                difference = nats - _score_parts(one)[part]
                estimate = ratio_estimate(difference, one.points, self._rng())
                self._add(pair, "nats_per_point", part, estimate, "nats")
            for part, (nats, points) in _long_range_parts(other).items():
                if points.sum():
                    difference = (nats - _long_range_parts(one)[part][0])[points > 0]
                    estimate = ratio_estimate(difference, points[points > 0], self._rng())
                    self._add(pair, "long_range", part, estimate, "nats")

    def _own_score(self, model: SketchModel, drawings: list[np.ndarray]) -> str:
        """What a model scores by a measure of its own, or why it cannot be had, as a sentence after others."""
        try:
            own = evaluate(model, drawings, seed=self.settings.seed)[model.score_name]
        except DatasetError as error:
            return f" {error}"
        return f" By itself: {own:.3f} {model.score_name}."

    # ---- the latent

    def _reconstruct(self, name: str, model: SketchModel) -> None:
        """Do held-out drawings come back from their latents? Each is to be nearer to its own than to the others."""
        drawings = list(self._chosen(self.settings.samples).values())
        if not model.config.latent_size or len(drawings) < 2:
            return
        self.progress(f"{name}: drawing {len(drawings)} held-out drawings again")
        generator = torch.Generator(model.device).manual_seed(self.settings.seed)
        again = model.reconstruct(drawings, max_points=self.settings.limit, generator=generator)
        between = LineMaps([sample.stroke3 for sample in again]).chamfer(LineMaps(drawings))
        own = np.diagonal(between)
        others = (between.sum(axis=1) - own) / (len(drawings) - 1)
        unit = "% of longer side"
        self._add(name, "reconstruction", "to_source", median_estimate(own, self._rng()), unit)
        self._add(name, "reconstruction", "to_others", median_estimate(others, self._rng()), unit)
        found = (between.argmin(axis=1) == np.arange(len(drawings))).astype(float)
        self._add(name, "reconstruction", "source_is_nearest", mean_estimate(found, self._rng()), "share")

    # ---- the samples

    def _draw(self, name: str, model: SketchModel) -> dict[float, list[Sample]]:
        drawn = {}
        for temperature in self.settings.temperatures:
            self.progress(f"{name}: drawing {self.settings.samples} samples at temperature {temperature:g}")
            drawn[temperature] = model.sample(
                self.settings.samples,
                temperature=temperature,
                max_points=self.settings.limit,
                generator=torch.Generator(model.device).manual_seed(self.settings.seed),
            )
        return drawn

    def _endings(self, name: str, temperature: float, samples: list[Sample]) -> None:
        ended = np.array([sample.ended for sample in samples], float)
        self._add(name, "endings", "ended", mean_estimate(ended, self._rng()), "share", temperature)
        self._sizes(name, [sample.stroke3 for sample in samples], temperature)

    def _sizes(self, name: str, drawings: list[np.ndarray], temperature: float | None) -> None:
        points = np.array([len(drawing) for drawing in drawings])
        strokes = np.array([len(from_stroke3(drawing)) for drawing in drawings])
        median = median_estimate(points, self._rng())
        self._add(name, "endings", "points", median, "points", temperature)
        self._add(name, "endings", "strokes", mean_estimate(strokes, self._rng()), "strokes", temperature)

    def _drawings_themselves(self) -> None:
        if self.held_out:
            self._sizes(HELD_OUT, list(self.held_out.values()), None)
        else:
            self._sizes(TRAIN, list(self.train.values()), None)

    def _closings(self, drawn: Mapping[str, Mapping[float, list[Sample]]]) -> None:
        """Of drawings that were ended: a sample that was cut off closes nowhere."""
        data = _distances(self.held_out.values())
        of_train = _distances(self.train.values())
        if not self.held_out:
            self.notes.append("Closing distances are not compared with the data's: no drawing is held out.")
        for part in ("to_start", "to_earlier_line"):
            if len(data[part]):
                estimate = median_estimate(data[part], self._rng())
                self._add(HELD_OUT, "closing", part, estimate, "% of longer side")
                if len(of_train[part]):
                    floor = wasserstein_floor(of_train[part], data[part], self.settings.samples, self._rng())
                    self._add(TRAIN, "closing", f"{part}_wasserstein", floor, "% of longer side")
            for name, by_temperature in drawn.items():
                for temperature, samples in by_temperature.items():
                    found = _distances(sample.stroke3 for sample in samples if sample.ended)[part]
                    if len(found):
                        self._closing(name, part, found, data[part], temperature)

    def _closing(
        self, name: str, part: str, found: np.ndarray, data: np.ndarray, temperature: float | None
    ) -> None:
        unit = "% of longer side"
        self._add(name, "closing", part, median_estimate(found, self._rng()), unit, temperature)
        if len(data):
            estimate = wasserstein_estimate(found, data, self._rng())
            self._add(name, "closing", f"{part}_wasserstein", estimate, unit, temperature)

    # ---- vectors of an encoder

    def _compare_vectors(self, drawn: Mapping[tuple[str, float], list[np.ndarray]]) -> str | None:
        """Two-sample scores and the search for copies. Returns the encoder that was used, if any."""
        too_few = [
            f"{count} {what}"
            for count, what in (
                (len(self.held_out), "held-out drawings"),
                (len(self.train), "train drawings"),
                (self.settings.samples, "samples"),
            )
            if count < FEWEST
        ]
        if too_few:
            self.notes.append(
                "Fréchet distance, precision, recall and the search for copies are left out: there are "
                f"{' and '.join(too_few)}, and at least {FEWEST} are needed."
            )
            return None
        used = encoder()
        self.progress(f"embedding {len(self.train)} train drawings")
        train = list(self.train.values())
        held_out = list(self._chosen(self.settings.samples).values())
        of_train = _embed(used.embed, train)
        of_held_out = _embed(used.embed, held_out)
        test = TwoSampleTest(of_held_out, of_train)
        self._two_sample(TRAIN, test.floor(len(held_out), self._rng()), len(held_out), None)
        vectors = {}
        for (name, temperature), samples in drawn.items():
            self.progress(f"{name}: embedding {len(samples)} samples at temperature {temperature:g}")
            vectors[name, temperature] = _embed(used.embed, samples)
            # As many on both sides: the radius around a drawing depends on how many there are.
            score = test(vectors[name, temperature][: len(held_out)], self._rng())
            self._two_sample(name, score, min(len(samples), len(held_out)), temperature)
        self.progress("looking for copies of train drawings")
        self._copies(held_out, of_held_out, of_train, drawn, vectors)
        return f"{used.id} {used.version}"

    def _two_sample(self, name: str, score: TwoSample, n: int, temperature: float | None) -> None:
        for part in ("frechet", "precision", "recall"):
            value, spread = getattr(score, part)
            unit = "squared distance" if part == "frechet" else "share"
            self._add(name, "two_sample", part, Estimate(value, spread, None, None, n), unit, temperature)

    def _copies(
        self,
        held_out: list[np.ndarray],
        of_held_out: np.ndarray,
        of_train: np.ndarray,
        drawn: Mapping[tuple[str, float], list[np.ndarray]],
        vectors: Mapping[tuple[str, float], np.ndarray],
    ) -> None:
        names, train = list(self.train), list(self.train.values())
        together = [*held_out, *(one for samples in drawn.values() for one in samples)]
        lines = _split(nearest_lines(together, train), [len(held_out), *map(len, drawn.values())])
        by_line, by_vector = next(lines), nearest_vectors(of_held_out, of_train)
        limits = {"lines": threshold(by_line), "vectors": threshold(by_vector)}
        units = {"lines": "% of longer side", "vectors": "embedding distance"}
        for by, found in (("lines", by_line), ("vectors", by_vector)):
            estimate = median_estimate(found.distance, self._rng())
            self._add(HELD_OUT, "copying", by, estimate, units[by])
            limit = Estimate(limits[by], None, None, None, len(held_out))
            self._add(HELD_OUT, "copying", f"{by}_limit", limit, units[by])
        for (name, temperature), samples in drawn.items():
            nearest = {"lines": next(lines), "vectors": nearest_vectors(vectors[name, temperature], of_train)}
            for by, found in nearest.items():
                estimate = median_estimate(found.distance, self._rng())
                self._add(name, "copying", by, estimate, units[by], temperature)
                suspected = (found.distance <= limits[by]).astype(float)
                estimate = mean_estimate(suspected, self._rng())
                self._add(name, "copying", f"{by}_suspected", estimate, "share", temperature)
                self.pairs += [
                    Pair(
                        name, by, temperature, float(found.distance[row]), limits[by], samples[row],
                        names[found.index[row]], train[found.index[row]],
                    )
                    for row in np.argsort(found.distance, kind="stable")[: self.settings.pairs]
                    if temperature == self.settings.headline or suspected[row]
                ]  # fmt: skip


def _score_parts(likelihood: Likelihood) -> dict[str, np.ndarray]:
    return {"total": likelihood.total, **{part: likelihood.parts[part] for part in PARTS}}


def _long_range_parts(likelihood: Likelihood) -> dict[str, tuple[np.ndarray, np.ndarray]]:
    """Nats and points of each drawing by part."""
    half, far = likelihood.half_points, likelihood.far_points
    return {
        "given_first_half": (likelihood.given_half, half),
        "given_nothing": (likelihood.given_nothing, half),
        "gain": (likelihood.given_nothing - likelihood.given_half, half),
        "far_given_first_half": (likelihood.far_given_half, far),
        "far_given_nothing": (likelihood.far_given_nothing, far),
        "far_gain": (likelihood.far_given_nothing - likelihood.far_given_half, far),
    }


def _distances(drawings: Iterable[np.ndarray]) -> dict[str, np.ndarray]:
    """Closing distances by part, of the drawings that have them."""
    found: list[Closing] = [one for one in map(closing, drawings) if one is not None]
    near = [one.to_earlier_line for one in found if one.to_earlier_line is not None]
    return {"to_start": np.array([one.to_start for one in found]), "to_earlier_line": np.array(near)}


def _embed(embed: Callable[[Iterable[np.ndarray]], np.ndarray], drawings: Iterable[np.ndarray]) -> np.ndarray:
    """Vectors of drawings, rendered as the pipeline renders those that it embeds."""
    return embed(rendering.rasterize(from_stroke3(drawing)) for drawing in drawings)


def _split(nearest: Nearest, sizes: list[int]) -> Iterator[Nearest]:
    ends = np.cumsum(sizes)
    for end, size in zip(ends, sizes, strict=True):
        yield Nearest(nearest.index[end - size : end], nearest.distance[end - size : end])

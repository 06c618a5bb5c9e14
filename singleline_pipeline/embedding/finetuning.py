"""Fine-tuning EfficientNet-Lite0 on what pictures were called: a new head, and the last blocks with it.

As the story did with its ResNet-34. The blocks before stay as ImageNet left them: they see lines and edges, and with
them fixed, each picture goes through them once, whatever the number of epochs. Batch normalization is folded into the
convolutions before training: with as few pictures as there are, its running means would be noise.
"""

import copy
import time
from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass

import numpy as np
import torch
from efficientnet_lite_pytorch import EfficientNet
from torch.nn import functional

from singleline_pipeline.embedding.efficientnet import EfficientNetLite0, pixels_of
from singleline_pipeline.embedding.errors import EmbeddingError
from singleline_pipeline.embedding.images import in_batches

FIXED_BLOCKS = 11
"""Of the network's 16 blocks, those that stay as they are: what follows is its last two stages."""

LEAST_ROWS = 10
"""Pictures that a class must have: two for each of the parts that tell when to stop and what was won."""

TURNS = ("train", "valid", "train", "test", "train")
"""Splits that pages are dealt to in turn: to learn from, to tell when to stop, and to tell what was won."""

SPLITS = ("train", "valid", "test")

BATCH = 16
HEAD_RATE, BLOCKS_RATE = 3e-3, 3e-4
"""Learning rates of AdamW: the head starts from nothing, the blocks from something good."""

MOST_EPOCHS, PATIENCE = 40, 5
LEAST_GAIN = 0.002
"""Nats by which the validation loss must fall within `PATIENCE` epochs, for training to go on."""


@dataclass(frozen=True)
class Trained:
    """A fine-tuned network, and what it was worth."""

    network: EfficientNet
    """The network as `EfficientNetLite0` holds it, with other weights."""
    head: torch.nn.Linear
    classes: list[str]
    rows: dict[str, dict[str, int]]
    """Split -> class -> pictures."""
    left_out: dict[str, int]
    """Classes of fewer than `LEAST_ROWS` pictures, and how many each has."""
    before: float
    """Share of the held-out pictures whose nearest class mean is right, mean of the classes, before training."""
    after: float
    """The same after it."""
    head_right: float
    """Share of the held-out pictures that the head names rightly, mean of the classes."""
    epochs: int
    """Epoch that the weights are of."""
    stopped_because: str


def split_pages(labels: Sequence[str], pages: Sequence[str]) -> dict[str, str]:
    """Return the split of each page, by the order of the pages' hashes within each class, the rarest class first.

    All pictures of a page are on one side, and every class is on all sides where it has pages enough.
    """
    counts = Counter(labels)
    pages_of: dict[str, set[str]] = {label: set() for label in counts}
    for label, page in zip(labels, pages, strict=True):
        pages_of[label].add(page)
    split: dict[str, str] = {}
    for label in sorted(counts, key=lambda label: (counts[label], label)):
        for number, page in enumerate(sorted(pages_of[label] - split.keys())):
            split[page] = TURNS[number % len(TURNS)]
    return split


def enough_classes(labels: Sequence[str], pages: Sequence[str]) -> tuple[list[str], dict[str, int]]:
    """Return the classes that can be learned, and how many pictures each of the others has.

    Raises EmbeddingError where fewer than two can: with under `LEAST_ROWS` pictures, or from too few pages to be in
    every split.
    """
    counts = Counter(labels)
    split = split_pages(labels, pages)
    there = {(label, split[page]) for label, page in zip(labels, pages, strict=True)}
    learnable = sorted(
        label
        for label, count in counts.items()
        if count >= LEAST_ROWS and all((label, name) in there for name in SPLITS)
    )
    if len(learnable) < 2:
        found = ", ".join(f"{label} ({count})" for label, count in sorted(counts.items())) or "none"
        raise EmbeddingError(
            f"There is too little to fine-tune on: at least two classes of {LEAST_ROWS} pictures on several pages are "
            f"needed, and found were {found}. Label more in the studio, or use efficientnet-lite0 as it is."
        )
    return learnable, {label: count for label, count in sorted(counts.items()) if label not in learnable}


def finetune(
    pictures: Iterable[np.ndarray],
    labels: Sequence[str],
    pages: Sequence[str],
    *,
    seed: int = 0,
    max_seconds: float | None = None,
    progress: Callable[[str], None] = lambda message: None,
) -> Trained:
    """Train a head and the last blocks of EfficientNet-Lite0 to tell classes of pictures apart.

    The same pictures and seed give the same weights, on one machine with one number of threads.
    Raises EmbeddingError where there is too little to learn from (`enough_classes`).

    Args:
        pictures: uint8 (h, w, 3) BGR or (h, w) grey, read once.
        labels: Class of each picture.
        pages: SHA-256 of the page that each is, or is from.
        seed: Seed of the head's weights, of the order and of which pictures are mirrored.
        max_seconds: CPU seconds of this process after which no epoch is begun.
        progress: Told of every epoch.
    """
    started = time.process_time()
    classes, left_out = enough_classes(labels, pages)
    chosen = [row for row, label in enumerate(labels) if label in classes]
    network = copy.deepcopy(EfficientNetLite0().network)
    progress(f"{len(chosen)} pictures of {len(classes)} classes")
    wanted = set(chosen)
    maps = _maps(network, (image for row, image in enumerate(pictures) if row in wanted))
    truth = torch.tensor([classes.index(labels[row]) for row in chosen])
    split_of = split_pages(labels, pages)
    split = np.array([split_of[pages[row]] for row in chosen])
    rows = {name: torch.from_numpy(np.flatnonzero(split == name)) for name in SPLITS}
    before = _nearest_mean_right(_features(network, maps[0]), truth, rows, len(classes))

    generator = torch.Generator().manual_seed(seed)
    head = torch.nn.Linear(EfficientNetLite0.size, len(classes))
    torch.nn.init.normal_(head.weight, std=0.01, generator=generator)
    torch.nn.init.zeros_(head.bias)
    trained = _train(network, head, maps, truth, rows, generator, started, max_seconds, progress)
    network.load_state_dict(trained.network)
    head.load_state_dict(trained.head)
    features = _features(network, maps[0])
    with torch.inference_mode():
        named = head(features[rows["test"]]).argmax(dim=1)
    return Trained(
        network=network,
        head=head,
        classes=classes,
        rows={
            name: {label: int((truth[of] == number).sum()) for number, label in enumerate(classes)}
            for name, of in rows.items()
        },
        left_out=left_out,
        before=before,
        after=_nearest_mean_right(features, truth, rows, len(classes)),
        head_right=_right(named, truth[rows["test"]], len(classes)),
        epochs=trained.epoch,
        stopped_because=trained.stopped_because,
    )


@dataclass
class _Best:
    """The weights of the epoch that did best on the validation pictures."""

    network: dict[str, torch.Tensor]
    head: dict[str, torch.Tensor]
    loss: float = float("inf")
    epoch: int = 0
    stopped_because: str = f"{MOST_EPOCHS} epochs done"


def _train(
    network: EfficientNet,
    head: torch.nn.Linear,
    maps: tuple[torch.Tensor, torch.Tensor],
    truth: torch.Tensor,
    rows: dict[str, torch.Tensor],
    generator: torch.Generator,
    started: float,
    max_seconds: float | None,
    progress: Callable[[str], None],
) -> _Best:
    network.requires_grad_(False)
    last = [*_last_blocks(network), network._conv_head]
    blocks = [weights for part in last for weights in part.requires_grad_(True).parameters()]
    optimizer = torch.optim.AdamW(
        [{"params": blocks, "lr": BLOCKS_RATE}, {"params": head.parameters(), "lr": HEAD_RATE}],
        weight_decay=1e-4,
    )
    train, valid = rows["train"], rows["valid"]
    # Classes count alike, however many pictures each has.
    counts = torch.bincount(truth[train], minlength=head.out_features).float()
    weights = len(train) / (head.out_features * counts)
    best = _Best(copy.deepcopy(network.state_dict()), copy.deepcopy(head.state_dict()))
    for epoch in range(1, MOST_EPOCHS + 1):
        if max_seconds is not None and time.process_time() - started > max_seconds:
            best.stopped_because = f"{max_seconds:g} CPU seconds are over"
            break
        for batch in train[torch.randperm(len(train), generator=generator)].split(BATCH):
            # Leaves have a binder on the left and on the right, and faces look both ways.
            mirrored = torch.rand(len(batch), generator=generator) < 0.5
            chosen = torch.where(mirrored[:, None, None, None], maps[1][batch], maps[0][batch])
            scores = head(_pooled(network, chosen))
            loss = functional.cross_entropy(scores, truth[batch], weight=weights)
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
        with torch.inference_mode():
            scores = head(_features(network, maps[0][valid]))
            loss_here = float(functional.cross_entropy(scores, truth[valid], weight=weights))
        right = _right(scores.argmax(dim=1), truth[valid], head.out_features)
        progress(f"epoch {epoch}: loss {loss_here:.3f}, {right:.1%} of the validation pictures right")
        if loss_here < best.loss - LEAST_GAIN:
            best = _Best(
                copy.deepcopy(network.state_dict()), copy.deepcopy(head.state_dict()), loss_here, epoch
            )
        elif epoch - best.epoch >= PATIENCE:
            best.stopped_because = f"no better for {PATIENCE} epochs"
            break
    return best


def _last_blocks(network: EfficientNet) -> list[torch.nn.Module]:
    return list(network._blocks)[FIXED_BLOCKS:]


def _maps(network: EfficientNet, pictures: Iterable[np.ndarray]) -> tuple[torch.Tensor, torch.Tensor]:
    """What the fixed blocks make of each picture and of its mirror image, two of float32 (n, channels, h, w)."""
    upright: list[torch.Tensor] = []
    mirrored: list[torch.Tensor] = []
    with torch.no_grad():
        for batch in in_batches(pictures, 4):
            pixels = torch.from_numpy(np.stack([pixels_of(image) for image in batch])).permute(0, 3, 1, 2)
            for picture, found in ((pixels, upright), (pixels.flip(3), mirrored)):
                seen = network._swish(network._conv_stem(picture))
                for block in list(network._blocks)[:FIXED_BLOCKS]:
                    seen = block(seen)
                found.append(seen)
    return torch.cat(upright), torch.cat(mirrored)


def _pooled(network: EfficientNet, maps: torch.Tensor) -> torch.Tensor:
    """The 1280 values before the head, (n, 1280)."""
    for block in _last_blocks(network):
        maps = block(maps)
    return network._swish(network._conv_head(maps)).mean(dim=(2, 3))


def _features(network: EfficientNet, maps: torch.Tensor) -> torch.Tensor:
    with torch.no_grad():
        return torch.cat([_pooled(network, batch) for batch in maps.split(BATCH)])


def _nearest_mean_right(
    features: torch.Tensor, truth: torch.Tensor, rows: dict[str, torch.Tensor], classes: int
) -> float:
    """Share of the test pictures that lie nearest to the mean of their own class in train: as K-means sorts them."""
    unit = functional.normalize(features)
    train, test = rows["train"], rows["test"]
    means = torch.stack([unit[train][truth[train] == number].mean(dim=0) for number in range(classes)])
    return _right(torch.cdist(unit[test], means).argmin(dim=1), truth[test], classes)


def _right(named: torch.Tensor, truth: torch.Tensor, classes: int) -> float:
    """Mean over the classes of the share that was named rightly."""
    shares = [float((named[truth == number] == number).float().mean()) for number in range(classes)]
    return sum(shares) / classes

"""Model folders: config.json, model.safetensors and a card, as transformers reads them."""

from __future__ import annotations

import contextlib
import json
import os
import shutil
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from safetensors import SafetensorError
from transformers.utils.logging import disable_progress_bar, enable_progress_bar, is_progress_bar_enabled

from singleline_pipeline import __version__
from singleline_pipeline.sketch_models.errors import ModelFolderError
from singleline_pipeline.sketch_models.sketch_model import FORMAT, SketchModel
from singleline_pipeline.sketch_models.sketch_rnn import SketchRNN
from singleline_pipeline.sketch_models.sketch_transformer import SketchTransformer

_STAGING = ".saving-"

MODELS: dict[str, type[SketchModel]] = {"sketch_rnn": SketchRNN, "sketch_transformer": SketchTransformer}


@contextlib.contextmanager
def without_bars() -> Iterator[None]:
    """transformers draws a progress bar for each file that it reads or writes; a log has no use for them."""
    shown = is_progress_bar_enabled()
    disable_progress_bar()
    try:
        yield
    finally:
        if shown:
            enable_progress_bar()


def load_model(folder: str | os.PathLike[str]) -> SketchRNN | SketchTransformer:
    """The model in a folder that training wrote, ready to draw. Nothing is fetched from anywhere.

    Raises ModelFolderError where the folder holds something else, or weights that do not fit its config.
    """
    path = Path(folder)
    config_file = path / "config.json"
    if not config_file.is_file():
        raise ModelFolderError(f"{path} holds no model: there is no config.json. Train one there first.")
    try:
        config = json.loads(config_file.read_text(encoding="utf-8"))
        kind, version = config.get("model_type"), config.get("project_version") or "unknown"
    except (json.JSONDecodeError, UnicodeDecodeError, AttributeError) as error:
        raise ModelFolderError(f"{config_file} is not a model's config: {error}") from error
    if kind not in MODELS:
        raise ModelFolderError(
            f"{path} holds a model of type {kind!r}, not one of {', '.join(MODELS)}. Give the folder of a model that "
            "this project trained."
        )
    if config.get("format") != FORMAT:
        raise ModelFolderError(
            f"The weights in {path} were written by version {version} in format {config.get('format', 0)}, and this is "
            f"{__version__} with format {FORMAT}: what they mean has changed. Train again, or load them with theirs."
        )
    if not (path / "model.safetensors").is_file():
        raise ModelFolderError(
            f"{path} has a config but no weights: model.safetensors is missing. Train again."
        )
    try:
        with without_bars():
            loaded: Any = MODELS[kind].from_pretrained(path, local_files_only=True, output_loading_info=True)
    except (RuntimeError, OSError, ValueError, TypeError, SafetensorError) as error:
        raise ModelFolderError(
            f"The model in {path}, written by version {version}, cannot be loaded by {__version__}: {error}"
        ) from error
    model, report = loaded
    wrong = sorted(report["missing_keys"]) + sorted(report["unexpected_keys"])
    if wrong:
        raise ModelFolderError(
            f"The weights in {path} are of another version of {kind}: {', '.join(map(str, wrong[:3]))} do not fit. "
            f"They were written by version {version}, this is {__version__}: train again, or load them with theirs."
        )
    return model.eval()


def _umask() -> int:
    """The process's mask for new files; it can only be read by setting it."""
    mask = os.umask(0o022)
    os.umask(mask)
    return mask


def remove_unfinished(folder: Path) -> None:
    """Remove what `save_model` left where it was killed."""
    for left in folder.glob(f"{_STAGING}*"):
        shutil.rmtree(left, ignore_errors=True)


def save_model(model: SketchModel, folder: Path) -> None:
    """Write config and weights; each file is replaced as a whole, so that one that is being read survives."""
    folder.mkdir(parents=True, exist_ok=True)
    staging = Path(tempfile.mkdtemp(prefix=_STAGING, dir=folder))
    try:
        with without_bars():
            model.save_pretrained(staging)
        for file in sorted(staging.iterdir()):
            # safetensors makes files that only their owner may read.
            file.chmod(0o666 & ~_umask())
            with file.open("rb+") as handle:
                os.fsync(handle.fileno())
            os.replace(file, folder / file.name)
    finally:
        shutil.rmtree(staging, ignore_errors=True)

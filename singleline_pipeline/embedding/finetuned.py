"""Folders of fine-tuned encoders: config.json and model.safetensors, written whole, loaded without running anything."""

import hashlib
import json
import os
import shutil
import tempfile
from pathlib import Path
from typing import Any

import torch
from safetensors import SafetensorError
from safetensors.torch import load as load_safetensors
from safetensors.torch import save as save_safetensors

from singleline_pipeline.embedding.efficientnet import CODE_VERSION, EfficientNetLite0, untrained_network
from singleline_pipeline.embedding.errors import EmbeddingError
from singleline_pipeline.embedding.finetuning import Trained

MODEL_TYPE = "finetuned-efficientnet-lite0"
CONFIG, WEIGHTS = "config.json", "model.safetensors"


class FineTunedEncoder(EfficientNetLite0):
    """EfficientNet-Lite0 with the weights of a folder that `save_finetuned` wrote."""

    def __init__(self, folder: Path) -> None:
        """Raises EmbeddingError where the folder is damaged, or holds something else."""
        config = _read_config(folder)
        try:
            data = (folder / WEIGHTS).read_bytes()
            weights = load_safetensors(data)
        except (OSError, SafetensorError) as error:
            raise EmbeddingError(
                f"The weights of the encoder in {folder} cannot be read ({error}). "
                "Make it again: singleline finetune-encoder."
            ) from error
        digest = _digest(data)
        if digest != config.get("version"):
            raise EmbeddingError(
                f"The weights in {folder} are not those that its config.json tells of ({digest}, "
                f"{config.get('version')}): vectors would not be comparable. Make the encoder again."
            )
        network = untrained_network()
        try:
            network.load_state_dict(weights)
        except RuntimeError as error:
            raise EmbeddingError(
                f"The weights in {folder} are of another network ({str(error).splitlines()[0]}). "
                "Make the encoder again: singleline finetune-encoder."
            ) from error
        self.id = str(config["id"])
        self.version = f"{digest}.{CODE_VERSION}"
        self.network = network.eval().to(memory_format=torch.channels_last)


def is_finetuned(folder: Path) -> bool:
    """Whether a folder says that it holds an encoder that `save_finetuned` wrote."""
    if not (folder / CONFIG).is_file():
        return False
    try:
        return _read_config(folder).get("model_type") == MODEL_TYPE
    except EmbeddingError:
        return False


def save_finetuned(
    trained: Trained, out: Path | None, beside: Path, scope: str, about: dict[str, Any]
) -> Path:
    """Write a fine-tuned encoder to a new folder, and return it: all of it is there, or nothing.

    The head is kept with its classes (`head.safetensors`), for whoever wants to know what it would say.
    Raises EmbeddingError where the folder exists, or cannot be written.

    Args:
        trained: What `finetune` gave.
        out: The folder to make; None makes one in `beside` that is named by scope and weights.
        beside: Where it is made without `out`.
        scope: pages or drawings.
        about: More to keep in config.json: seed, where the labels are from, versions.
    """
    weights = save_safetensors(
        {name: tensor.contiguous() for name, tensor in trained.network.state_dict().items()}
    )
    version = _digest(weights)
    out = out or beside / f"encoder-{scope}-{version}"
    require_new(out)
    config = {
        "model_type": MODEL_TYPE,
        "id": f"efficientnet-lite0-{scope}",
        "version": version,
        "scope": scope,
        "classes": trained.classes,
        "rows": trained.rows,
        "left_out": trained.left_out,
        "held_out_right_before": round(trained.before, 4),
        "held_out_right_after": round(trained.after, 4),
        "held_out_right_by_head": round(trained.head_right, 4),
        "epochs": trained.epochs,
        "stopped_because": trained.stopped_because,
    } | about
    head = save_safetensors({name: tensor.contiguous() for name, tensor in trained.head.state_dict().items()})
    try:
        out.parent.mkdir(parents=True, exist_ok=True)
        building = Path(tempfile.mkdtemp(prefix=f".{out.name}-", dir=out.parent))
        try:
            _write(building / WEIGHTS, weights)
            _write(building / "head.safetensors", head)
            _write(building / CONFIG, (json.dumps(config, indent=2) + "\n").encode())
            building.chmod(0o755)
            os.rename(building, out)
        finally:
            shutil.rmtree(building, ignore_errors=True)
    except OSError as error:
        raise EmbeddingError(
            f"The encoder cannot be written to {out} ({error.strerror}). Check the disk and the folder's permissions."
        ) from error
    return out


def require_new(folder: Path) -> None:
    """Raise EmbeddingError where a folder is there already: rows would stand under the name of another encoder."""
    if folder.exists():
        raise EmbeddingError(
            f"{folder} is there already. Name another folder with --out: vectors that were made with the encoder in "
            "this one belong to it."
        )


def _write(file: Path, data: bytes) -> None:
    with file.open("wb") as stream:
        stream.write(data)
        stream.flush()
        os.fsync(stream.fileno())


def _digest(weights: bytes) -> str:
    return hashlib.sha256(weights).hexdigest()[:12]


def _read_config(folder: Path) -> dict[str, Any]:
    try:
        config = json.loads((folder / CONFIG).read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise EmbeddingError(
            f"{folder / CONFIG} cannot be read ({error}). Make the encoder again."
        ) from error
    if not isinstance(config, dict):
        raise EmbeddingError(f"{folder / CONFIG} holds no encoder's config. Make the encoder again.")
    return config

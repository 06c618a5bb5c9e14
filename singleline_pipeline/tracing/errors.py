"""The one exception of this package."""


class TraceError(ValueError):
    """A page cannot be traced. The message says what is wrong with the image and what to pass instead."""

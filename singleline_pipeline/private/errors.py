"""The exception of this package."""


class PrivateError(ValueError):
    """A page cannot be made private, or be one like any other again. The message says why, and what to do."""

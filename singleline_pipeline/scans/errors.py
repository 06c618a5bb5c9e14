"""The one exception of this package."""


class PageError(ValueError):
    """A sketchbook, or a page of it, cannot be read. The message says which one, why, and what to do."""

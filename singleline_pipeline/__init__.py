"""From a shelf of scanned sketchbooks to a model that draws like the artist."""

__version__ = "0.1.0"

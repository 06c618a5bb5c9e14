"""What can be wrong with a comparison, in words that say what to do."""


class ComparisonError(ValueError):
    """The models cannot be compared; the message says why, and what to do."""

"""What can be wrong with the lake, in words for the person at the keyboard."""


class LakeError(ValueError):
    """A table cannot be written or read as its schema wants it; the message names file, column, remedy."""


class MissingTableError(LakeError):
    """A table that is needed has not been materialized yet."""

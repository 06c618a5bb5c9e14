"""What can be wrong with an export, in words for the person at the keyboard."""


class ExportError(ValueError):
    """Something cannot be exported; the message says what, why, and what to do."""

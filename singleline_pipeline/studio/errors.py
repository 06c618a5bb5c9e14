"""The exceptions of this package."""


class StudioError(ValueError):
    """The studio cannot be started as it was asked to. The message says why, and what to do."""


class RequestError(StudioError):
    """A request that is refused: an HTTP status of the 400s, and a sentence that says what would be right."""

    def __init__(self, message: str, *, status: int = 400) -> None:
        super().__init__(message)
        self.status = status

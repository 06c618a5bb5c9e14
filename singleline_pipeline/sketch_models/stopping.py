"""Stopping on request: a signal that comes while a training runs is answered between two steps."""

from __future__ import annotations

import signal
import threading
from types import FrameType, TracebackType
from typing import Any

_SIGNALS = (signal.SIGINT, signal.SIGTERM)


class StopRequest:
    """SIGINT and SIGTERM within a block: the first is noted, and handed on to whom it was meant for after it.

    Ctrl-C, a terminated Dagster run and a batch system's end of time all come as one of them. A second signal goes
    straight through, for who cannot wait for the step that is under way. Only the main thread gets signals: in
    another one nothing is noted, and nothing is changed.
    """

    def __init__(self) -> None:
        self.signal: signal.Signals | None = None
        self._handlers: dict[signal.Signals, Any] = {}

    def __enter__(self) -> StopRequest:
        if threading.current_thread() is threading.main_thread():
            for number in _SIGNALS:
                handler = signal.getsignal(number)
                # Ignored: a job in the background of a shell that is not to be stopped from the keyboard.
                if handler not in (None, signal.SIG_IGN):
                    self._handlers[number] = handler
                    signal.signal(number, self._note)
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._restore()

    def _note(self, number: int, frame: FrameType | None) -> None:
        self.signal = signal.Signals(number)
        self._restore()

    def _restore(self) -> None:
        while self._handlers:
            number, handler = self._handlers.popitem()
            signal.signal(number, handler)

    def hand_on(self) -> None:
        """Answer the signal that was noted as it would have been without us: usually this does not return."""
        if self.signal is not None:
            signal.raise_signal(self.signal)

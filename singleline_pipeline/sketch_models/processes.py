"""The processes that train one model together, as `accelerate launch` starts them, and what they agree on."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TypeVar

import torch
from torch import distributed

Value = TypeVar("Value")


class Processes:
    """The processes of a training. A training of one process agrees with itself and waits for nobody.

    Every method is called by all of them, in the same order. Whatever decides how a training goes on passes through
    here: processes that decide differently wait for each other for ever.
    """

    def __init__(self, device: torch.device) -> None:
        together = distributed.is_available() and distributed.is_initialized()
        self.device = device
        self.count = distributed.get_world_size() if together else 1
        self.rank = distributed.get_rank() if together else 0

    @property
    def is_main(self) -> bool:
        """Whether this is the process that writes."""
        return self.rank == 0

    def largest(self, value: float) -> float:
        """The largest of all processes' values."""
        if self.count == 1:
            return value
        shared = torch.tensor(value, dtype=torch.float64, device=self.device)
        distributed.all_reduce(shared, distributed.ReduceOp.MAX)
        return float(shared)

    def total(self, values: Sequence[float]) -> list[float]:
        """Each of the values summed over the processes."""
        if self.count == 1:
            return list(values)
        shared = torch.tensor(values, dtype=torch.float64, device=self.device)
        distributed.all_reduce(shared)
        return shared.tolist()

    def from_main(self, value: Value) -> Value:
        """The main process's value."""
        if self.count == 1:
            return value
        shared = [value]
        distributed.broadcast_object_list(shared, src=0, device=self.device)
        return shared[0]

    def gathered(self, values: list[int]) -> list[int]:
        """The values of all processes, one process after the other."""
        if self.count == 1:
            return values
        shared: list[list[int]] = [[] for _ in range(self.count)]
        distributed.all_gather_object(shared, values)
        return [value for part in shared for value in part]

    def wait(self) -> None:
        """Go on when all have come this far."""
        if self.count > 1:
            distributed.barrier()

"""The processes that `accelerate launch` starts for one command. Alone, a process is a group of one.

Only the process of rank 0 prints and writes files. All processes need the same folders: one machine, or a shared disk.
"""

from __future__ import annotations

import os
import sys
import time
import traceback
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager, nullcontext
from dataclasses import dataclass
from datetime import timedelta
from typing import Any, TypeVar

import torch
from torch import Tensor, nn

from engine.watch import Watch, read_port

T = TypeVar("T")
# Rank 0 may read pictures for hours while the others wait. A process that ends is noticed by engine.watch.
TIMEOUT = timedelta(days=7)
GRACE = 2.0  # seconds in which the watch says why an exchange failed, before its own traceback would


@dataclass(frozen=True)
class Group:
    """The processes of this command: `size` of them. This one has the number `rank`."""

    rank: int = 0
    size: int = 1
    accelerator: Any = None  # accelerate.Accelerator; None: alone
    shards: bool = False  # FSDP: each process holds a piece of every weight, its gradient, moments and average

    @property
    def is_first(self) -> bool:
        return self.rank == 0

    def share(self, items: Sequence[T]) -> Sequence[T]:
        """Every `size`-th of the items: those that are this process's work."""
        return items[self.rank :: self.size]

    def wrap(self, module: nn.Module, layers: Iterable[nn.Module] = ()) -> nn.Module:
        """The module for forward passes. Its gradients are averaged over all processes, by DDP or FSDP.

        FSDP collects the weights of each of its `layers` when a pass gets there, and all others at the beginning.
        """
        if self.shards:
            self.shard(*layers, module)
            return module
        return module if self.size == 1 else self.accelerator.prepare_model(module)  # type: ignore[no-any-return]

    def shard(self, *modules: nn.Module) -> None:
        """Leave each process its piece of the weights, where the group shards. Inner modules come first."""
        if not self.shards:
            return
        from torch.distributed.device_mesh import init_device_mesh
        from torch.distributed.fsdp import fully_shard

        mesh = init_device_mesh(self.accelerator.device.type, (self.size,))
        for one in modules:
            fully_shard(one, mesh=mesh)

    def whole(self, tensor: Tensor) -> Tensor:
        """The whole of a tensor, which all processes ask for together where the group shards."""
        return tensor.full_tensor() if hasattr(tensor, "full_tensor") else tensor  # type: ignore[no-any-return]

    def lay_out(self, tensor: Tensor, weight: Tensor) -> Tensor:
        """A whole tensor as the weight of its shape lies: in memory, and in pieces."""
        if not self.shards:
            return torch.empty_like(weight).copy_(tensor)
        from torch.distributed.tensor import DTensor, distribute_tensor

        assert isinstance(weight, DTensor)
        return distribute_tensor(tensor.to(weight.device), weight.device_mesh, weight.placements)

    def no_sync(self, module: nn.Module) -> AbstractContextManager[Any]:
        """Inside the block gradients of a wrapped module are only accumulated."""
        if self.shards:
            return _no_gradient_sync(module)
        return nullcontext() if self.size == 1 else module.no_sync()  # type: ignore[operator, no-any-return]

    def sum(self, values: Sequence[float]) -> list[float]:
        """The sum of each value over all processes."""
        if self.size == 1:
            return list(values)
        total = torch.tensor(list(values), dtype=torch.float64, device=self.accelerator.device)
        torch.distributed.all_reduce(total)
        return total.tolist()

    def concat(self, rows: Tensor) -> Tensor:
        """(size * B, ...): the rows (B, ...) of all processes, by rank. Without gradients."""
        if self.size == 1:
            return rows
        parts = [torch.empty_like(rows) for _ in range(self.size)]
        torch.distributed.all_gather(parts, rows.contiguous())
        return torch.cat(parts)

    def gather(self, value: T) -> list[T]:
        """The value of each process, by rank."""
        if self.size == 1:
            return [value]
        values: list[Any] = [None] * self.size
        torch.distributed.all_gather_object(values, value)
        return values

    def wait(self) -> None:
        """Wait until all processes are here."""
        self.gather(None)

    def first(self, value: T) -> T:
        """The value that rank 0 gave."""
        return self.gather(value)[0]

    def first_then_others(self, call: Callable[[], T]) -> T:
        """Call on rank 0, then on all others: they find on disk what it has stored there."""
        if self.is_first:
            result = call()
            self.wait()
        else:
            self.wait()
            result = call()
        return result


ALONE = Group()


@contextmanager
def _no_gradient_sync(module: Any) -> Iterator[None]:
    """What DDP calls no_sync, for a module of FSDP."""
    module.set_requires_gradient_sync(False)
    yield
    module.set_requires_gradient_sync(True)


@contextmanager
def join_group(device: torch.device) -> Iterator[Group]:
    """The group of this command. If one of its processes ends early, the others end within 30 s, with one line.

    ValueError if the package accelerate is missing, or if it is to use DeepSpeed or Megatron. OSError if the processes
    do not reach each other.
    """
    size, rank = int(os.environ.get("WORLD_SIZE", 1)), launched_rank()
    if size == 1:
        yield ALONE
        return
    port = read_port()
    group = Group(rank, size, _open_accelerator(device, size), _is_asked("FSDP"))
    watch = Watch.begin(rank, size, group.first, port)
    try:
        yield group
        group.wait()
    except BaseException as error:
        if isinstance(error, RuntimeError) or not group.is_first:
            time.sleep(GRACE)
        watch.fail()
        if isinstance(error, Exception) and not group.is_first:  # its own error: rank 0 says what all have in common
            os.write(2, f"rank {rank}: {''.join(traceback.format_exception_only(error))}".encode())
        raise
    watch.end()
    torch.distributed.destroy_process_group()


def launched_rank() -> int:
    """The rank that the launcher gave to this process."""
    return int(os.environ.get("RANK", 0))


def let_first_speak() -> None:
    """Only rank 0 prints: what the others print goes nowhere. `join_group` says errors that only they have."""
    if launched_rank():
        sys.stdout = sys.stderr = open(os.devnull, "w")  # noqa: SIM115


def _is_asked(plugin: str) -> bool:
    """Whether the launcher was told to use this plugin of Accelerate's."""
    return os.environ.get(f"ACCELERATE_USE_{plugin}") == "true"


def _open_accelerator(device: torch.device, size: int) -> Any:
    """DDP changes the order of gradients after the first iteration, also after that of a resumed run.

    Sums of three or more would then have other bits. With `find_unused_parameters` it keeps its first order.
    """
    if _is_asked("DEEPSPEED") or _is_asked("MEGATRON_LM"):
        raise ValueError("DeepSpeed and Megatron are not used here: accelerate launch --multi_gpu, or --use_fsdp")
    try:
        from accelerate import Accelerator, DistributedDataParallelKwargs, InitProcessGroupKwargs
    except ImportError as error:
        raise ValueError("several processes need the package accelerate: pip install -e '.[scale]'") from error
    threads = torch.get_num_threads()
    handlers = [
        DistributedDataParallelKwargs(find_unused_parameters=size > 2),
        InitProcessGroupKwargs(timeout=TIMEOUT),
    ]
    accelerator = Accelerator(cpu=device.type == "cpu", mixed_precision="no", kwargs_handlers=handlers)
    torch.set_num_threads(threads)  # Accelerator sets a number of its own
    return accelerator

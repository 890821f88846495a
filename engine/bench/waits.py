"""Counts how often the host waits for a device: CUDA says it itself; on a CPU a stand-in for a device counts.

The stand-in holds CPU tensors and calls itself torch's "meta" device. It shows what a device would be asked, not how
fast it would answer.
"""

from __future__ import annotations

import warnings
from collections import Counter
from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor, nn
from torch.overrides import TorchFunctionMode
from torch.utils._python_dispatch import TorchDispatchMode
from torch.utils._pytree import tree_iter, tree_map_only

STAND_IN = torch.device("meta")
COPIES = ("_to_copy", "copy_")
# Operators whose result, or the size of it, the host has to know
ASKING = ("_local_scalar_dense", "equal", "nonzero", "masked_select", "unique_dim", "_unique2", "bincount")
INDEXED = ("index", "index_put", "index_put_", "_index_put_impl_")  # with a mask they look for what is true


class OnDevice(Tensor):
    """A tensor on the stand-in. `held` is the CPU tensor behind it."""

    held: Tensor

    @staticmethod
    def __new__(cls, held: Tensor) -> OnDevice:
        layout: dict[str, Any] = {
            "strides": held.stride(),
            "storage_offset": held.storage_offset(),
            "dtype": held.dtype,
        }
        out: OnDevice = Tensor._make_wrapper_subclass(cls, held.shape, device=STAND_IN, **layout)  # type: ignore[attr-defined]
        out.held = held
        return out

    @classmethod
    def __torch_dispatch__(  # type: ignore[override]
        cls, func: Any, types: Any, args: Any = (), kwargs: Any = None
    ) -> Any:
        raise RuntimeError(f"{func} outside CountWaits")


class _Literals(TorchFunctionMode):
    """Makes torch.tensor(..., device=STAND_IN) a copy from the CPU. torch makes it by no operator."""

    def __torch_function__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        kwargs = dict(kwargs or {})
        if func is torch.tensor and kwargs.get("device") == STAND_IN:
            return func(*args, **{**kwargs, "device": "cpu"}).to(STAND_IN)
        return func(*args, **kwargs)


class CountWaits(TorchDispatchMode):
    """Within it, tensors can be made on STAND_IN and moved there. `waits` counts operators that would wait, by name."""

    def __init__(self) -> None:
        super().__init__()
        self.waits: Counter[str] = Counter()
        self.literals = _Literals()

    def __enter__(self) -> CountWaits:
        self.literals.__enter__()
        super().__enter__()
        return self

    def __exit__(self, *error: Any) -> None:
        super().__exit__(*error)
        self.literals.__exit__(*error)

    def __torch_dispatch__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        kwargs = dict(kwargs or {})
        name = func._schema.name.removeprefix("aten::")
        given = [x for x in tree_iter((args, kwargs)) if isinstance(x, Tensor)]
        on_device = [x for x in given if isinstance(x, OnDevice)]
        asked = kwargs.get("device")
        stays = bool(on_device) if asked is None else torch.device(asked) == STAND_IN
        if asked is not None and stays:
            kwargs["device"] = torch.device("cpu")
        elsewhere = [x for x in given if not isinstance(x, OnDevice) and x.dim() > 0]
        crosses = name in COPIES and (bool(on_device) != stays or (bool(on_device) and bool(elsewhere)))
        if self._waits(name, given, on_device, crosses, bool(kwargs.get("non_blocking")) and stays):
            self.waits[name] += 1
        elif on_device and elsewhere and not crosses:
            raise RuntimeError(f"{name}: tensors on two devices")
        args, kwargs = tree_map_only(OnDevice, lambda x: x.held, (args, kwargs))
        result = func(*args, **kwargs)
        if not stays:
            return result
        mine = {id(x.held): x for x in on_device}  # an operator in place returns its argument
        return tree_map_only(Tensor, lambda x: mine[id(x)] if id(x) in mine else OnDevice(x), result)

    @staticmethod
    def _waits(name: str, given: list[Tensor], on_device: list[OnDevice], crosses: bool, queued: bool) -> bool:
        if crosses:
            return not queued  # to the device it can be queued, from there somebody wants to read it
        if not on_device:
            return False
        return name in ASKING or (name in INDEXED and any(x.dtype == torch.bool for x in given[1:]))

    def move(self, model: nn.Module) -> nn.Module:
        """The same module with its parameters and buffers on the stand-in."""
        for module in model.modules():
            for key, value in module._parameters.items():
                if value is not None:
                    module._parameters[key] = nn.Parameter(OnDevice(value.detach()), requires_grad=False)
            for key, buffer in module._buffers.items():
                if buffer is not None:
                    module._buffers[key] = OnDevice(buffer)
        return model


def cuda_waits(work: Callable[[], object]) -> int:
    """How often `work` waits for CUDA, as torch says."""
    torch.cuda.synchronize()
    before = torch.cuda.get_sync_debug_mode()
    with warnings.catch_warnings(record=True) as said:
        warnings.simplefilter("always")
        torch.cuda.set_sync_debug_mode("warn")
        try:
            work()
        finally:
            torch.cuda.set_sync_debug_mode(before)
    return sum("synchronizing" in str(one.message) for one in said)

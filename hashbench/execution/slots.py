"""Slots: how many trials run at once, on which GPU each, with how many threads and how much memory."""

import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypedDict

from hashbench.errors import UsageError
from hashbench.util.numbers import byte_size, whole_number
from hashbench.util.threads import usable_cores

MOST_SLOTS = 1024
VISIBLE = "CUDA_VISIBLE_DEVICES"


class SlotOptions(TypedDict, total=False):
    """Options on slots, as on the command line.

    jobs: trials at once on the CPU, whose cores they divide.
    gpus: GPUs that run trials at once, "0,1" or "all".
    per_gpu: trials at once on each of them.
    threads: of each trial.
    memory: of the host, that a trial may take, "8G".
    """

    jobs: int | None
    gpus: Sequence[int] | str | None
    per_gpu: int | None
    threads: int | None
    memory: str | int | None


@dataclass(frozen=True)
class Slot:
    """A place for one trial at a time.

    Attributes:
        gpu: the GPU that its process sees, as CUDA_VISIBLE_DEVICES names it; None: those that the run sees.
        threads: of torch, BLAS and the kernels; None: as many as they take by themselves.
    """

    gpu: str | None = None
    threads: int | None = None

    def environment(self) -> Mapping[str, str]:
        """Variables of its processes."""
        variables = {} if self.gpu is None else {VISIBLE: self.gpu}
        return variables if self.threads is None else {**variables, "OMP_NUM_THREADS": str(self.threads)}


def slot_options(given: Mapping[str, Any]) -> SlotOptions:
    """Those of the options that are about slots."""
    return {name: given[name] for name in SlotOptions.__annotations__ if given.get(name) is not None}  # type: ignore[return-value]


def make_slots(options: SlotOptions, device: str) -> tuple[Slot, ...]:
    """The slots that the options ask for; without any, one.

    Several share the cores unless the options say how many threads each has.

    Args:
        options: what was given.
        device: of the trials, as in :func:`hashbench.util.device.pick_device`.

    Raises:
        UsageError: a number out of range, a GPU that is not here, or options that exclude each other.
    """
    jobs, gpus, per_gpu = options.get("jobs"), options.get("gpus"), options.get("per_gpu")
    threads = options.get("threads")
    if threads is not None:
        threads = whole_number("threads", threads, 1, MOST_SLOTS)
    if gpus is None and per_gpu is not None:
        raise UsageError(f"per-gpu is {per_gpu} and no GPUs are named; name some with --gpus 0,1 or --gpus all")
    if gpus is None:
        places: list[str | None] = [None] * (1 if jobs is None else whole_number("jobs", jobs, 1, MOST_SLOTS))
    else:
        if jobs is not None:
            raise UsageError(f"jobs is {jobs}, which counts trials on the CPU; with --gpus name --per-gpu instead")
        if device.partition(":")[0] not in ("auto", "cuda") or ":" in device:
            raise UsageError(f"device is {device!r} and --gpus names GPUs; leave one of them out")
        each = 1 if per_gpu is None else whole_number("per-gpu", per_gpu, 1, MOST_SLOTS)
        places = [gpu for gpu in _named_gpus(gpus) for _ in range(each)]
    if threads is None and len(places) > 1:
        import torch  # which the watcher of a trial on another machine goes without

        threads = max(1, min(torch.get_num_threads(), usable_cores() // len(places)))
    return tuple(Slot(gpu, threads) for gpu in places)


def memory_limit(given: str | int | None) -> int | None:
    """The memory that a trial may take, in bytes; None for no limit.

    Raises:
        UsageError: it is no size, or this system does not say how much a process takes.
    """
    if given is None:
        return None
    limit = byte_size("memory", given)
    if not Path("/proc/self/smaps_rollup").exists():
        raise UsageError("--memory needs Linux's /proc, which says how much a process takes; leave it out here")
    return limit


def _named_gpus(given: Sequence[int] | str) -> list[str]:
    """The GPUs by the names that CUDA_VISIBLE_DEVICES takes."""
    here = _visible_gpus()
    words = [word.strip() for word in given.split(",")] if isinstance(given, str) else [str(one) for one in given]
    if words == ["all"]:
        words = [str(number) for number in range(len(here))] or ["all"]
    for word in words:
        if not (word.isascii() and word.isdigit() and int(word) < len(here)):
            have = f"the GPUs 0 to {len(here) - 1}" if here else "no GPU"
            raise UsageError(f"gpus has {word!r}, this machine has {have}; leave it out, or name --gpus all")
    return list(dict.fromkeys(here[int(word)] for word in words))


def _visible_gpus() -> list[str]:
    """Names of the GPUs that this process sees, in torch's order: what the user named, else their UUIDs."""
    import torch

    count = torch.cuda.device_count()
    named = [word.strip() for word in os.environ.get(VISIBLE, "").split(",") if word.strip()]
    if len(named) >= count > 0:
        return named[:count]
    return [f"GPU-{torch.cuda.get_device_properties(number).uuid}" for number in range(count)]

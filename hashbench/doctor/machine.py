"""Processor, compiled kernels, threads, GPU: what computes here, and whether it does."""

import os
from collections.abc import Iterator

import torch

from hashbench.doctor.finding import Finding
from hashbench.records.environment import hardware
from hashbench.search import numba_cache
from hashbench.search.dispatch import backend_for
from hashbench.search.matmul import MatmulBackend
from hashbench.util.device import training_dtype

CPU = torch.device("cpu")


def machine() -> Iterator[Finding]:
    """A line on each part of the machine."""
    facts = hardware("cpu", torch.get_num_threads())
    bfloat16 = "" if training_dtype(CPU) == torch.bfloat16 else "no "
    yield Finding(
        "processor",
        "fine",
        f"{facts['cpu']}, {torch.backends.cpu.get_cpu_capability()}, {bfloat16}instructions for bfloat16",
    )
    yield _threads(facts["cores"])
    yield kernels()
    yield from _gpu(facts)


def _threads(cores: int) -> Finding:
    threads, policy = torch.get_num_threads(), os.environ.get("OMP_WAIT_POLICY", "not set")
    named = os.environ.get("OMP_NUM_THREADS", "not set")
    words = f"{threads} of {cores} usable cores; OMP_NUM_THREADS {named}, OMP_WAIT_POLICY {policy}"
    if threads > cores:
        return Finding("threads", "note", words, f"export OMP_NUM_THREADS={cores}: more threads than cores are slower")
    return Finding("threads", "fine", words)


def kernels() -> Finding:
    """Whether the compiled kernels count as torch does; torch serves where they do not."""
    if not isinstance(backend_for(CPU, "histograms"), MatmulBackend):
        return Finding("kernels", "fine", f"{numba_cache.name()}: compiled, and their integers are those of torch")
    why = numba_cache.problem() or "they do not compile, or differ from torch"
    return Finding("kernels", "note", f"torch counts distances, several times slower ({why})", "pip install -U numba")


def _gpu(facts: dict[str, object]) -> Iterator[Finding]:
    names = facts["gpus"]
    if not torch.cuda.is_available():
        if names:
            way_out = "install a build of torch for CUDA that the driver serves, or say --device cpu"
            yield Finding("GPU", "note", f"{names}, driver {facts['driver']}; torch does not see it", way_out)
        else:
            yield Finding("GPU", "fine", "none; runs use the CPU")
        return
    for index in range(torch.cuda.device_count()):
        name = torch.cuda.get_device_name(index)
        try:
            ones = torch.ones(64, 64, device=f"cuda:{index}")
            works = bool((ones @ ones == ones.shape[0]).all().item())
        except RuntimeError as error:
            works, name = False, f"{name}: {str(error).partition(chr(10))[0]}"
        if works:
            yield Finding("GPU", "fine", f"{name}, driver {facts['driver']}; a small product is right")
        else:
            yield Finding("GPU", "fault", f"{name} does not compute", "say --device cpu, or mend driver and torch")

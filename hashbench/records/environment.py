"""Facts about the environment: hardware, versions, threads, determinism, git, memory."""

import hashlib
import importlib.metadata
import json
import os
import platform
import resource
import subprocess
import sys
from contextlib import suppress
from functools import cache
from pathlib import Path
from typing import Any

import torch

from hashbench.util.device import determinism
from hashbench.util.threads import usable_cores
from hashbench.version import __version__

PACKAGES = ("torch", "torchvision", "numpy", "scipy", "scikit-learn", "safetensors", "pillow")
EXTRAS = ("timm",)  # recorded if installed
CLEAR_REFS, STATUS = Path("/proc/self/clear_refs"), Path("/proc/self/status")


@cache
def hardware(device: str, threads: int) -> dict[str, Any]:
    """CPU, usable cores, threads, GPUs with driver, device; and an id of all of them.

    Rates are compared only within one id. Does not initialise a GPU.
    """
    gpus, driver = _gpus_and_driver()
    machine = {"cpu": _cpu(), "cores": usable_cores(), "gpus": gpus, "driver": driver}
    facts: dict[str, Any] = {**machine, "device": device, "threads": threads}
    return {"id": hashlib.sha256(json.dumps(facts).encode()).hexdigest()[:12], **facts}


def environment(device: str) -> dict[str, Any]:
    """A record's facts about machine and libraries; ``device`` is the trial's device."""
    versions = {name: importlib.metadata.version(name) for name in PACKAGES}
    versions |= {name: version for name in EXTRAS if (version := _version_if_installed(name))}
    return {
        "hardware": hardware(device, torch.get_num_threads()),
        "platform": platform.platform(),
        "versions": {"python": platform.python_version(), "hashbench": __version__, **versions},
        "threads": {"torch": torch.get_num_threads(), "OMP_NUM_THREADS": os.environ.get("OMP_NUM_THREADS")},
        "determinism": determinism(),
    }


def start_peak_memory(device: torch.device) -> None:
    """Reset the peaks, where the system lets a process do so (Linux; a GPU's always)."""
    with suppress(OSError):
        CLEAR_REFS.write_text("5")
    if device.type == "cuda":
        # A process that has not used its GPU has no statistics, and torch refuses to reset them.
        torch.cuda.init()  # type: ignore[no-untyped-call]
        torch.cuda.reset_peak_memory_stats(device)


def peak_memory(device: torch.device) -> dict[str, int | None]:
    """Largest resident size of this process and of its tensors on ``device`` since :func:`start_peak_memory`, bytes."""
    on_device = torch.cuda.max_memory_allocated(device) if device.type == "cuda" else None
    return {"host_peak_bytes": _host_peak_bytes(), "device_peak_bytes": on_device}


def device_memory(device: torch.device) -> int:
    """Bytes that this process has taken of the memory of a GPU; 0 on other devices."""
    return torch.cuda.memory_reserved(device) if device.type == "cuda" else 0


def _host_peak_bytes() -> int:
    if STATUS.exists():
        line = next(line for line in STATUS.read_text().splitlines() if line.startswith("VmHWM:"))
        return int(line.split()[1]) * 1024
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return peak if sys.platform == "darwin" else peak * 1024


def _version_if_installed(package: str) -> str | None:
    try:
        return importlib.metadata.version(package)
    except importlib.metadata.PackageNotFoundError:
        return None


@cache
def git_state() -> dict[str, Any]:
    """Commit and dirty flag of the checkout that hashbench is imported from; both None for an installed package."""
    folder = Path(__file__).resolve().parents[2]
    if not (folder / ".git").exists():
        return {"git_commit": None, "git_dirty": None}
    commit = _output(["git", "-C", str(folder), "rev-parse", "HEAD"])
    dirty = _output(["git", "-C", str(folder), "status", "--porcelain", "--untracked-files=no"])
    return {"git_commit": commit or None, "git_dirty": None if dirty is None else bool(dirty)}


def _output(command: list[str]) -> str | None:
    try:
        done = subprocess.run(command, capture_output=True, text=True, timeout=20, check=True)  # noqa: S603 - fixed words
    except (OSError, subprocess.SubprocessError):
        return None
    return done.stdout.strip()


def _cpu() -> str:
    cpuinfo = Path("/proc/cpuinfo")
    if cpuinfo.exists():
        for line in cpuinfo.read_text().splitlines():
            if line.startswith("model name"):
                return line.partition(":")[2].strip()
    return platform.processor() or platform.machine()


@cache
def _gpus_and_driver() -> tuple[list[str], str | None]:
    """Names of the GPUs and the driver's version, by nvidia-smi."""
    listed = _output(["nvidia-smi", "--query-gpu=name,driver_version", "--format=csv,noheader"])
    rows = [line.split(", ") for line in (listed or "").splitlines() if ", " in line]
    return [row[0] for row in rows], rows[0][1] if rows else None

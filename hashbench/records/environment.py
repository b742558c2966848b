"""Facts about the environment: hardware, versions, threads, determinism, git, memory."""

import hashlib
import importlib.metadata
import json
import os
import platform
import resource
import subprocess
import sys
from functools import cache
from pathlib import Path
from typing import Any

import torch

from hashbench.util.threads import usable_cores
from hashbench.version import __version__

PACKAGES = ("torch", "torchvision", "numpy", "scipy", "scikit-learn", "safetensors", "pillow")
EXTRAS = ("timm",)  # recorded if installed


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
        "determinism": {
            "deterministic_algorithms": torch.are_deterministic_algorithms_enabled(),
            "cudnn_benchmark": torch.backends.cudnn.benchmark,
            "cudnn_tf32": torch.backends.cudnn.allow_tf32,
            "cuda_matmul_tf32": torch.backends.cuda.matmul.allow_tf32,
        },
    }


def host_peak_bytes() -> int:
    """Largest resident size of this process so far."""
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

"""Which device a run uses."""

import torch

from hashbench.errors import UsageError


def pick_device(name: str) -> torch.device:
    """The device of that name: auto is the first GPU, else the CPU; the rest as torch calls it (cpu, cuda, cuda:1).

    Raises:
        UsageError: no such device on this machine.
    """
    if name == "auto":
        return torch.device("cuda" if torch.cuda.is_available() else "cpu")
    try:
        device = torch.device(name)
    except RuntimeError:
        raise UsageError(f"device {name!r} is not a device (auto, cpu, cuda, cuda:1, ...)") from None
    if device.type == "cuda" and (device.index or 0) >= torch.cuda.device_count():
        raise UsageError(f"device {name!r} is not here: this machine has {torch.cuda.device_count()} GPUs; use cpu")
    return device

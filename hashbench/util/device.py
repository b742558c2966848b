"""Picks a run's device and the dtype of training on it, and makes GPU results repeatable."""

from collections.abc import Iterator
from contextlib import contextmanager

import torch
from torch import Tensor

from hashbench.errors import UsageError

HELD_SHARE, BATCH_SHARE = 3, 16  # parts of a GPU's free memory, and of all of it, of which one is taken


def pick_device(name: str) -> torch.device:
    """The device of that name: for "auto" the first GPU, else the CPU; others as torch names them (cpu, cuda:1).

    Raises:
        UsageError: no such device on this machine, or one of a kind that nothing here runs on (mps has no float64).
    """
    if name == "auto":
        return torch.device("cuda" if torch.cuda.is_available() else "cpu")
    try:
        device = torch.device(name)
        known = device.type == "cuda" or name == "cpu"
    except RuntimeError:
        known = False
    if not known:
        raise UsageError(f"device {name!r} is none that hashbench runs on (auto, cpu, cuda, cuda:1, ...)")
    if device.type == "cuda" and (device.index or 0) >= torch.cuda.device_count():
        raise UsageError(f"device {name!r} is not here: this machine has {torch.cuda.device_count()} GPUs; use cpu")
    return device


def training_dtype(device: torch.device) -> torch.dtype:
    """The dtype that networks train in: bfloat16 if the device has instructions for it, else float32."""
    if device.type == "cuda":
        with torch.cuda.device(device):
            native = torch.cuda.is_bf16_supported(including_emulation=False)
    else:
        native = device.type == "cpu" and bool(torch.cpu._is_avx512_bf16_supported())
    return torch.bfloat16 if native else torch.float32


def network_dtype(precision: object) -> torch.dtype:
    """What networks train in by a method's parameter "precision": bfloat16 where it says so, else float32."""
    return torch.bfloat16 if precision == "bfloat16" else torch.float32


def free_bytes(device: torch.device) -> int:
    """Bytes of a GPU's memory that nobody uses: what its driver has free, and what torch keeps in reserve."""
    free, _ = torch.cuda.mem_get_info(device)
    return int(free) + torch.cuda.memory_reserved(device) - torch.cuda.memory_allocated(device)


def held_bytes(device: torch.device, elsewhere: int) -> int:
    """How large a tensor of a training set may be that lies on the device through a training.

    Args:
        device: where it would lie; of a GPU a third of what is free now, so that a network has room beside it.
        elsewhere: the limit on a CPU, and on devices that do not say what they have free.
    """
    return free_bytes(device) // HELD_SHARE if device.type == "cuda" else elsewhere


def batch_items(device: torch.device, most: int, bytes_each: int) -> int:
    """How many items a GPU's memory has room for at a time, 1 to ``most``: they take a sixteenth of all of it.

    Not of what is free, which differs from run to run: sums over batches of another size may end in other digits.

    Args:
        device: a GPU; of others ``most``.
        most: the number beyond which more at a time are no faster.
        bytes_each: of an item, with all that is computed of it meanwhile.
    """
    if device.type != "cuda":
        return most
    _, everything = torch.cuda.mem_get_info(device)
    return max(1, min(most, int(everything) // BATCH_SHARE // bytes_each))


def uploaded(batch: Tensor, device: torch.device) -> Tensor:
    """A batch on ``device``; to a GPU it is copied from pinned memory, so that this thread does not wait for the copy.

    For batches only: torch keeps pinned memory for the next one.
    """
    if device.type != "cuda" or batch.device.type != "cpu":
        return batch.to(device)
    return batch.pin_memory().to(device, non_blocking=True)


def determinism() -> dict[str, bool]:
    """The switches of torch that decide whether and how exactly a computation can be repeated, as they are now."""
    return {
        "deterministic_algorithms": torch.are_deterministic_algorithms_enabled(),
        "cudnn_benchmark": torch.backends.cudnn.benchmark,
        "cudnn_deterministic": torch.backends.cudnn.deterministic,
        "cudnn_tf32": torch.backends.cudnn.allow_tf32,
        "cuda_matmul_tf32": torch.backends.cuda.matmul.allow_tf32,
    }


@contextmanager
def repeatable() -> Iterator[None]:
    """Inside, a GPU computes float32 without TF32, and cuDNN's convolutions are deterministic."""
    cudnn, matmul = torch.backends.cudnn, torch.backends.cuda.matmul
    before = cudnn.allow_tf32, cudnn.deterministic, matmul.allow_tf32
    cudnn.allow_tf32, cudnn.deterministic, matmul.allow_tf32 = False, True, False
    try:
        yield
    finally:
        cudnn.allow_tf32, cudnn.deterministic, matmul.allow_tf32 = before


def out_of_memory(error: BaseException) -> bool:
    """Whether memory ran out: of the GPU, of Python, or of torch's CPU allocator, which has no error of its own."""
    return isinstance(error, (MemoryError, torch.OutOfMemoryError)) or "can't allocate memory" in str(error)

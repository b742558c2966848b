"""How much of a device's memory may be taken."""

import pytest
import torch

from hashbench.data.images import image_batch
from hashbench.errors import UsageError
from hashbench.evaluation.score_blocks import _sizes
from hashbench.execution.training_data import feature_batch
from hashbench.util.device import batch_items, free_bytes, held_bytes, pick_device, uploaded

CPU, GPU = torch.device("cpu"), torch.device("cuda:0")


@pytest.fixture
def gpu(monkeypatch: pytest.MonkeyPatch) -> None:
    """A GPU of 10,000 bytes: 3,000 free, 2,000 in torch's reserve of which 500 are used."""
    monkeypatch.setattr(torch.cuda, "mem_get_info", lambda _: (3_000, 10_000))
    monkeypatch.setattr(torch.cuda, "memory_reserved", lambda _: 2_000)
    monkeypatch.setattr(torch.cuda, "memory_allocated", lambda _: 500)


@pytest.mark.parametrize("name", ["mps", "xpu", "meta", "hip", "cpu:3", "tpu", ""])
def test_devices_that_nothing_here_runs_on_are_refused(name: str) -> None:
    with pytest.raises(UsageError, match=rf"device '{name}' is none that hashbench runs on \(auto, cpu, cuda, cuda:1"):
        pick_device(name)


def test_devices_are_named_as_torch_names_them(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(torch.cuda, "device_count", lambda: 2)
    assert [str(pick_device(name)) for name in ("cpu", "cuda", "cuda:1")] == ["cpu", "cuda", "cuda:1"]
    with pytest.raises(UsageError, match="device 'cuda:2' is not here: this machine has 2 GPUs; use cpu"):
        pick_device("cuda:2")


@pytest.mark.usefixtures("gpu")
def test_a_gpu_gives_what_it_has() -> None:
    assert free_bytes(GPU) == 4_500
    assert held_bytes(GPU, elsewhere=7) == 1_500
    assert batch_items(GPU, 1_000, bytes_each=2) == 10_000 // 16 // 2
    assert batch_items(GPU, 100, bytes_each=2) == 100
    assert batch_items(GPU, 100, bytes_each=10_000) == 1


@pytest.mark.parametrize(
    ("gib", "images", "features", "pairs"),
    [(8, (1024, 20), 1 << 13, 1 << 25), (141, (4096, 256), 1 << 16, 1 << 28)],
)
def test_batches_are_as_large_as_a_gpus_memory_allows(
    gib: int, images: tuple[int, int], features: int, pairs: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(torch.cuda, "mem_get_info", lambda _: (1 << 30, gib << 30))
    for name in ("memory_reserved", "memory_allocated"):
        monkeypatch.setattr(torch.cuda, name, lambda _: 0)
    assert (image_batch(32, GPU), image_batch(224, GPU)) == images
    assert feature_batch(GPU) == features
    assert _sizes(GPU).compared == pairs
    assert (image_batch(32, CPU), image_batch(224, CPU), feature_batch(CPU)) == (392, 8, 500)


@pytest.mark.parametrize("device", ["cpu", "mps"])
def test_other_devices_have_constants(device: str) -> None:
    assert held_bytes(torch.device(device), elsewhere=7) == 7
    assert batch_items(torch.device(device), 100, bytes_each=1 << 40) == 100


def test_a_gpus_batches_are_copied_from_pinned_memory_without_a_wait(monkeypatch: pytest.MonkeyPatch) -> None:
    batch, calls = torch.arange(3), []

    def pin_memory(tensor: torch.Tensor) -> torch.Tensor:
        calls.append("pinned")
        return tensor.clone()

    def to(tensor: torch.Tensor, device: torch.device, non_blocking: bool = False) -> torch.Tensor:
        calls.append(f"to {device}{', beside' if non_blocking else ''}")
        return tensor

    monkeypatch.setattr(torch.Tensor, "pin_memory", pin_memory)
    monkeypatch.setattr(torch.Tensor, "to", to)
    assert torch.equal(uploaded(batch, GPU), batch)
    assert uploaded(batch, CPU) is batch
    assert calls == ["pinned", "to cuda:0, beside", "to cpu"]

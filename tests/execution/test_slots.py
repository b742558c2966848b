"""Slots: how many trials run at once, where, and what cannot be had."""

import re
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
import torch

import hashbench as hb
from hashbench.errors import UsageError
from hashbench.execution import slots
from hashbench.execution.slots import Slot, make_slots, memory_limit


@pytest.fixture
def machine(monkeypatch: pytest.MonkeyPatch) -> None:
    """Six cores, of which torch takes all, and two GPUs."""
    monkeypatch.delenv("CUDA_VISIBLE_DEVICES", raising=False)
    monkeypatch.setattr(slots, "usable_cores", lambda: 6)
    monkeypatch.setattr(torch, "get_num_threads", lambda: 6)
    monkeypatch.setattr(torch.cuda, "device_count", lambda: 2)
    monkeypatch.setattr(
        torch.cuda, "get_device_properties", lambda number: SimpleNamespace(uuid=f"11111111-0000-000{number}")
    )


@pytest.mark.usefixtures("machine")
def test_slots_share_the_cores_and_gpus_are_named_by_uuid(monkeypatch: pytest.MonkeyPatch) -> None:
    assert make_slots({}, "auto") == make_slots({"jobs": 1}, "cpu") == (Slot(),)
    assert make_slots({"jobs": 4}, "cpu") == (Slot(None, 1),) * 4
    assert make_slots({"jobs": 2}, "cpu") == (Slot(None, 3),) * 2
    assert make_slots({"jobs": 2, "threads": 5}, "cpu") == (Slot(None, 5),) * 2
    first, second = "GPU-11111111-0000-0000", "GPU-11111111-0000-0001"
    assert make_slots({"gpus": "1"}, "auto") == (Slot(second),)
    assert make_slots({"gpus": "all", "per_gpu": 2}, "cuda") == tuple(
        Slot(gpu, 1) for gpu in [first] * 2 + [second] * 2
    )
    assert make_slots({"gpus": [0, 1]}, "auto") == (Slot(first, 3), Slot(second, 3))
    monkeypatch.setenv("CUDA_VISIBLE_DEVICES", "MIG-5,3")
    assert make_slots({"gpus": "all"}, "auto") == (Slot("MIG-5", 3), Slot("3", 3))
    assert Slot("3", 2).environment() == {"CUDA_VISIBLE_DEVICES": "3", "OMP_NUM_THREADS": "2"}
    assert Slot().environment() == {}


@pytest.mark.usefixtures("machine")
def test_a_thread_for_each_where_there_are_more_slots_than_cores_or_torch_may_take_one(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    assert make_slots({"jobs": 16}, "cpu")[0].threads == 1
    monkeypatch.setattr(torch, "get_num_threads", lambda: 2)
    assert make_slots({"jobs": 2}, "cpu")[0].threads == 2


@pytest.mark.usefixtures("machine")
@pytest.mark.parametrize(
    ("options", "device", "line"),
    [
        ({"jobs": 0}, "auto", "jobs is 0, wanted a whole number from 1 to 1024"),
        ({"jobs": 2.0}, "auto", "jobs is 2.0, wanted a whole number from 1 to 1024"),
        ({"threads": 0}, "auto", "threads is 0, wanted a whole number from 1 to 1024"),
        ({"per_gpu": 2}, "auto", "per-gpu is 2 and no GPUs are named; name some with --gpus 0,1 or --gpus all"),
        ({"gpus": "all", "per_gpu": 0}, "auto", "per-gpu is 0, wanted a whole number from 1 to 1024"),
        ({"gpus": "0,7"}, "auto", "gpus has '7', this machine has the GPUs 0 to 1; leave it out, or name --gpus all"),
        ({"gpus": "0,"}, "auto", "gpus has '', this machine has the GPUs 0 to 1; leave it out, or name --gpus all"),
        ({"gpus": "0", "jobs": 2}, "auto", "jobs is 2, which counts trials on the CPU; with --gpus name --per-gpu"),
        ({"gpus": "0"}, "cuda:1", "device is 'cuda:1' and --gpus names GPUs; leave one of them out"),
        ({"gpus": "0"}, "cpu", "device is 'cpu' and --gpus names GPUs; leave one of them out"),
    ],
)
def test_what_cannot_be_had_is_one_line(options: Any, device: str, line: str) -> None:
    with pytest.raises(UsageError, match=f"^{re.escape(line)}"):
        make_slots(options, device)


def test_memory_is_a_size(monkeypatch: pytest.MonkeyPatch) -> None:
    assert memory_limit(None) is None
    assert memory_limit("8G") == 8 << 30
    with pytest.raises(UsageError, match=r"^memory is '8Q', wanted a number above 0 with K, M, G or T, as in 8G$"):
        memory_limit("8Q")
    monkeypatch.setattr(slots, "Path", lambda _name: SimpleNamespace(exists=lambda: False))
    with pytest.raises(UsageError, match=r"^--memory needs Linux's /proc"):
        memory_limit("8G")


@pytest.mark.parametrize(
    ("options", "line"),
    [
        ({"jobs": 0}, "jobs is 0"),
        ({"memory": "8Q"}, "memory is '8Q'"),
        ({"gpus": "7"}, "gpus has '7', this machine has no GPU; leave it out"),
        ({"jobs": 2, "executor": "inline"}, "--executor inline runs one trial at a time"),
        ({"memory": "8G", "executor": "inline"}, "--memory is given, which --executor inline cannot keep"),
    ],
)
def test_nothing_runs_with_options_that_cannot_be_kept(tmp_path: Path, options: Any, line: str) -> None:
    if "gpus" in options and torch.cuda.is_available():
        pytest.skip("there are GPUs here")
    with pytest.raises(UsageError, match=f"^{re.escape(line)}"):
        hb.run(methods="lsh", bits=8, results=tmp_path / "r", **options)
    assert not (tmp_path / "r").exists()

"""Damaged files of all kinds that a user hands over: a result or one line; never a traceback, a hang or harm."""

import shutil
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
import torch

from hashbench.evaluation.evaluate import warm_up
from hashbench.execution import measure
from hashbench.reporting import write
from tests.fuzz.mutations import KINDS, damage
from tests.fuzz.readers import READERS
from tests.fuzz.watched import Outcome, command

FEW, MANY, MANY_SLOW = len(KINDS), 7 * len(KINDS), len(KINDS)  # each kind of damage to a reader's files once, or often
SAMPLED = ("csv", "set.toml", "suite", "npz", "state dict (.safetensors)", "records, leaderboard")


@pytest.fixture(autouse=True, scope="module")
def kernels() -> None:
    """All of them are loaded before: numba unpickles its own cache, which a watched command may not."""
    warm_up(torch.device("cpu"))


@pytest.fixture(autouse=True)
def surroundings(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """A cache of its own; no figures after a score, and rates of one call: they take long and read nothing more."""
    monkeypatch.setattr(write, "write_reports", lambda *_given: [])
    monkeypatch.setattr(measure, "SECONDS_PER_FIGURE", 0.001)
    monkeypatch.setenv("HASHBENCH_CACHE", str(tmp_path / "cache"))
    monkeypatch.delenv("HASHBENCH_DATA", raising=False)


def outcomes(name: str, count: int, seed: int, folder: Path) -> Iterator[tuple[str, Outcome]]:
    """The outcome of each damaged file, beside what was done to which."""
    reader, rng = READERS[name], np.random.default_rng([seed, *name.encode()])
    whole, work = folder / "whole", folder / "work"
    whole.mkdir()
    reader.write(whole)
    shutil.copytree(whole, work)
    outcome = command(reader.words(work), folder)
    assert outcome.code == 0, outcome.message
    files = sorted({file.relative_to(whole) for pattern in reader.files for file in whole.glob(pattern)})
    for number in range(count):
        shutil.rmtree(work)
        shutil.copytree(whole, work)
        kind, file = KINDS[number % len(KINDS)], files[int(rng.integers(len(files)))]
        damage(work / file, kind, rng)
        yield f"{name} {number}: {kind} of {file}", command(reader.words(work), folder)


def check(name: str, count: int, seed: int, folder: Path) -> None:
    faults = [f"{what}: {fault}" for what, outcome in outcomes(name, count, seed, folder) for fault in outcome.faults()]
    assert not faults, "\n".join(faults)


@pytest.mark.parametrize("name", SAMPLED)
def test_a_few_damaged_files(name: str, tmp_path: Path) -> None:
    check(name, FEW, 1, tmp_path)


@pytest.mark.slow
@pytest.mark.parametrize("name", READERS)
def test_many_damaged_files(name: str, tmp_path: Path) -> None:
    check(name, MANY if READERS[name].quick else MANY_SLOW, 2, tmp_path)

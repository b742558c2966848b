"""A training that is killed goes on from its checkpoint, by the same command."""

import json
import time
from pathlib import Path

import numpy as np
import pytest

from tests.command import hashbench, start

WORDS = ("run", "--methods", "bgan", "--bits", "16", "--set", "bgan.epochs=8", "--limit", "600", "--device", "cpu")


def record_of(folder: Path) -> Path:
    (file,) = (folder / "results/records").glob("digits-*-bgan-16-*.json")
    return file


@pytest.mark.slow
def test_a_training_killed_by_kill_9_ends_with_the_codes_of_an_uninterrupted_one(tmp_path: Path) -> None:
    whole, killed = tmp_path / "whole", tmp_path / "killed"
    for folder in (whole, killed):
        folder.mkdir()
    assert hashbench(*WORDS, cwd=whole).returncode == 0
    grid = start(*WORDS, cwd=killed)
    deadline = time.monotonic() + 120
    while not list((killed / "results/checkpoints").glob("*/training.pt")):
        assert time.monotonic() < deadline
        time.sleep(0.02)
    grid.kill()
    grid.wait()
    assert not list((killed / "results/records").glob("*-bgan-*"))
    assert hashbench(*WORDS, cwd=killed).returncode == 0
    record = json.loads(record_of(killed).read_text())
    assert 1 <= record["training"]["facts"]["resumed_after_epoch"] < 8
    assert [log["epoch"] for log in record["training"]["epochs"]] == list(range(1, 9))
    one, other = (np.load(record_of(folder).with_suffix(".npz")) for folder in (whole, killed))
    for name in ("query_codes", "database_codes"):
        assert np.array_equal(one[name], other[name])
    assert not list((killed / "results/checkpoints").glob("*")), "removed with success"

"""Whole grids with accidents: what each trial leaves, with one slot, with two and with ray, and after kill -9."""

import contextlib
import json
import os
import random
import re
import shutil
import subprocess
import time
import uuid
from pathlib import Path

import numpy as np
import pytest

from tests.command import hashbench, start
from tests.execution.test_local import alive, processes_with, records

pytestmark = pytest.mark.slow

GRID = """title = "18 that end well and six that do not"
why = "accidents"
needs = "nothing"
time = "a minute"

[grid]
datasets = ["digits"]

[[runs]]
methods = ["raises", "killed", "hangs", "greedy", "not_a_number", "vanishes"]
bits = [8]

[[runs]]
methods = ["lsh"]
bits = [8, 16, 24, 32, 40, 48]

[[runs]]
methods = ["first_pixels"]
bits = [8, 16, 24, 32, 40]
"""
MOMENTS = int(os.environ.get("HASHBENCH_TEST_MOMENTS", "5"))


@pytest.mark.parametrize("options", ["--jobs 1", "--jobs 2", "--executor ray --jobs 2"])
def test_six_accidents_leave_a_reason_each_and_all_others_end_well(tmp_path: Path, options: str) -> None:
    if "ray" in options:
        pytest.importorskip("ray", reason="ray is not installed: pip install 'hashbench[ray]'")
    (tmp_path / "grid.toml").write_text(GRID)
    pids = tmp_path / "pids"
    done = hashbench(
        *("run", "--suite", "grid.toml", *options.split(), "--timeout", "60", "--memory", "1G", "--no-rates"),
        cwd=tmp_path,
        timeout=900,
        HASHBENCH_TEST_PIDS=str(pids),
    )
    by_name = records(tmp_path)
    assert (len(by_name), done.returncode) == (24, 1), done.stderr
    bad = {name: record for name, record in by_name.items() if record["status"] != "ok"}
    statuses = {name.partition("-")[0]: record["status"] for name, record in bad.items()}
    assert statuses == {
        "raises": "failed",
        "killed": "killed",
        "hangs": "timeout",
        "greedy": "oom",
        "not_a_number": "failed",
        "vanishes": "failed",
    }
    reasons = {name.partition("-")[0]: record["error"]["message"] for name, record in bad.items()}
    took = re.fullmatch(
        r"took (\S+) GiB of the host's memory, more than its limit of 1 GiB \(--memory\)", reasons["greedy"]
    )
    assert took is not None, reasons["greedy"]
    assert float(took[1]) > 1
    assert bad["greedy-8"]["memory"]["host_peak_bytes"] > 1 << 30
    assert reasons["hangs"] == "stopped after its time-out of 60 s"
    assert reasons["not_a_number"].startswith("NotANumber.encode gave torch.float32")
    assert reasons["vanishes"] == "exited with code 0 and left no record"
    assert not [pid for pid in pids.read_text().split() if alive(int(pid))]


def test_a_grid_has_the_same_codes_in_any_order_and_in_any_slots(tmp_path: Path) -> None:
    methods, lengths = ["lsh", "itq", "pcah", "first_pixels"], ["8", "16"]
    codes = {}
    for name, options in (("inline", ["--executor", "inline"]), ("one", []), ("two", ["--jobs", "2"])):
        words = ("--methods", ",".join(methods), "--bits", ",".join(lengths), "--threads", "1", "--no-rates")
        done = hashbench("run", *words, *options, "--results", name, "--device", "cpu", cwd=tmp_path, timeout=600)
        assert done.returncode == 0, done.stderr
        methods.reverse()
        lengths.reverse()
        codes[name] = {file.name: dict(np.load(file)) for file in (tmp_path / name / "records").glob("*.npz")}
    assert len(codes["inline"]) == 11
    for other in ("one", "two"):
        assert codes[other].keys() == codes["inline"].keys()
        for name, arrays in codes["inline"].items():
            for part, values in arrays.items():
                np.testing.assert_array_equal(codes[other][name][part], values)


def test_kill_9_at_any_moment_with_two_slots_costs_nothing_but_what_ran(tmp_path: Path) -> None:
    """Before each start some records are taken away, so that there is always work to be killed in."""
    words = ["run", "--methods", "lsh,itq,first_pixels", "--bits", "8,16", "--jobs", "2"]
    began = time.monotonic()
    assert hashbench(*words, cwd=tmp_path, timeout=600).returncode == 0
    longest = time.monotonic() - began
    folder, draw = tmp_path / "results", random.Random(5)
    complete = {file: file.read_bytes() for file in sorted((folder / "records").glob("*.json"))}
    assert len(complete) == 9

    def note_complete() -> None:
        for file in (folder / "records").glob("*.json"):
            assert complete.setdefault(file, file.read_bytes()) == file.read_bytes(), "run again"

    for _ in range(MOMENTS):
        for file in draw.sample(sorted(complete), min(5, len(complete))):
            for ending in (".json", ".npz", ".safetensors"):
                file.with_suffix(ending).unlink(missing_ok=True)
            del complete[file]
        mark = f"HASHBENCH_TEST_MARK={uuid.uuid4()}"
        grid = start(*words, cwd=tmp_path, **dict([mark.split("=")]))
        with contextlib.suppress(subprocess.TimeoutExpired):
            grid.wait(draw.uniform(0.2 * longest, longest))
        grid.kill()
        grid.wait()
        killed = time.monotonic()
        while processes_with(mark):
            assert time.monotonic() < killed + 10
            time.sleep(0.1)
        records(tmp_path)  # all can be read
        note_complete()
    shutil.rmtree(folder / "throughput")
    assert hashbench(*words, cwd=tmp_path, timeout=600).returncode == 0
    note_complete()
    assert len(complete) == 9
    assert all(json.loads(content)["status"] == "ok" for content in complete.values())
    assert len(list((folder / "throughput").glob("*.json"))) == 6, "rates are made up"
    assert [path.name for path in folder.rglob(".*")] == []

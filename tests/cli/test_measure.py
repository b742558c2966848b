"""The verb ``measure``: what it prints, writes and refuses."""

import json
from collections.abc import Callable
from pathlib import Path

import pytest

import hashbench as hb
from hashbench.execution import measure
from tests.cli.conftest import Done


@pytest.fixture
def key(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> str:
    """Of the record of lsh, in ``results`` where the command is called, without its throughput."""
    monkeypatch.setattr(measure, "SECONDS_PER_FIGURE", 0.001)
    monkeypatch.setenv("HASHBENCH_CACHE", str(tmp_path / "cache"))
    hb.run(methods="lsh", bits=8, results=tmp_path / "results", executor="inline", device="cpu")
    (file,) = (tmp_path / "results/throughput").glob("*.json")
    record = json.loads(file.read_text())
    file.unlink()
    return str(record["key"])


def test_stored_trials_are_measured_into_the_tables(call: Callable[..., Done], key: str, tmp_path: Path) -> None:
    done = call("measure", "--device", "cpu")
    assert (done.code, done.err) == (0, "")
    assert done.out.startswith("lsh 8 bits on digits/holdout-200, pixels: encodes ")
    assert done.out.endswith(" queries/s for their 1000 nearest items\n")
    assert len(list((tmp_path / "results/throughput").glob(f"{key}-*.json"))) == 1
    (measured,) = json.loads(call("measure", key[:7], "--device", "cpu", "--json").out)
    assert measured["key"] == key
    (row,) = [line for line in (tmp_path / "results/leaderboard.md").read_text().splitlines() if "| lsh | 8 |" in line]
    assert "–" not in row.rpartition("|")[0].rpartition("|")[2]


def test_what_cannot_be_measured_is_one_line(call: Callable[..., Done], key: str, tmp_path: Path) -> None:
    done = call("measure", "fff")
    assert (done.code, done.err) == (
        2,
        "hashbench: no record 'fff' in results/records; name a file, or the beginning of a key\n",
    )
    (state,) = (tmp_path / "results/records").glob("*.safetensors")
    state.write_bytes(b"cut")
    done = call("measure", "--json")
    assert (done.code, json.loads(done.out)) == (2, [])
    assert done.err.startswith("hashbench: state results/records/digits-holdout_200-lsh-8-0-")
    assert done.err.count("\n") == 1

"""Nested codes: one training for all lengths of a run, and the same codes as trainings of their own."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import safetensors.torch
import torch

import hashbench as hb
from hashbench.records.results import Results
from hashbench.records.store import Record

Run = Callable[..., Results]


@pytest.fixture
def run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Run:
    """``hb.run`` on some digits, without rates and reports, into a folder of that name."""
    monkeypatch.setattr("hashbench.reporting.write.write_reports", lambda *_: [])

    def into(folder: str, **options: Any) -> Results:
        grid = {"datasets": ["digits"], "limit": 300, **options}
        return hb.run(**grid, results=tmp_path / folder, executor="inline", device="cpu", rates=False)

    return into


def own(results: Results) -> dict[tuple[str, int], Record]:
    """The methods' records by name and length."""
    return {(r["trial"]["method"], r["trial"]["bits"]): r for r in results.records if not r["reference"]}


def files(results: Results, record: Record) -> tuple[dict[str, bytes], dict[str, torch.Tensor]]:
    """What lies beside a record: arrays and state."""
    file = results.files[record["key"]]
    with np.load(file.with_suffix(".npz"), allow_pickle=False) as arrays:
        content = {name: arrays[name].tobytes() for name in arrays.files}
    return content, safetensors.torch.load_file(file.with_suffix(".safetensors"))


def test_one_training_makes_the_codes_that_each_length_by_itself_has(run: Run) -> None:
    together = run("together", methods=["lsh", "pcah"], bits=[8, 21, 13])
    for bits in (8, 13):
        alone = run(f"alone{bits}", methods=["lsh", "pcah"], bits=[bits])
        for name in ("lsh", "pcah"):
            one, other = own(together)[name, bits], own(alone)[name, bits]
            assert one["key"] == other["key"]
            assert one["metrics"] == other["metrics"]
            (arrays, state), (wanted, wanted_state) = files(together, one), files(alone, other)
            assert arrays == wanted
            assert all(torch.equal(state[part], value) for part, value in wanted_state.items())
            longest = own(together)[name, 21]
            assert one["training"]["facts"] == {"first_bits_of": 21, "fitted_in": longest["key"]}
            assert longest["training"]["facts"] == other["training"]["facts"] == {}
            assert ["fit" in record["seconds"] for record in (one, longest, other)] == [False, True, True]
            assert one["provenance"]["seeds"]["trial"] == longest["provenance"]["seeds"]["trial"]


def test_lengths_that_follow_later_and_repetitions_have_draws_of_their_own(run: Run) -> None:
    """What was trained by itself before stays, and its bits are the first of those trained later."""
    first = run("results", methods=["lsh"], bits=[12], repeats=2)
    later = run("results", methods=["lsh"], bits=[12, 24], repeats=2)
    made = {(r["trial"]["bits"], r["trial"]["repetition"]): r for r in later.records if not r["reference"]}
    codes = {where: files(later, record)[0]["query_codes"] for where, record in made.items()}
    assert codes[12, 0] != codes[12, 1]
    bits = {
        where: np.unpackbits(np.frombuffer(code, np.uint8).reshape(200, -1), axis=1) for where, code in codes.items()
    }
    for repetition in (0, 1):
        assert (bits[24, repetition][:, :12] == bits[12, repetition][:, :12]).all()
    assert {r["key"] for r in first.records if not r["reference"]} == {made[12, 0]["key"], made[12, 1]["key"]}


def test_where_the_longest_is_skipped_each_length_is_trained(run: Run) -> None:
    made = own(run("results", methods=["pcah"], bits=[8, 65]))
    assert [made["pcah", bits]["status"] for bits in (8, 65)] == ["ok", "skipped"]
    assert "fit" in made["pcah", 8]["seconds"]


def test_where_the_state_of_the_longest_is_gone_or_damaged_each_length_is_trained(
    run: Run, capsys: pytest.CaptureFixture[str]
) -> None:
    first = run("results", methods=["pcah"], bits=[16])
    state = first.files[own(first)["pcah", 16]["key"]].with_suffix(".safetensors")
    state.write_bytes(b"cut short")
    damaged = own(run("results", methods=["pcah"], bits=[8, 16], progress=True))["pcah", 8]
    assert capsys.readouterr().err.count(f"{state} cannot be read") == 1
    state.unlink()
    gone = own(run("results", methods=["pcah"], bits=[4, 16]))["pcah", 4]
    for record in (damaged, gone):
        assert (record["status"], record["training"]["facts"]) == ("ok", {})
        assert "fit" in record["seconds"]


def test_parameters_decide_for_a_method_that_nests_with_some(run: Run, tmp_path: Path) -> None:
    vectors = tmp_path / "vectors.npy"
    np.save(vectors, np.random.default_rng(0).normal(size=(300, 24)).astype(np.float32))
    grid = {"methods": ["sign"], "datasets": [f"embeddings:{vectors}"], "bits": [8, 24], "limit": None}
    nested = run("nested", **grid, parameters={"sign": {"nested": True, "threshold": "median"}})
    assert own(nested)["sign", 8]["training"]["facts"]["first_bits_of"] == 24
    plain = own(run("plain", **grid))
    assert [plain["sign", bits]["status"] for bits in (8, 24)] == ["skipped", "ok"]
    assert json.dumps(plain["sign", 8]["error"]).count("sign makes 24 bits of 24 dimensions, not 8") == 1

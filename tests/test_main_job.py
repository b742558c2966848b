"""The main job on digits: records, resume, reports, the Python call."""

import json
from pathlib import Path
from typing import Any

import jsonschema
import numpy as np
import pandas as pd
import pytest
import safetensors.torch
import torch

import hashbench as hb
from hashbench.codes import Codes
from hashbench.records.schema import schema
from hashbench.registry import DATASETS, METHODS
from tests.command import hashbench

GRID = ("run", "--methods", "itq,lsh", "--bits", "8,32", "--repeats", "2")


@pytest.fixture(scope="module")
def grid(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder in which a small grid was run."""
    folder = tmp_path_factory.mktemp("grid")
    done = hashbench(*GRID, cwd=folder)
    assert done.returncode == 0, done.stderr
    (folder / "stdout").write_text(done.stdout)
    return folder


def records(folder: Path) -> list[dict[str, Any]]:
    return [json.loads(path.read_text()) for path in sorted((folder / "results/records").glob("*.json"))]


def test_every_trial_has_a_record_that_fits_its_schema(grid: Path) -> None:
    found = records(grid)
    assert len(found) == 1 + 4 + 8
    for record in found:
        jsonschema.validate(record, schema("record"))
        assert record["status"] == "ok"
        assert {"load", "features", "evaluate"} <= set(record["seconds"])
        assert record["protocol_card"]["leaks"] == {"query_in_database": 0, "query_in_train": 0}


def test_the_reference_trials_are_floor_and_ceiling(grid: Path) -> None:
    value = {
        (r["trial"]["method"], r["trial"]["bits"], r["trial"]["repetition"]): r["metrics"]["map@1000"]
        for r in records(grid)
    }
    chance = records(grid)[0]["metrics"]["chance"]
    assert abs(value["reference-random", 32, 0] - chance) < 0.02
    assert value["reference-float", None, 0] > value["itq", 32, 0] > value["reference-random", 32, 0] + 0.3


def test_repetitions_differ_and_lie_in_records_of_their_own(grid: Path) -> None:
    itq = [r for r in records(grid) if r["trial"]["method"] == "itq" and r["trial"]["bits"] == 32]
    assert [r["trial"]["repetition"] for r in itq] == [0, 1]
    assert itq[0]["metrics"]["map@1000"] != itq[1]["metrics"]["map@1000"]
    assert itq[0]["provenance"]["seeds"]["root"] == itq[1]["provenance"]["seeds"]["root"] == 0
    assert len(itq[0]["training"]["epochs"]) == 50


def test_codes_beside_the_record_give_its_metrics_again(grid: Path) -> None:
    path = next((grid / "results/records").glob("*-itq-32-0-*.json"))
    record, arrays = json.loads(path.read_text()), np.load(path.with_suffix(".npz"))
    classes = record["protocol_card"]["classes"]
    labels = [
        np.unpackbits(arrays[f"{side}_labels"], axis=1, count=classes).astype(bool) for side in ("query", "database")
    ]
    codes = [Codes(arrays[f"{side}_codes"], 32) for side in ("query", "database")]
    scores = hb.evaluate(codes[0], codes[1], labels[0], labels[1])
    assert scores.metrics == record["metrics"]
    assert np.array_equal(scores.average_precision, arrays["average_precision"])
    digits = DATASETS.get("digits")(Path())
    assert np.array_equal(digits.labels()[arrays["query_items"]], labels[0])


def test_the_kept_state_encodes_without_training(grid: Path) -> None:
    path = next((grid / "results/records").glob("*-itq-32-0-*.json"))
    record, arrays = json.loads(path.read_text()), np.load(path.with_suffix(".npz"))
    method = METHODS.get("itq")(32, **record["trial"]["parameters"])
    method.load_state(safetensors.torch.load_file(path.with_suffix(".safetensors")))
    digits = DATASETS.get("digits")(Path())
    pixels = digits.images(arrays["query_items"]).flatten(1).float() / 255
    assert np.array_equal(Codes.pack(method.encode(pixels)).packed, arrays["query_codes"])


def test_throughput_has_a_file_per_key_and_hardware(grid: Path) -> None:
    files = sorted((grid / "results/throughput").glob("*.json"))
    assert len(files) == 8
    for file in files:
        measured = json.loads(file.read_text())
        jsonschema.validate(measured, schema("throughput"))
        assert file.name == f"{measured['key']}-{measured['hardware']['id']}.json"
        assert set(measured["search"]) == {"1", "10", "100", "1000"}
        assert measured["bytes_per_item"] in (1, 4)


def test_the_leaderboard_is_on_the_terminal_and_in_files(grid: Path) -> None:
    printed = (grid / "stdout").read_text()
    markdown = (grid / "results/leaderboard.md").read_text()
    for text in (printed, markdown):
        assert "mAP@1000 on digits/holdout-200, features pixels" in text
        assert "reference-random" in text
        assert "±" in text
    frame = pd.read_csv(grid / "results/leaderboard.csv")
    assert list(frame["method"].unique()) == ["itq", "lsh", "reference-float", "reference-random"]
    assert frame.loc[frame["method"] == "itq", "rank"].tolist() == [1, 1]
    assert {path.suffix for path in (grid / "results/figures").iterdir()} == {".png", ".svg"}


def test_the_same_command_again_runs_nothing_and_writes_the_same_reports(grid: Path) -> None:
    def contents() -> dict[str, bytes]:
        files = (p for p in (grid / "results").rglob("*") if p.is_file() and "logs" not in p.parts)
        return {str(path): path.read_bytes() for path in files}

    before = contents()
    done = hashbench(*GRID, cwd=grid)
    assert done.returncode == 0
    assert "13 of 13 trials have their record already" in done.stderr
    assert contents() == before


def test_resume_runs_only_what_is_missing(grid: Path, tmp_path: Path) -> None:
    for path in (grid / "results/records").glob("*"):
        (tmp_path / "results/records").mkdir(parents=True, exist_ok=True)
        if "-lsh-8-1-" not in path.name:
            (tmp_path / "results/records" / path.name).write_bytes(path.read_bytes())
    done = hashbench(*GRID, cwd=tmp_path)
    assert done.returncode == 0
    assert "12 of 13 trials have their record already" in done.stderr
    assert "[1/1] lsh 8 bits on digits/holdout-200, pixels #1: ok" in done.stderr
    again = next((tmp_path / "results/records").glob("*-lsh-8-1-*.npz"))
    assert np.array_equal(
        np.load(again)["database_codes"], np.load(grid / "results/records" / again.name)["database_codes"]
    )


def test_the_same_from_python(tmp_path: Path) -> None:
    options: Any = {"results": tmp_path, "executor": "inline", "limit": 300}
    found = hb.run(methods="lsh,pcah", bits=[8], **options)
    frame = found.frame()
    assert frame["status"].tolist() == ["ok"] * 4
    assert set(frame["method"]) == {"lsh", "pcah", "reference-float", "reference-random"}
    assert frame.set_index("method").loc["lsh", "limit"] == 300
    assert len(hb.results(tmp_path)) == 4
    leaderboard = (tmp_path / "leaderboard.md").read_text()
    assert "first 300 training items" in leaderboard
    assert "*reference-random*" in leaderboard


def test_global_generators_are_not_disturbed_by_a_run(tmp_path: Path) -> None:
    torch.manual_seed(3)
    before = torch.random.get_rng_state()
    hb.run(methods=["itq"], bits=8, results=tmp_path, executor="inline")
    assert torch.equal(before, torch.random.get_rng_state())

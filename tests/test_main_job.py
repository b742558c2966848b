"""A grid on digits from end to end: records, resume, reports, the Python call."""

import json
import subprocess
import sys
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
from hashbench.data.spec import open_dataset
from hashbench.plugins.registry import METHODS
from hashbench.records.schema import schema
from tests.command import environment, hashbench
from tests.pictures import pictures

ROOT = Path(__file__).parent.parent
GRID = ("run", "--methods", "itq,lsh", "--bits", "8,32", "--repeats", "2", "--executor", "inline")


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
    all_records = records(grid)
    assert len(all_records) == 1 + 4 + 8
    validator = jsonschema.Draft202012Validator(schema("record"))
    for record in all_records:
        validator.validate(record)
        assert record["status"] == "ok"
        assert {"load", "compile", "evaluate"} <= set(record["seconds"])
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
    digits = open_dataset("digits", Path())
    assert np.array_equal(digits.labels()[arrays["query_items"]], labels[0])


def test_the_saved_state_encodes_without_training(grid: Path) -> None:
    path = next((grid / "results/records").glob("*-itq-32-0-*.json"))
    record, arrays = json.loads(path.read_text()), np.load(path.with_suffix(".npz"))
    method = METHODS.get("itq")(32, **record["trial"]["parameters"])
    method.load_state(safetensors.torch.load_file(path.with_suffix(".safetensors")))
    digits = open_dataset("digits", Path())
    pixels = pictures(digits, arrays["query_items"]).flatten(1).float() / 255
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


@pytest.mark.usefixtures("no_figures")
def test_the_same_from_python(tmp_path: Path) -> None:
    options: Any = {"results": tmp_path, "executor": "inline", "limit": 300}
    results = hb.run(methods="lsh,pcah", bits=[8], **options)
    frame = results.frame()
    assert frame["status"].tolist() == ["ok"] * 4
    assert set(frame["method"]) == {"lsh", "pcah", "reference-float", "reference-random"}
    assert frame.set_index("method").loc["lsh", "limit"] == 300
    assert len(hb.results(tmp_path)) == 4
    leaderboard = (tmp_path / "leaderboard.md").read_text()
    assert "first 300 training items" in leaderboard
    assert "*reference-random*" in leaderboard


@pytest.mark.usefixtures("no_figures")
def test_a_loss_that_is_no_number_is_explained_and_the_grid_goes_on(tmp_path: Path) -> None:
    options: Any = {"limit": 60, "parameters": {"bgan": {"rate": 1e30, "epochs": 3}}, "executor": "inline"}
    run = hb.run(methods="bgan,lsh", bits=8, results=tmp_path / "results", **options)
    by_method = {record["trial"]["method"]: record for record in run.records}
    assert by_method["bgan"]["error"]["exception"] == "FloatingPointError"
    assert "a smaller rate may help" in by_method["bgan"]["error"]["message"]
    assert any(None in epoch.values() for epoch in by_method["bgan"]["training"]["epochs"])
    assert by_method["lsh"]["status"] == "ok"
    for record in by_method.values():
        jsonschema.validate(record, schema("record"))


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (
            {"methods": "lsh", "bits": 8, "dataset": "digits"},
            "no option of run named 'dataset'; did you mean",
        ),
        ({"methods": "lsh"}, "run needs bits"),
        ({"methods": "lsh", "bits": "8x"}, "bits has '8x'"),
        ({"methods": "lsh", "bits": [8.5]}, "bits is 8.5, wanted a whole number"),
    ],
)
def test_options_of_the_call_are_checked(tmp_path: Path, options: dict[str, Any], message: str) -> None:
    with pytest.raises(hb.UsageError, match=message):
        hb.run(**{"results": tmp_path / "r", **options})
    assert not (tmp_path / "r").exists()


@pytest.mark.usefixtures("no_figures")
def test_bits_may_come_from_numpy_and_repeats_are_run_once(tmp_path: Path) -> None:
    options: Any = {"bits": np.array([8, 8]), "datasets": ["digits", "digits/*"], "executor": "inline"}
    assert len(hb.run(methods=["lsh", "l*h"], results=tmp_path, **options)) == 3


@pytest.mark.usefixtures("no_figures")
def test_a_failing_throughput_takes_no_score_away(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(*_given: Any) -> None:
        raise RuntimeError("cannot encode one image alone")

    monkeypatch.setattr("hashbench.execution.remeasure.measure", fail)
    results = hb.run(methods="lsh", bits=8, results=tmp_path, executor="inline")
    assert [record["status"] for record in results.records] == ["ok"] * 3
    assert results.throughputs == ()


def test_what_a_method_cannot_do_is_skipped_with_a_reason_and_no_failure(tmp_path: Path) -> None:
    done = hashbench("run", "--methods", "pcah,lsh", "--bits", "100", "--executor", "inline", cwd=tmp_path)
    by_method = {record["trial"]["method"]: record for record in records(tmp_path)}
    assert done.returncode == 0
    assert by_method["pcah"]["status"] == "skipped"
    assert "100 bits" in by_method["pcah"]["error"]["message"]
    assert by_method["lsh"]["status"] == "ok"


def test_no_record_bears_the_sum_of_sources_that_did_not_make_it(tmp_path: Path) -> None:
    method = tmp_path / "methods/mine.py"
    method.parent.mkdir()
    source = (Path(__file__).parent / "plugin_root/methods/first_pixels.py").read_text()
    edit = "import pathlib; file = pathlib.Path(__file__); file.write_text(file.read_text() + 'EDITED = 1')"
    method.write_text(source.replace("        self.mean_", f"        {edit}\n        self.mean_", 1))
    words = ("run", "--methods", "mine", "--bits", "8,9", "--no-rates")
    done = hashbench(*words, cwd=tmp_path, HASHBENCH_PLUGINS=str(tmp_path))
    by_bits = {r["trial"]["bits"]: r for r in records(tmp_path) if r["trial"]["method"] == "mine"}
    assert done.returncode == 1
    assert by_bits[8]["status"] == "ok"
    assert by_bits[9]["error"]["message"] == "methods/mine.py changed since the plan was made; run the command again"


def test_an_edit_in_a_running_python_is_noticed(tmp_path: Path) -> None:
    script = """
from pathlib import Path
import hashbench as hb
run = dict(methods="mine", bits=8, results="r", executor="inline", rerun="all", rates=False)
print([r["status"] for r in hb.run(**run).records])
file = Path("methods/mine.py")
file.write_text(file.read_text() + "EDITED = 1")
print([(r["error"] or {}).get("message") for r in hb.run(**run).records if r["trial"]["method"] == "mine"])
"""
    (tmp_path / "methods").mkdir()
    source = (Path(__file__).parent / "plugin_root/methods/first_pixels.py").read_text()
    (tmp_path / "methods/mine.py").write_text(source)
    done = subprocess.run(
        [sys.executable, "-c", script],
        cwd=tmp_path,
        env=environment(tmp_path / "cache", HASHBENCH_PLUGINS=str(tmp_path)),
        capture_output=True,
        text=True,
        check=True,
    )
    assert "['ok', 'ok', 'ok']" in done.stdout
    assert "methods/mine.py changed since Python loaded it; start Python again" in done.stdout


def test_an_edit_of_what_makes_no_code_disturbs_no_running_python(tmp_path: Path) -> None:
    script = f"""
import os, shutil, sys
shutil.copytree({str(ROOT)!r} + "/hashbench", "hashbench")
for room in ("methods", "datasets"):
    shutil.copytree({str(ROOT)!r} + "/" + room, room)
sys.path.insert(0, os.getcwd())
import hashbench as hb
run = dict(methods="lsh", bits=8, results="r", executor="inline", rerun="all", rates=False)
print([r["status"] for r in hb.run(**run).records])
os.utime("hashbench/reporting/write.py", (1, 1))
os.remove("hashbench/cli/show.py")
print([r["status"] for r in hb.run(**run).records], hb.__file__)
"""
    done = subprocess.run(
        [sys.executable, "-c", script],
        cwd=tmp_path,
        env=environment(tmp_path / "cache", PYTHONPATH=""),
        capture_output=True,
        text=True,
        check=True,
    )
    assert done.stdout.count("['ok', 'ok', 'ok']") == 2
    assert str(tmp_path / "hashbench") in done.stdout


@pytest.mark.usefixtures("no_figures")
def test_a_record_has_the_switches_that_held_while_the_method_was_trained(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(torch.backends.cudnn, "allow_tf32", True)
    results = hb.run(methods=["lsh"], bits=8, results=tmp_path, executor="inline")
    (record,) = [record for record in results.records if record["trial"]["method"] == "lsh"]
    switches = record["environment"]["determinism"]
    assert (switches["cudnn_tf32"], switches["cuda_matmul_tf32"], switches["cudnn_deterministic"]) == (
        False,
        False,
        True,
    )
    assert torch.backends.cudnn.allow_tf32


@pytest.mark.usefixtures("no_figures")
def test_global_generators_are_not_disturbed_by_a_run(tmp_path: Path) -> None:
    torch.manual_seed(3)
    before = torch.random.get_rng_state()
    hb.run(methods=["itq"], bits=8, results=tmp_path, executor="inline")
    assert torch.equal(before, torch.random.get_rng_state())

"""``--relevance neighbours``: any data set of images is judged by the nearest neighbours of its features as well."""

import json
import shutil
from pathlib import Path
from typing import Any

import jsonschema
import numpy as np
import pytest
import torch
from click.testing import CliRunner

import hashbench as hb
from hashbench.cli.main import cli
from hashbench.data.spec import open_dataset
from hashbench.dataset import Split
from hashbench.errors import UsageError
from hashbench.evaluation.nearest import nearest_neighbours
from hashbench.execution import measure
from hashbench.execution.executors import executor
from hashbench.execution.ground_truth import ground_truth
from hashbench.execution.replay_context import ReplayContext
from hashbench.execution.run import carry_out, make_settings, plan_grids
from hashbench.execution.stored_trial import StoredTrial
from hashbench.execution.training_data import TrainingData
from hashbench.features.weights import Weights
from hashbench.planning.grid import Grid
from hashbench.records.schema import schema
from hashbench.records.store import Record
from hashbench.records.trial_spec import PlannedTrial
from hashbench.replay.gates import new_baseline
from hashbench.replay.rescore import rescore_record
from hashbench.reporting.leaderboard.tables import tables
from hashbench.reporting.regression.baseline_file import read_baseline, write_baseline


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Results on digits by labels and by neighbours under two distances. Not to be written to."""
    made = tmp_path_factory.mktemp("relevance")
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(measure, "SECONDS_PER_FIGURE", 0.001)
        patch.setenv("HASHBENCH_CACHE", str(made / "cache"))
        asked: list[Any] = [{}, {"relevance": "neighbours"}, {"relevance": "neighbours", "metric": "cosine"}]
        settings = make_settings(made / "results", None, "cpu")
        plan = plan_grids([Grid(("pcah", "lsh"), (16,), **one) for one in asked], settings)
        carry_out(plan, settings, executor("inline", settings), lambda _event: None)
    return made


def records(folder: Path, method: str) -> dict[str | None, Record]:
    """By the distance of the neighbours, None by labels."""
    found = [record for record in hb.results(folder / "results").records if record["trial"]["method"] == method]
    return {record["trial"].get("neighbours"): record for record in found}


def planned(**options: Any) -> list[PlannedTrial]:
    grid = Grid(("pcah",), (16,), **options)
    return [entry.planned for entry in plan_grids([grid], make_settings("nowhere", None, "cpu")).entries]


def test_a_trial_by_labels_has_the_identity_it_ever_had() -> None:
    first = planned()
    assert all("neighbours" not in one.trial.identity() for one in first)
    assert [one.key for one in planned(relevance="labels")] == [one.key for one in first]


def test_each_kind_and_distance_has_trials_and_a_card_of_its_own() -> None:
    kinds = [planned(), *(planned(relevance="neighbours", metric=metric) for metric in (None, "cosine", "ip"))]
    assert len({one.key for trials in kinds for one in trials}) == 3 + 3 * 6  # with the references of neighbours
    assert len({trials[0].card["id"] for trials in kinds}) == 4
    assert [one.key for one in planned(relevance="neighbours", metric="l2")] == [one.key for one in kinds[1]]
    assert kinds[1][0].card["relevance"] == {"kind": "neighbours", "distance": "l2", "k": 100}
    assert str(kinds[2][-1]) == "pcah 16 bits on digits/holdout-200, pixels, neighbours by cosine"


def test_both_kinds_are_in_the_record_and_the_codes_are_the_same(folder: Path) -> None:
    by_kind = records(folder, "pcah")
    assert set(by_kind) == {None, "l2", "cosine"}
    by_labels = by_kind[None]["metrics"]
    assert not any(name.startswith("neighbours/") for name in by_labels)
    for distance in ("l2", "cosine"):
        record = by_kind[distance]
        jsonschema.validate(json.loads(json.dumps(record)), schema("record"))
        assert {name: record["metrics"][name] for name in by_labels} == by_labels
        assert 0.3 < record["metrics"]["neighbours/recall@10"] < 0.9
    assert len({record["metrics"].get("neighbours/recall@10") for record in by_kind.values()}) == 3
    codes = {np.load(file)["database_codes"].tobytes() for file in folder.glob("results/records/*-pcah-*.npz")}
    assert len(codes) == 1


def test_the_float_ranking_is_by_the_protocols_own_distance_and_keeps_all(folder: Path) -> None:
    by_kind = records(folder, "reference-float")
    assert [by_kind[distance]["metrics"]["neighbours/recall@100"] for distance in ("l2", "cosine")] == [1, 1]
    assert len({record["metrics"]["map@1000"] for record in by_kind.values()}) == 3


def test_the_neighbours_are_those_of_the_features(
    folder: Path, digits_pixels: tuple[np.ndarray[Any, Any], np.ndarray[Any, Any]]
) -> None:
    train, query = digits_pixels
    (file,) = [
        StoredTrial.read(file).codes_file
        for file in folder.glob("results/records/*-pcah-*.json")
        if StoredTrial.read(file).trial.neighbours == "l2"
    ]
    with np.load(file) as stored:
        starts, values = stored["neighbour_starts"], stored["neighbour_values"]
    expected = nearest_neighbours(query, train, "l2", 100)
    assert np.array_equal(starts, expected.starts)
    np.testing.assert_allclose(values, expected.values, rtol=1e-5)


def test_tables_of_different_kinds_share_no_column_and_say_which_they_are(folder: Path) -> None:
    names = sorted(table.name for table in tables(hb.results(folder / "results")))
    plain = "digits/holdout-200, features pixels"
    assert names == [plain, f"{plain}, neighbours by cosine", f"{plain}, neighbours by l2"]
    text = (folder / "results/leaderboard.md").read_text()
    assert "neighbours by cosine" in text
    assert "rescored R@10" in text


def test_every_verb_opens_such_a_record_again(folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HASHBENCH_CACHE", str(folder / "cache"))
    monkeypatch.setattr(measure, "SECONDS_PER_FIGURE", 0.001)
    shutil.copytree(folder / "results/records", tmp_path / "results/records")
    context = ReplayContext(tmp_path / "results", tmp_path, torch.device("cpu"), Weights(offline=True))
    for file in sorted((tmp_path / "results/records").glob("*.json")):
        stored = StoredTrial.read(file)
        if stored.trial.neighbours == "cosine":
            before = json.loads(file.read_text())
            after = rescore_record(stored, context)
            assert (after["metrics"], after["curves"]) == (before["metrics"], before["curves"]), file.name
    key = records(folder, "pcah")["cosine"]["key"]
    np.save(tmp_path / "x.npy", np.random.default_rng(0).random((3, 64), dtype=np.float32))
    given = ["--results", str(tmp_path / "results")]
    for command, word in (
        (["measure", key, *given], "scans and rescores for a query in"),
        (["query", key, str(tmp_path / "x.npy"), *given, "--neighbours", "2"], "3 queries: encoded in"),
        (["encode", key, str(tmp_path / "x.npy"), "-o", str(tmp_path / "c.npy"), *given], "3 codes of 16 bits"),
        (["export", key, "-o", str(tmp_path / "out"), "--without-onnx", *given], "encoder.safetensors"),
        (["show", key, *given], "neighbours: cosine"),
    ):
        done = CliRunner().invoke(cli, command, catch_exceptions=False)
        assert done.exit_code == 0, done.output
        assert word in done.output


def test_comparisons_and_the_gate_keep_the_kinds_apart(folder: Path, tmp_path: Path) -> None:
    results = folder / "results"
    compared = hb.compare(results, methods=("lsh", "pcah"), allow_stale=True)
    names = [
        "digits/holdout-200, features pixels" + end for end in ("", ", neighbours by cosine", ", neighbours by l2")
    ]
    assert sorted(cell.identity.table_name for cell in compared.cells) == names
    write_baseline(new_baseline(results, allow_stale=True), tmp_path / "b.json")
    report = hb.check(tmp_path / "b.json", results, allow_stale=True)
    assert report.exit_code == 0
    assert {cell.identity.table_name for cell in read_baseline(tmp_path / "b.json").cells} == set(names)


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ({"relevance": "distances"}, "relevance is 'distances', wanted one of labels, neighbours"),
        ({"metric": "ip"}, "no data set of this run has such an option; for images it goes with --relevance"),
        ({"relevance": "labels", "metric": "ip"}, "--metric is 'ip', and no data set"),
    ],
)
def test_what_fits_no_data_set_is_one_line(options: Any, words: str) -> None:
    with pytest.raises(UsageError, match=words):
        planned(**options)


def test_vectors_are_judged_by_their_neighbours_asked_or_not(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HASHBENCH_CACHE", str(tmp_path / "cache"))
    np.save(tmp_path / "x.npy", np.random.default_rng(0).standard_normal((130, 4)).astype(np.float32))
    given: Any = {"datasets": (f"embeddings:{tmp_path / 'x.npy'}",), "metric": "ip"}
    assert [one.key for one in planned(**given, relevance="neighbours")] == [one.key for one in planned(**given)]
    with pytest.raises(UsageError, match=r"relevance is 'labels', and x.npy is judged by the nearest neighbours"):
        planned(**given, relevance="labels")


def test_features_of_zeros_have_no_cosine(tmp_path: Path) -> None:
    data = open_dataset("digits", tmp_path)
    features = np.ones((len(data), 3), dtype=np.float32)
    features[7] = 0
    inputs = TrainingData(data, features, data.labels())
    items = np.arange(5, dtype=np.int64), np.arange(5, 200, dtype=np.int64)
    split, where = Split(items[1], *items), (tmp_path, torch.device("cpu"), print)
    with pytest.raises(UsageError, match=r"the features of item 7 are zeros, which have no cosine"):
        ground_truth(inputs, "sum", split, "cosine", *where)

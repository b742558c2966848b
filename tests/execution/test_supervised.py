"""A supervised method from plan to table: beside random codes and float features, one-hot classes are its reference."""

import json
from pathlib import Path

import jsonschema
import numpy as np
import pytest

import hashbench as hb
from hashbench.records.results import Results
from hashbench.records.schema import schema
from hashbench.reporting.leaderboard.caption import caption
from hashbench.reporting.leaderboard.markdown import markdown
from hashbench.reporting.leaderboard.selection import selected
from hashbench.reporting.leaderboard.tables import tables

ONE_HOT = "reference-onehot"


@pytest.fixture(scope="module")
def done(tmp_path_factory: pytest.TempPathFactory) -> Results:
    """Two lengths of a supervised method and of one that is not, on digits."""
    folder = tmp_path_factory.mktemp("results")
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("hashbench.reporting.write.write_reports", lambda *_: [])
        grid = {"methods": ["itq_cca", "itq"], "bits": [16, 32], "datasets": ["digits"], "limit": 800, "rates": False}
        return hb.run(**grid, results=folder, executor="inline", device="cpu")  # type: ignore[arg-type]


def test_one_hot_classes_are_a_trial_where_a_method_reads_labels(done: Results) -> None:
    counts = {name: sum(r["trial"]["method"] == name for r in done.records) for name in ("itq_cca", ONE_HOT)}
    assert counts == {"itq_cca": 2, ONE_HOT: 1}
    (record,) = [record for record in done.records if record["trial"]["method"] == ONE_HOT]
    jsonschema.validate(record, schema("record"))
    assert (record["status"], record["trial"]["bits"], record["bytes_per_item"]) == ("ok", 10, 2)
    assert (record["supervised"], record["information"], record["reference"]) == (True, "labels", True)
    with np.load(done.files[record["key"]].with_suffix(".npz")) as arrays:
        bits = np.unpackbits(arrays["query_codes"], axis=1)[:, :10]
        labels = np.unpackbits(arrays["query_labels"], axis=1)[:, :10]
    assert (bits.sum(1) == 1).all()
    assert (bits == labels).all(1).mean() > 0.9
    assert 0.85 < record["metrics"]["map@1000"] < 1


def test_its_table_has_one_hot_classes_in_every_column_and_never_ranks_them(done: Results) -> None:
    unsupervised, supervised = tables(done)
    assert [row.method for row in unsupervised.references] == ["reference-float", "reference-random"]
    assert [row.method for row in supervised.references] == ["reference-float", ONE_HOT, "reference-random"]
    assert ([row.method for row in supervised.ranked], supervised.columns) == (["itq_cca"], [16, 32])
    value = f"{supervised.references[1].cell(10).mean('map@1000'):.3f}"
    text = markdown([supervised])
    assert f"|  | *{ONE_HOT}* | labels | {value} | {value} |" in text
    assert f"| {ONE_HOT} | 10 | 1 | {value} |" in text
    assert any(
        f"{ONE_HOT}: the classes that a linear classifier of the features predicts" in s for s in caption(supervised)
    )
    assert ONE_HOT not in markdown([unsupervised])
    with_labels, without = (table.ranked[0].cell(16).values("map@1000")[0] for table in (supervised, unsupervised))
    assert with_labels > without + 0.1


def test_reports_of_some_code_lengths_keep_it(done: Results) -> None:
    kept = selected(done, bits=[16])
    assert ONE_HOT in {record["trial"]["method"] for record in kept.records}
    assert {record["trial"]["bits"] for record in kept.records} == {None, 10, 16}


def test_it_is_not_planned_without_labels_to_read(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HASHBENCH_CACHE", str(tmp_path / "cache"))
    monkeypatch.setattr("hashbench.reporting.write.write_reports", lambda *_: [])
    np.save(tmp_path / "v.npy", np.random.default_rng(0).random((300, 8), dtype=np.float32))
    ran = hb.run(
        methods=["itq_cca"], bits=[8], datasets=[f"embeddings:{tmp_path}/v.npy"], results=tmp_path / "results",
        executor="inline", device="cpu",
    )  # fmt: skip
    made = {r["trial"]["method"]: r["status"] for r in ran.records}
    assert (made["itq_cca"], made["reference-float"], made.get(ONE_HOT)) == ("skipped", "ok", None)
    (skipped,) = [r for r in ran.records if r["status"] == "skipped"]
    assert "reads labels" in json.dumps(skipped["error"])

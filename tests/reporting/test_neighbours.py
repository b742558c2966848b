"""A run on vectors, from the files to every report: records, tables, comparisons and the gate go by neighbours."""

import json
import re
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
from hashbench.errors import UsageError
from hashbench.execution import measure
from hashbench.execution.replay_context import ReplayContext
from hashbench.execution.stored_trial import StoredTrial
from hashbench.features.weights import Weights
from hashbench.records.results import Results
from hashbench.records.schema import schema
from hashbench.replay.rescore import rescore_record
from hashbench.reporting.comparison.views import as_json
from hashbench.reporting.leaderboard.csv_file import lines
from hashbench.reporting.leaderboard.rescored import rescored
from hashbench.reporting.leaderboard.tables import tables
from hashbench.reporting.page.cell import cell_content
from hashbench.reporting.page.measures import measures
from hashbench.reporting.page.origin import Origins

ROWS = 600


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Results of vectors without labels and of some with labels; every vector stands twice. Not to be written to."""
    made = tmp_path_factory.mktemp("vectors")
    rng = np.random.default_rng(0)
    centres = rng.standard_normal((20, 12)) * 2
    owners = rng.integers(0, 20, ROWS // 2)
    x = (centres[owners] + rng.standard_normal((ROWS // 2, 12))).astype(np.float32)
    np.savez(made / "x.npz", emb=np.repeat(x, 2, axis=0), kind=np.repeat(owners % 4, 2))
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(measure, "SECONDS_PER_FIGURE", 0.001)
        patch.setenv("HASHBENCH_CACHE", str(made / "cache"))
        common: Any = {"bits": [8, 12], "datasets": f"embeddings:{made / 'x.npz'}", "queries": 40, "executor": "inline"}
        hb.run(methods="itq,lsh", results=made / "results", **common)
        hb.run(methods="itq,bgan", labels="kind", metric="ip", results=made / "labelled", **common)
    return made


def words(*arguments: str) -> str:
    done = CliRunner().invoke(cli, [*arguments], catch_exceptions=False, env={"COLUMNS": "200"})
    assert done.exit_code == 0, done.output
    return " ".join(done.output.split())


def test_the_latex_caption_says_what_m_is(folder: Path) -> None:
    text = words("leaderboard", "--results", str(folder / "results"), "--format", "latex")
    (caption,) = re.findall(r"\\caption\{(.*?)\} \\label", text)
    assert r"m: how many times 10 candidates hold 95 \% of the 10 nearest." in caption
    assert re.search(r"ITQ & [^&]*\d \$\\cdot\$ m \d", text)
    assert "·" not in text


def test_records_have_what_the_schema_says(folder: Path) -> None:
    records = [*hb.results(folder / "results").records, *hb.results(folder / "labelled").records]
    assert {record["status"] for record in records if record["trial"]["method"] != "bgan"} == {"ok"}
    for record in {record["trial"]["method"]: record for record in records}.values():
        jsonschema.validate(json.loads(json.dumps(record)), schema("record"))
    by_method = {(r["trial"]["method"], r["trial"]["bits"]): r for r in hb.results(folder / "results").records}
    assert by_method["itq", 12]["bytes_per_item"] == 2
    assert by_method["reference-float", None]["bytes_per_item"] == 48
    assert set(by_method["itq", 8]["metrics"]) == {
        *(f"neighbours/recall@{k}" for k in (1, 10, 100)),
        *(f"neighbours/m@{percent}" for percent in (90, 95, 99)),
    }
    assert by_method["itq", 8]["curves"]["neighbours"]["m"][-1] == 100
    card = by_method["itq", 8]["protocol_card"]
    assert card["relevance"] == {"kind": "neighbours", "distance": "l2", "k": 100}
    assert card["leaks"]["query_in_database"] > 0


def test_a_float_search_keeps_all_though_every_vector_stands_twice(folder: Path) -> None:
    for name in ("results", "labelled"):
        (metrics,) = [
            record["metrics"]
            for record in hb.results(folder / name).records
            if record["trial"]["method"] == "reference-float"
        ]
        assert [metrics[f"neighbours/recall@{k}"] for k in (1, 10, 100)] == [1, 1, 1]


def test_with_labels_both_kinds_of_relevance_are_recorded_and_methods_on_images_are_skipped(folder: Path) -> None:
    records = hb.results(folder / "labelled").records
    metrics = [record["metrics"] for record in records if record["metrics"]]
    assert all({"map@1000", "neighbours/recall@10"} <= each.keys() for each in metrics)
    (skipped,) = {(r["status"], r["error"]["message"]) for r in records if r["trial"]["method"] == "bgan"}
    assert skipped[0] == "skipped"
    assert "bgan reads images" in skipped[1]


def test_tables_go_by_the_neighbours_and_say_so(folder: Path) -> None:
    (table,) = tables(hb.results(folder / "results"))
    assert table.metric == "neighbours/recall@10"
    assert [row.method for row in table.ranked] == ["itq", "lsh"]
    assert table.ranked[0].cell(12).vs_best is None
    assert table.ranked[1].cell(12).vs_best is not None
    text = words("leaderboard", "--results", str(folder / "results"))
    parts = ("neighbours' recall@10", "· m ", "Euclidean", "48", "their own distance", "the numbers of the vectors")
    for part in parts:
        assert part in text, part
    (labelled,) = tables(hb.results(folder / "labelled"))
    assert labelled.metric == "neighbours/recall@10"
    (by_labels,) = tables(hb.results(folder / "labelled"), metric="map@1000")
    assert by_labels.metric == "map@1000"


def test_both_stages_of_a_search_are_measured_and_shown(folder: Path) -> None:
    results = hb.results(folder / "results")
    assert len(results.throughputs) == 4
    curves = {record["key"]: record["curves"]["neighbours"] for record in results.records}
    for throughput in results.throughputs:
        jsonschema.validate(throughput, schema("throughput"))
        shortlists = throughput["rescoring"]["shortlists"]
        assert list(shortlists) == ["1", "2", "3", "5", "10", "20", "50"]
        recall = curves[throughput["key"]]["recall"]
        assert [stages["recall"] for stages in shortlists.values()] == [recall[int(m) - 1] for m in shortlists]
    (table,) = tables(results)
    found = rescored(table.ranked[0].cell(12))
    assert found is not None
    assert found.recall >= 0.95
    details = (folder / "results/leaderboard.md").read_text()
    assert "| rescored R@10 | scan ms p50 / p95 | rescoring ms p50 / p95 |" in details
    assert f"{found.recall:.3f} (m {found.m})" in details
    header, first = (folder / "results/leaderboard.csv").read_text().splitlines()[:2]
    line = dict(zip(header.split(","), first.split(","), strict=False))
    assert {"rescored_recall@10", "scan_ms_p95", "rescoring_ms_p50"} <= line.keys()
    assert "scan + rescoring ms" in words("leaderboard", "--results", str(folder / "results"))
    assert '"cost:rescoring"' in (folder / "results/leaderboard.html").read_text()


def test_they_are_measured_again_from_a_record(folder: Path, tmp_path: Path) -> None:
    shutil.copytree(folder / "results/records", tmp_path / "records")
    (file,) = tmp_path.glob("records/*itq-12*.json")
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(measure, "SECONDS_PER_FIGURE", 0.001)
        patch.setenv("HASHBENCH_CACHE", str(folder / "cache"))
        given = ["--results", str(tmp_path), "--dataset", f"embeddings:{folder / 'x.npz'}?queries=40"]
        assert "scans and rescores for a query in" in words("measure", str(file), *given)
    (throughput,) = tmp_path.glob("throughput/*.json")
    assert "50" in json.loads(throughput.read_text())["rescoring"]["shortlists"]


def test_a_metric_shows_the_tables_that_have_it(folder: Path) -> None:
    both = Results((*hb.results(folder / "results").records, *hb.results(folder / "labelled").records))
    assert len(tables(both)) == 2
    assert [table.card["classes"] for table in tables(both, metric="map@all")] == [4]
    with pytest.raises(UsageError, match="'neighbours/m@95' ranks nothing; tables of neighbours/recall@10 show it"):
        tables(both, metric="neighbours/m@95")
    with pytest.raises(UsageError, match="'chance' ranks nothing; captions show it"):
        tables(both, metric="chance")


def test_a_multiple_is_that_of_the_repetition_that_needs_most(folder: Path) -> None:
    """And none where one repetition never holds so many: not a mean over those that do."""
    records = hb.results(folder / "results").records
    (first,) = [one for one in records if (one["trial"]["method"], one["trial"]["bits"]) == ("itq", 8)]
    found = {"neighbours/m@90": (7.0, 9.0), "neighbours/m@95": (11.0, None), "neighbours/m@99": (None, None)}
    made = []
    for repetition in (0, 1):
        own = {name: values[repetition] for name, values in found.items()}
        trial = first["trial"] | {"repetition": repetition}
        made.append(first | {"key": f"{repetition:016x}", "trial": trial, "metrics": first["metrics"] | own})
    (table,) = tables(Results(tuple(made)))
    (line,) = lines([table])
    assert [line[name] for name in found] == [9.0, None, None]
    assert not [name for name in line if name.startswith("neighbours/m@") and name.endswith("sd")]
    listed = measures(made)
    content = cell_content(table.ranked[0].cell(8), 8, listed, Origins(Results(tuple(made)), None))
    numbers = {measure.id: number for number, measure in enumerate(listed)}
    assert [content["mean"][numbers[name]] for name in found] == [9.0, None, None]
    assert [run["values"][numbers["neighbours/m@95"]] for run in content["runs"]] == [11.0, None]


@pytest.mark.parametrize("name", ["results", "labelled"])
def test_reports_of_every_format_are_written(folder: Path, name: str) -> None:
    made = folder / name
    details = (made / "leaderboard.md").read_text()
    assert "| bytes/item |" in details
    assert "m for 95 %" in details
    assert ("mAP@1000" in details) is (name == "labelled")
    header = (made / "leaderboard.csv").read_text().partition("\n")[0].split(",")
    assert {"bytes_per_item", "neighbours/recall@10", "neighbours/m@95"} <= set(header)
    page = (made / "leaderboard.html").read_text()
    assert "nearest neighbours of the float vectors" in page
    assert any("recall_by_m" in file.name for file in (made / "figures").iterdir())
    assert "tabular" in words("leaderboard", "--results", str(made), "--format", "latex")


def test_a_comparison_is_of_the_recall_of_each_query(folder: Path) -> None:
    comparison = hb.compare(folder / "results", methods=("lsh", "itq"))
    (cell,) = [one for one in comparison.cells if one.identity.bits == 12]
    records = {r["trial"]["method"]: r for r in hb.results(folder / "results").records if r["trial"]["bits"] == 12}
    expected = [records[name]["metrics"]["neighbours/recall@10"] for name in ("lsh", "itq")]
    assert cell.means == pytest.approx(expected)
    assert cell.verdict == "better"
    assert {one["headline"] for one in as_json(comparison)["cells"] if one["means"]} == {"neighbours/recall@10"}
    text = words("compare", str(folder / "results"), str(folder / "results"), "--allow-stale")
    assert "neighbours' recall@10 of A and B" in text


def test_a_gate_judges_by_them(folder: Path, tmp_path: Path) -> None:
    shutil.copytree(folder / "results", tmp_path / "r")
    given = ["check", "--baseline", str(tmp_path / "b.json"), "--results", str(tmp_path / "r"), "--allow-stale"]
    assert "judged: neighbours/recall@10" in words(*given, "--update-baseline")
    assert "passed" in words(*given)
    for file in (tmp_path / "r/records").glob("*itq-8*.json"):
        record = json.loads(file.read_text())
        record["metrics"]["neighbours/recall@10"] -= 0.1
        file.write_text(json.dumps(record))
    assert "regressed" in words(*given)


def test_rescoring_finds_the_same_numbers_from_codes_alone(folder: Path, tmp_path: Path) -> None:
    shutil.copytree(folder / "labelled/records", tmp_path / "records")
    context = ReplayContext(tmp_path, tmp_path, torch.device("cpu"), Weights(offline=True), None)
    for file in tmp_path.glob("records/*itq-12*.json"):
        before = json.loads(file.read_text())
        after = rescore_record(StoredTrial.read(file), context)
        for field in ("metrics", "curves", "diagnostics"):
            assert after[field] == before[field]


def test_pictures_of_vectors_are_refused_in_one_line(folder: Path) -> None:
    asked = ["gallery", "--results", str(folder / "results"), "--out", str(folder / "out")]
    done = CliRunner().invoke(cli, asked, catch_exceptions=False, standalone_mode=False)
    assert done.return_value == 3
    assert done.stderr.count("\n") == 1
    assert "of vectors, which have no images to show" in done.stderr


def test_metrics_are_listed() -> None:
    assert "neighbours/m@95" in words("list", "metrics")

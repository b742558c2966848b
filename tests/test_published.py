"""The committed records: whole, small, free of machine paths, and behind what README says."""

import json
import re
from functools import cache
from pathlib import Path
from typing import Any

import jsonschema
import numpy as np
import pytest

from hashbench.evaluation.metrics import declared
from hashbench.execution.run import make_settings, plan_grids
from hashbench.features import backbones
from hashbench.planning import trials as planning
from hashbench.planning.suite import open_grids
from hashbench.records.schema import schema
from hashbench.records.store import load_record
from hashbench.reporting.leaderboard.blocks import filled
from hashbench.reporting.write import write_reports

ROOT = Path(__file__).parent.parent
PUBLISHED = ROOT / "results/published"
FOLDERS = sorted(path for path in PUBLISHED.glob("*") if path.is_dir())
MARGINS = {16: 0.05, 32: 0.08, 64: 0.05}  # of bgan's mAP@1000 over itq's
ABOVE_FLOAT = 0.02  # of bgan's mAP@all at 32 and 64 bits over the ranking of the float features

if not FOLDERS:
    pytest.skip("results/published is not beside the tests", allow_module_level=True)

each_folder = pytest.mark.parametrize("folder", FOLDERS, ids=lambda folder: folder.name)


@cache
def records(folder: Path) -> list[tuple[Path, dict[str, Any]]]:
    return [(file, json.loads(file.read_text())) for file in sorted((folder / "records").glob("*.json"))]


@each_folder
def test_records_are_whole_and_carry_per_query_ap_but_no_codes(folder: Path) -> None:
    for file, record in records(folder):
        jsonschema.validate(load_record(file), schema("record"))
        with np.load(file.with_suffix(".npz")) as arrays:
            assert sorted(arrays) == ["average_precision", "query_items"]
            assert np.nanmean(arrays["average_precision"]) == pytest.approx(record["metrics"]["map@1000"], abs=1e-6)
    assert not list(folder.rglob("*.safetensors"))


@each_folder
def test_metrics_are_within_the_range_they_declare(folder: Path) -> None:
    for file, record in records(folder):
        ranges = {metric.id: metric.range for metric in declared(record["protocol_card"]["cutoff"])}
        for name, value in record["metrics"].items():
            low, high = ranges[name]
            assert value is None or (low is None or value >= low), (file.name, name)
            assert value is None or (high is None or value <= high), (file.name, name)


@each_folder
def test_records_name_no_folder_of_a_machine(folder: Path) -> None:
    for file, record in records(folder):
        assert not re.search(r"[\"= ]/\w+/", json.dumps(record)), file.name


@each_folder
def test_records_come_from_committed_sources(folder: Path) -> None:
    assert all(record["provenance"]["git_dirty"] is False for _, record in records(folder))


@each_folder
def test_tables_are_what_the_records_make(folder: Path, tmp_path: Path) -> None:
    (tmp_path / "records").symlink_to(folder / "records")
    (tmp_path / "throughput").symlink_to(folder / "throughput")
    write_reports(tmp_path, figures=False)
    for name in ("leaderboard.md", "leaderboard.csv"):
        assert (tmp_path / name).read_bytes() == (folder / name).read_bytes()


def test_readmes_leaderboards_are_what_the_records_make() -> None:
    assert filled(ROOT / "README.md") == (ROOT / "README.md").read_text()


def ap(folder: str, method: str, bits: int | None) -> np.ndarray[Any, np.dtype[np.float64]]:
    """AP at 1,000 of each query, a row for each repetition, queries in one order."""
    per_query = []
    for file, record in records(PUBLISHED / folder):
        trial = record["trial"]
        if (trial["method"], trial["bits"], record["variant"]) == (method, bits, {}):
            with np.load(file.with_suffix(".npz")) as arrays:
                per_query.append(arrays["average_precision"][np.argsort(arrays["query_items"])])
    return np.array(per_query)


def metric(folder: str, method: str, bits: int | None, name: str) -> float:
    values = [
        record["metrics"][name]
        for _, record in records(PUBLISHED / folder)
        if (record["trial"]["method"], record["trial"]["bits"], record["variant"]) == (method, bits, {})
    ]
    return float(np.mean(values))


@pytest.mark.parametrize("bits", MARGINS)
def test_bgan_keeps_its_margin_over_itq_on_the_same_queries(bits: int) -> None:
    bgan, itq = ap("bgan-leaderboard", "bgan", bits), ap("bgan-leaderboard", "itq", bits)
    assert bgan.shape == itq.shape == (3, 1000)
    assert (bgan.mean(0) - itq.mean(0)).mean() >= MARGINS[bits]


@pytest.mark.parametrize("bits", [32, 64])
def test_bgan_is_above_the_float_features_in_map_over_all_ranks(bits: int) -> None:
    bgan = metric("bgan-leaderboard", "bgan", bits, "map@all")
    assert bgan >= metric("bgan-leaderboard", "reference-float", None, "map@all") + ABOVE_FLOAT


@pytest.mark.slow
@each_folder
def test_a_run_of_its_suite_wants_nothing_but_what_the_readme_lists(
    folder: Path, data_root: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As ``hashbench run --suite NAME --dry-run --device cpu --results results/published/NAME``."""
    sums = {record["trial"]["features_weights"] for _, record in records(folder)}
    (sum_of_weights,) = sums  # of a state that is not here, in bgan-encoder
    monkeypatch.setattr(backbones, "checked_sum", lambda net, weights: sum_of_weights)
    monkeypatch.setattr(planning, "checked_sum", lambda net, weights: sum_of_weights)
    settings = make_settings(folder, data_root, device="cpu", offline=True)
    entries = plan_grids(open_grids(folder.name, {}), settings).entries
    wanted = [str(entry.planned) for entry in entries if entry.state != "done"]
    listed = re.findall(rf"^\* `{folder.name}`: (.*)$", (PUBLISHED / "README.md").read_text(), re.MULTILINE)
    assert sorted(wanted) == sorted(listed)

"""The committed records: whole, small, free of machine paths, and behind what README and the pages say."""

import json
import re
from functools import cache
from pathlib import Path
from typing import Any

import jsonschema
import numpy as np
import pytest

from hashbench.evaluation.metrics import declared, declared_neighbours
from hashbench.execution.run import make_settings, plan_grids
from hashbench.features import backbones
from hashbench.nets.diffusion import LEAST_ITEMS
from hashbench.planning import trials as planning
from hashbench.planning.suite import open_grids
from hashbench.plugins.registry import DATASETS
from hashbench.records.schema import schema
from hashbench.records.store import load_record
from hashbench.reporting.leaderboard.blocks import filled
from hashbench.reporting.write import write_reports
from tests.methods.test_sign import FASHION_MNIST

ROOT = Path(__file__).parent.parent
PUBLISHED = ROOT / "results/published"
FOLDERS = sorted(path for path in PUBLISHED.glob("*") if path.is_dir())
LENGTHS = (16, 32, 64)
PAGES = [
    str(file.relative_to(ROOT))
    for file in (ROOT / "README.md", *sorted((ROOT / "docs").glob("*.md")))
    if re.search(r"^<!-- hashbench leaderboard \S*results/published/", file.read_text(), re.M)
]
# What docs/bgan.md says at least: of bgan's mAP@1000 over another row, of its mAP@all over the float features' ranking.
MARGINS = (
    ("bgan-leaderboard", "itq", {16: 0.05, 32: 0.08, 64: 0.05}),
    ("photo-leaderboard", "itq", {16: 0.05, 32: 0.06, 64: 0.05}),
    ("photo-leaderboard", "reference-float", {32: 0.02, 64: 0.02}),
)
ABOVE_FLOAT_AT_ALL = (
    ("bgan-leaderboard", {32: 0.02, 64: 0.02}),
    ("photo-leaderboard", {16: 0.07, 32: 0.07, 64: 0.07}),
)

if not FOLDERS:
    pytest.skip("results/published is not beside the tests", allow_module_level=True)

each_folder = pytest.mark.parametrize("folder", FOLDERS, ids=lambda folder: folder.name)


@cache
def records(folder: Path) -> list[tuple[Path, dict[str, Any]]]:
    return [(file, load_record(file)) for file in sorted((folder / "records").glob("*.json"))]


@each_folder
def test_records_are_whole_and_carry_per_query_ap_but_no_codes(folder: Path) -> None:
    validator = jsonschema.Draft202012Validator(schema("record"))  # jsonschema.validate checks the schema each time
    for file, record in records(folder):
        validator.validate(record)
        with np.load(file.with_suffix(".npz")) as arrays:
            both = "neighbours/recall@10" in record["metrics"]  # kinds of relevance
            assert sorted(arrays) == ["average_precision", *["neighbour_recall"] * both, "query_items"]
            assert np.nanmean(arrays["average_precision"]) == pytest.approx(record["metrics"]["map@1000"], abs=1e-6)
    assert not list(folder.rglob("*.safetensors"))


@each_folder
def test_metrics_are_within_the_range_they_declare(folder: Path) -> None:
    for file, record in records(folder):
        metrics = *declared(record["protocol_card"]["cutoff"]), *declared_neighbours()
        ranges = {metric.id: metric.range for metric in metrics}
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


@pytest.mark.parametrize("page", PAGES)
def test_the_leaderboards_of_pages_are_what_the_records_make(page: str) -> None:
    assert filled(ROOT / page) == (ROOT / page).read_text()


def trials(folder: str, method: str, bits: int | None) -> list[tuple[Path, dict[str, Any]]]:
    """The records of a method as the suite has it by default, a row for each repetition."""
    return [
        (file, record)
        for file, record in records(PUBLISHED / folder)
        if (record["trial"]["method"], record["trial"]["bits"]) == (method, bits)
        and record["named_variant"] not in ("paper", "released")
        and record["variant"] in ({}, {"similarity": "shared"})
    ]


def ap(folder: str, method: str, bits: int | None) -> np.ndarray[Any, np.dtype[np.float64]]:
    """AP at 1,000 of each query, a row for each repetition, queries in one order."""
    per_query = []
    for file, _ in trials(folder, method, bits):
        with np.load(file.with_suffix(".npz")) as arrays:
            per_query.append(arrays["average_precision"][np.argsort(arrays["query_items"])])
    return np.array(per_query)


def map_at_all(folder: str, method: str, bits: int | None) -> float:
    return float(np.mean([record["metrics"]["map@all"] for _, record in trials(folder, method, bits)]))


def margins(folder: str, other: str) -> dict[int, tuple[float, float]]:
    """By code length: bgan's mean margin in mAP@1000 over ``other``, and the lower end of its 95 % interval.

    AP is the mean over seeds; queries are resampled, the same for all code lengths, and the interval holds for all of
    them at once: by the largest of their deviations in standard errors.
    """
    by_bits = {}
    for bits in LENGTHS:
        bgan, one = ap(folder, "bgan", bits), ap(folder, other, None if other == "reference-float" else bits)
        assert bgan.shape == (3, 1000)
        by_bits[bits] = bgan.mean(0) - one.mean(0)
    differences = np.array(list(by_bits.values()))
    drawn = np.random.default_rng(0).integers(1000, size=(4000, 1000))
    means, errors = differences.mean(1), differences.std(1, ddof=1) / 1000**0.5
    deviations = np.abs(np.array([row[drawn].mean(1) for row in differences]) - means[:, None]) / errors[:, None]
    widest = np.quantile(deviations.max(0), 0.95)
    return {
        bits: (float(mean), float(mean - widest * error))
        for bits, mean, error in zip(by_bits, means, errors, strict=True)
    }


@pytest.mark.parametrize(("folder", "other", "least"), MARGINS)
def test_bgan_keeps_its_margins_on_the_same_queries(folder: str, other: str, least: dict[int, float]) -> None:
    found = margins(folder, other)
    print(folder, other, found)
    for bits, wanted in least.items():
        mean, lower = found[bits]
        assert mean >= wanted
        assert lower > 0


@pytest.mark.parametrize(("folder", "least"), ABOVE_FLOAT_AT_ALL)
def test_bgan_is_above_the_float_features_in_map_over_all_ranks(folder: str, least: dict[int, float]) -> None:
    for bits, wanted in least.items():
        bgan = map_at_all(folder, "bgan", bits)
        assert bgan >= map_at_all(folder, "reference-float", None) + wanted


@pytest.mark.parametrize(
    ("folder", "other", "said"),
    [
        ("bgan-leaderboard", "itq", r"It is (.*?) above ITQ at 16, 32 and 64 bits"),
        ("photo-leaderboard", "itq", r"`tuned` is (.*?) above ITQ at 16, 32 and 64 bits"),
        ("photo-leaderboard", "reference-float", r"at least [.\d]+\), and (.*?) above the ranking of"),
    ],
)
def test_the_margins_on_bgans_page_are_those_of_the_records(folder: str, other: str, said: str) -> None:
    found = re.search(said, (ROOT / "docs/bgan.md").read_text())
    assert found
    means = [
        ap(folder, "bgan", bits).mean() - ap(folder, other, None if other == "reference-float" else bits).mean()
        for bits in LENGTHS
    ]
    assert re.findall(r"\.\d+", found[1]) == [f"{mean:.3f}".removeprefix("0") for mean in means]


def test_the_selection_on_bgans_page_is_that_of_the_records() -> None:
    page = (ROOT / "docs/bgan.md").read_text()
    shown = re.findall(r"^\| [^|]+ \| (\.\d{3}) \| (\.\d{3}) \|$", page, re.M)
    of_records = [record for _, record in records(PUBLISHED / "photo-selection")]
    wanted = [
        tuple(f"{record['metrics'][name]:.3f}".removeprefix("0") for name in ("map@34", "map@all"))
        for record in of_records
        if record["trial"]["method"] != "reference-random"
    ]
    assert sorted(shown) == sorted(wanted)
    most = re.search(r"\| (\d+) similar items a row instead of 400", page)
    assert most
    assert int(most[1]) == of_records[0]["protocol_card"]["sizes"]["train"] // LEAST_ITEMS


@pytest.fixture
def suite_data(folder: Path, request: pytest.FixtureRequest, tmp_path: Path) -> Path:
    """The folder of the data sets that a suite needs."""
    if folder.name != "embeddings":
        root: Path = request.getfixturevalue("data_root")
        return root
    if not FASHION_MNIST.is_dir():
        pytest.skip("Debian's package dataset-fashion-mnist is not installed")
    kind = DATASETS.get("fashion_mnist")
    kind(tmp_path, kind.protocols[0]).prepare(FASHION_MNIST, lambda _: None)
    return tmp_path


@pytest.mark.slow
@each_folder
def test_a_run_of_its_suite_wants_nothing_but_what_the_readme_lists(
    folder: Path, suite_data: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As ``hashbench run --suite NAME --dry-run --device cpu --results results/published/NAME``."""
    sums = {record["trial"]["features_weights"] for _, record in records(folder)}
    (sum_of_weights,) = sums  # of a state that is not here, in bgan-encoder
    monkeypatch.setattr(backbones, "checked_sum", lambda net, weights: sum_of_weights)
    monkeypatch.setattr(planning, "checked_sum", lambda net, weights: sum_of_weights)
    settings = make_settings(folder, suite_data, device="cpu", offline=True)
    entries = plan_grids(open_grids(folder.name, {}), settings).entries
    wanted = [str(entry.planned) for entry in entries if entry.state != "done"]
    listed = re.findall(rf"^\* `{folder.name}`: (.*)$", (PUBLISHED / "README.md").read_text(), re.MULTILINE)
    assert sorted(wanted) == sorted(listed)

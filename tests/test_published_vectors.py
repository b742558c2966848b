"""The committed records on neighbours: what was measured elsewhere, on the pixels of Fashion-MNIST."""

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest

RECORDS = Path(__file__).parent.parent / "results/published/embeddings/records"
PAGE = Path(__file__).parent.parent / "docs/neighbours.md"
MULTIPLES, BITS = (1, 2, 3, 5), 784
# Share of the ten nearest pictures of 60,000 (l2) inside the first 10 m: an independent measurement, other rotations.
MEASURED_ELSEWHERE = [
    ("sign", {}, "hamming", [0.180, 0.276, 0.341, 0.435]),
    ("sign", {"threshold": "mean"}, "hamming", [0.389, 0.550, 0.641, 0.741]),
    ("rotated_sign", {}, "hamming", [0.540, 0.739, 0.826, 0.900]),
    ("rabitq", {"rotation": False}, "estimator", [0.455, 0.660, 0.770, 0.882]),
    ("rabitq", {}, "estimator", [0.716, 0.914, 0.967, 0.992]),
]

if not RECORDS.is_dir():
    pytest.skip("results/published is not beside the tests", allow_module_level=True)


def records(method: str, variant: dict[str, Any], ranking: str) -> list[tuple[Path, dict[str, Any]]]:
    """Those of all repetitions."""
    found = [(file, json.loads(file.read_text())) for file in sorted(RECORDS.glob(f"*-{method}-{BITS}-*.json"))]
    return [
        (file, record)
        for file, record in found
        if record["variant"] == variant and record["trial"].get("ranking", "hamming") == ranking
    ]


@pytest.mark.parametrize(("method", "variant", "ranking", "wanted"), MEASURED_ELSEWHERE)
def test_codes_keep_as_many_neighbours_as_measured_elsewhere(
    method: str, variant: dict[str, Any], ranking: str, wanted: list[float]
) -> None:
    found = records(method, variant, ranking)
    assert len(found) == (1 if method == "sign" or "rotation" in variant else 3)
    for file, record in found:
        recall = record["curves"]["neighbours"]["recall"]
        assert [recall[m - 1] for m in MULTIPLES] == pytest.approx(wanted, abs=0.02), file.name


TABLE: list[tuple[str, str, dict[str, Any], str]] = [
    ("`sign` of x > 0", "sign", {}, "hamming"),
    ("`sign` about the mean", "sign", {"threshold": "mean"}, "hamming"),
    ("`rotated_sign`", "rotated_sign", {}, "hamming"),
    ("`rotated_sign`, query left real", "rotated_sign", {}, "asymmetric"),
    ("`rabitq` without its rotation", "rabitq", {"rotation": False}, "estimator"),
    ("`rabitq`", "rabitq", {}, "estimator"),
]


@pytest.mark.parametrize(("label", "method", "variant", "ranking"), TABLE)
def test_the_table_of_the_page_is_what_the_records_have(
    label: str, method: str, variant: dict[str, Any], ranking: str
) -> None:
    (row,) = (line for line in PAGE.read_text().splitlines() if line.startswith(f"| {label} |"))
    curves = [record["curves"]["neighbours"]["recall"] for _, record in records(method, variant, ranking)]
    means = [np.mean([curve[m - 1] for curve in curves]) for m in (1, 2, 3, 4, 5, 10)]
    assert [float(cell) for cell in row.split("|")[2:-1]] == pytest.approx(means, abs=0.00051)


def test_the_page_of_footguns_says_what_the_records_have() -> None:
    text = (PAGE.parent / "footguns.md").read_text().partition("## Your own vectors")[2]
    recalls = {}
    for _, method, variant, ranking in TABLE:
        found = [record["metrics"]["neighbours/recall@10"] for _, record in records(method, variant, ranking)]
        recalls[method, bool(variant), ranking] = f"{np.mean(found):.3f}"[1:]
    sign, about_the_mean = recalls["sign", False, "hamming"], recalls["sign", True, "hamming"]
    assert f"recall@10 {sign} on Fashion-MNIST; the sign about the mean {about_the_mean} |" in text
    assert f"{about_the_mean}; with a random one {recalls['rotated_sign', False, 'hamming']} |" in text
    unrotated, rotated = recalls["rabitq", True, "estimator"], recalls["rabitq", False, "estimator"]
    assert f"{unrotated} in place of {rotated} for RaBitQ" in text


@pytest.mark.parametrize("file", sorted(RECORDS.glob("*.json")), ids=lambda file: file.stem.split("test_2k-")[-1])
def test_recall_is_the_mean_over_its_queries_and_rises(file: Path) -> None:
    record = json.loads(file.read_text())
    curve = record["curves"]["neighbours"]["recall"]
    assert curve == sorted(curve)
    with np.load(file.with_suffix(".npz")) as arrays:
        assert arrays["neighbour_recall"].mean() == pytest.approx(record["metrics"]["neighbours/recall@10"], abs=1e-6)
    assert curve[0] == pytest.approx(record["metrics"]["neighbours/recall@10"], abs=1e-6)

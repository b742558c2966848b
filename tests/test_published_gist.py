"""The committed records on GIST lie at the published rows, in the mean over their repetitions."""

import re
from pathlib import Path

import pytest

from hashbench.records.results import results
from hashbench.records.store import load_record
from hashbench.reporting.published.figures import tables_with
from hashbench.reporting.published.verdict import WITHIN, verdicts

RECORDS = Path(__file__).parent.parent / "results/published/gist/records"
(TABLE,) = [table for table in tables_with("lsh") if table.protocol == "cifar10/unsupervised-59k"]

if not RECORDS.is_dir():
    pytest.skip("results/published is not beside the tests", allow_module_level=True)


@pytest.mark.parametrize("method", sorted(TABLE.rows))
def test_every_published_figure_is_reproduced(method: str) -> None:
    records = [load_record(file) for file in sorted(RECORDS.glob(f"*-{method}-*.json"))]
    found = verdicts(TABLE, method, records, frozenset())
    assert [each.bits for each in found] == [12, 24, 32, 48]
    for each in found:
        assert each.verdict == WITHIN, (each.bits, each.ours, each.published)
        assert each.repetitions == {"itq": 3, "spectral": 1, "lsh": 8}[method]


def test_lsh_leaves_its_published_row_where_it_is_centred() -> None:
    """Its figure rises with the bits, more than that of LSH without centring, which the row is taken for."""
    means = {}
    for centred in (True, False):
        for bits in (12, 48):
            records = [load_record(file) for file in sorted(RECORDS.glob(f"*-lsh-{bits}-*.json"))]
            own = [each["metrics"]["map@all"] for each in records if each["trial"]["parameters"]["centred"] == centred]
            assert len(own) == 8
            means[centred, bits] = sum(own) / len(own)
    published = TABLE.rows["lsh"]
    assert means[True, 48] - published["48"] > TABLE.tolerance
    assert means[True, 48] - means[True, 12] > 0.015 > means[False, 48] - means[False, 12]


def test_the_table_of_encoding_rates_has_the_measured_figures() -> None:
    page = (RECORDS.parents[3] / "docs/methods.md").read_text(encoding="utf-8")
    section = page.partition("## Encoding\n")[2].partition("\n## ")[0]
    table = re.findall(r"^\| `(.+?)` \| ([\d,]+) \| ([\d.]+) \|$", section, re.MULTILINE)
    published = results(RECORDS.parent)
    trials = {record["key"]: record["trial"] for record in published.records}
    measured, alone = {}, []
    for throughput in published.throughputs:
        trial, rate = trials[throughput["key"]], throughput["encode"]["features_per_s"]
        changed = {"layers": 2, "centred": False}.items() & trial["parameters"].items()
        row = " ".join([trial["method"], *(f"[{name}={value}]" for name, value in changed)])
        measured[row] = (float(f"{rate['median']:.3g}"), round(1e6 / rate["single"]["median"], 1))
        alone.append(throughput["other_cores"] < 0.05)
        assert trial["bits"] == 48
    assert {name: (float(rate.replace(",", "")), float(time)) for name, rate, time in table} == measured
    assert all(alone)
    assert len(measured) == 16

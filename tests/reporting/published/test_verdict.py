"""A published figure beside ours: the gap, the verdict, and which records count."""

from typing import Any

import pytest

from hashbench.records.store import Record
from hashbench.reporting.published.figures import FigureTable
from hashbench.reporting.published.text import table_lines
from hashbench.reporting.published.verdict import recorded_repetitions, verdicts

TABLE = FigureTable(
    title="digits, pixels",
    source="nobody, 2026",
    setting="200 queries",
    differs="",
    protocol="digits/holdout-200",
    features="pixels",
    metric="map@all",
    tolerance=0.015,
    why="two runs differ by as much",
    rows={"itq": {"16": 0.500, "32": 0.6}},
    spread={"itq": {"16": 0.01}},
    parameters={"itq": {"iterations": 20}},
)


def record(value: float | None, method: str = "itq", **changes: Any) -> Record:
    trial = {
        "method": method,
        "bits": 16,
        "protocol": "digits/holdout-200",
        "features": "pixels",
        "limit": None,
        "preset": None,
        "parameters": {"iterations": 20} if method == "itq" else {},
        **{name: changed for name, changed in changes.items() if name != "variant"},
    }
    variant = changes.get("variant", {"iterations": 20} if method == "itq" else {})
    status = "ok" if value is not None else "failed"
    return {"key": f"{value}", "status": status, "trial": trial, "variant": variant, "metrics": {"map@all": value}}


@pytest.mark.parametrize(
    ("ours", "verdict"),
    [(0.5, "reproduced"), (0.514, "reproduced"), (0.486, "reproduced"), (0.516, "above"), (0.484, "below")],
)
def test_a_gap_within_the_tolerance_is_reproduced(ours: float, verdict: str) -> None:
    first, second = verdicts(TABLE, "itq", [record(ours)], frozenset())
    assert (first.bits, first.published, first.verdict) == (16, 0.5, verdict)
    assert first.gap == pytest.approx(ours - 0.5)
    assert (second.bits, second.ours, second.gap, second.verdict) == (32, None, None, "no record")


def test_ours_is_the_mean_over_repetitions() -> None:
    found = verdicts(TABLE, "itq", [record(0.49), record(0.51)], frozenset(["0.51"]))[0]
    assert found.ours == pytest.approx(0.5)
    assert (found.repetitions, found.stale) == (2, True)
    assert found.deviation == pytest.approx(0.0141, abs=1e-4)


def test_repetitions_count_where_every_length_has_them() -> None:
    made = [record(0.5, bits=bits, repetition=number) for bits, number in ((16, 0), (16, 1), (32, 0), (32, 1), (16, 2))]
    assert recorded_repetitions(TABLE, "itq", made) == 2
    assert recorded_repetitions(TABLE, "itq", made[1:]) == 0, "the first is missing"
    assert recorded_repetitions(TABLE, "itq", []) == 0


@pytest.mark.parametrize(
    "changes",
    [
        {"protocol": "digits/other"},
        {"features": "gist"},
        {"limit": 100},
        {"preset": "quick"},
        {"method": "lsh"},
        {"neighbours": "l2"},
        {"parameters": {"iterations": 50}, "variant": {}},
        {"variant": {"iterations": 20, "other": 1}},
    ],
)
def test_a_record_of_another_setting_does_not_count(changes: dict[str, Any]) -> None:
    assert verdicts(TABLE, "itq", [record(0.5, **changes), record(None)], frozenset())[0].verdict == "no record"


def test_the_text_has_figures_gap_verdict_protocol_and_source() -> None:
    found = verdicts(TABLE, "itq", [record(0.49)], frozenset(["0.49"]))
    assert table_lines(TABLE, "itq", found) == [
        "itq: digits, pixels",
        "source: nobody, 2026",
        "protocol: digits/holdout-200, features pixels, map@all: 200 queries",
        "bits      published   ours     gap  verdict",
        "  16  0.500 ± 0.010  0.490  -0.010  reproduced (stale: today's code would not make the record)",
        "  32          0.600      -       -  no record",
        "reproduced means within 0.015: two runs differ by as much",
    ]


def test_no_gap_has_no_minus() -> None:
    assert "  +0.000  reproduced" in table_lines(TABLE, "itq", verdicts(TABLE, "itq", [record(0.4999)], frozenset()))[4]

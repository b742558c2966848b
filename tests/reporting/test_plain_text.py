"""Texts that several reports share."""

import pytest

from hashbench.reporting.plain_text import aligned, machine_text, markdown_table

HARDWARE = {"id": "a1", "cpu": "Xeon", "cores": 8, "threads": 4, "gpus": [], "device": "cpu"}


def test_columns_are_as_wide_as_their_widest_cell() -> None:
    rows = [("label", "queries", "share"), ("a", "1,000", "5 %"), ("longer name", "7", "")]
    assert aligned(rows, "lr") == [
        "  label        queries  share",
        "  a              1,000    5 %",
        "  longer name        7",
    ]
    assert aligned(rows, "rll")[1] == "            a  1,000    5 %"


def test_a_markdown_table_aligns_numbers_at_the_right() -> None:
    lines = markdown_table(["method", "bits"], [["itq", "16"]], [False, True]).splitlines()
    assert lines == ["| method | bits |", "| --- | ---: |", "| itq | 16 |"]


@pytest.mark.parametrize(
    ("changes", "whole", "brief"),
    [
        ({}, "Xeon, 8 cores, 4 threads, device cpu", "Xeon, 4 threads"),
        (
            {"gpus": ["H200", "H200"], "device": "cuda"},
            "Xeon, 8 cores, 4 threads, device cuda (H200, H200)",
            "H200, H200",
        ),
        ({"gpus": ["H200"]}, "Xeon, 8 cores, 4 threads, device cpu (H200)", "Xeon, 4 threads"),
        ({"cores": 1, "threads": 1}, "Xeon, 1 core, 1 thread, device cpu", "Xeon, 1 thread"),
    ],
)
def test_a_machine_in_words(changes: dict[str, object], whole: str, brief: str) -> None:
    hardware = {**HARDWARE, **changes}
    assert (machine_text(hardware), machine_text(hardware, brief=True)) == (whole, brief)

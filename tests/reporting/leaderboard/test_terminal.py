"""The table on terminals of any width: whole columns go, and no number is cut."""

import io
import re
from functools import cache
from itertools import pairwise

import pytest
from rich.console import Console

from hashbench.records.results import Results
from hashbench.reporting.leaderboard.table import Table
from hashbench.reporting.leaderboard.tables import tables
from hashbench.reporting.leaderboard.terminal import show
from hashbench.util.output import HANDLER
from tests.reporting.made_records import make_record

BITS = (16, 32, 64, 128)
SECONDS, RATES = {"fit": 16_700.0}, {"encode": 821.0, "search": 16_700.0}


@cache
def _tables() -> list[Table]:
    records = []
    for method in ("itq", "a_method_whose_name_is_very_long_indeed"):
        for bits in BITS:
            records += [make_record(method, bits, 0.5 + 0.01 * n, repetition=n) for n in range(3)]
    for number, record in enumerate(records):
        record |= {"key": f"{number:016}", "seconds": SECONDS}
    return tables(Results(tuple(records), tuple(map(_rates, records))))


def printed(width: int, terminal: bool = True, encoding: str = "utf-8") -> str:
    """A table of three repetitions with rates, as a console of that width shows it, without styles."""
    stream = io.BytesIO()
    text = io.TextIOWrapper(stream, encoding, HANDLER)
    console = Console(file=text, width=width, force_terminal=terminal, color_system=None)
    show(_tables(), console)
    text.flush()
    return stream.getvalue().decode(encoding)


def _rates(record: dict[str, object]) -> dict[str, object]:
    hardware = record["environment"]["hardware"]  # type: ignore[index]
    encode = {"images_per_s": {"median": RATES["encode"]}}
    search = {"100": {"queries_per_s": {"median": RATES["search"]}}}
    return {"key": record["key"], "hardware": hardware, "encode": encode, "search": search}


def heads(text: str) -> list[str]:
    """The headings of the columns."""
    return re.findall(r"\d+ bits|fit s|encode/s|search/s", next(line for line in text.splitlines() if " bits" in line))


WHOLE = [*(f"{bits} bits" for bits in BITS), "fit s", "encode/s", "search/s"]


@pytest.mark.parametrize("width", [30, 50, 60, 79, 80, 92, 100, 110, 119, 120, 200])
def test_no_number_is_cut_at_any_width(width: int) -> None:
    text = printed(width)
    shown = heads(text)
    lines = [line for line in text.splitlines() if "±" in line and "Mean" not in line]
    assert len(lines) == 2
    for line in lines:
        numbers = re.findall(r"0\.510 ± 0\.010|16,700\.0|16700\.0|16,700|821", line)
        assert len(numbers) == len(shown)
        assert len(line.rstrip()) <= max(width, 36)


def test_rates_go_first_then_seconds_then_the_longest_codes_and_a_line_says_so() -> None:
    left_out = [[head for head in WHOLE if head not in heads(printed(width))] for width in range(120, 40, -1)]
    order = [left_out[0]] + [now for before, now in pairwise(left_out) if now != before]
    wanted = ["search/s", "encode/s", "fit s", "128 bits", "64 bits", "32 bits"]
    assert order[-1]
    assert all(set(one) == set(wanted[: len(one)]) for one in order)
    said = " ".join(printed(80).split())
    assert "The terminal is too narrow, 80 columns, for 128 bits, fit s, encode/s, search/s;" in said
    assert "too narrow" not in printed(200)


def test_nothing_is_left_out_where_the_output_is_no_terminal() -> None:
    text = printed(40, terminal=False)
    assert heads(text) == WHOLE
    assert "too narrow" not in text
    assert "a_method_whose_name_is_very_long_indeed" in text


@pytest.mark.parametrize("encoding", ["ascii", "latin-1", "cp1252"])
def test_columns_stay_aligned_in_encodings_that_lack_signs(encoding: str) -> None:
    text = printed(200, encoding=encoding)
    lines = [line.rstrip() for line in text.splitlines() if "0.510" in line]
    assert len({line.rindex("16,700") for line in lines}) == 1
    assert len({line.index("0.510") for line in lines}) == 1

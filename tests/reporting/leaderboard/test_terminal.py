"""The table on terminals of any width: columns follow in a block below, and no number is cut."""

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
def _tables(bits: tuple[int, ...]) -> list[Table]:
    records = []
    for method in ("itq", "a_method_whose_name_is_very_long_indeed"):
        for length in bits:
            records += [make_record(method, length, 0.5 + 0.01 * n, repetition=n) for n in range(3)]
    for number, record in enumerate(records):
        record |= {"key": f"{number:016}", "seconds": SECONDS}
    return tables(Results(tuple(records), tuple(map(_rates, records))))


def printed(width: int, terminal: bool = True, encoding: str = "utf-8", bits: tuple[int, ...] = BITS) -> str:
    """A table of three repetitions with rates, as a console of that width shows it, without styles."""
    stream = io.BytesIO()
    text = io.TextIOWrapper(stream, encoding, HANDLER)
    console = Console(file=text, width=width, force_terminal=terminal, color_system=None)
    show(_tables(bits), console)
    text.flush()
    return stream.getvalue().decode(encoding)


def _rates(record: dict[str, object]) -> dict[str, object]:
    hardware = record["environment"]["hardware"]  # type: ignore[index]
    encode = {"images_per_s": {"median": RATES["encode"]}}
    search = {"100": {"queries_per_s": {"median": RATES["search"]}}}
    return {"key": record["key"], "hardware": hardware, "encode": encode, "search": search}


def blocks(text: str) -> list[list[str]]:
    """The headings of the numbers of each block."""
    heads = (line for line in text.splitlines() if " method " in f" {line} " and "codes" not in line)
    return [re.findall(r"\d+ bits|fit s|encode/s|search/s", line) for line in heads]


def whole(bits: tuple[int, ...]) -> list[str]:
    return [*(f"{length} bits" for length in bits), "fit s", "encode/s", "search/s"]


def check_whole(text: str, width: int, bits: tuple[int, ...]) -> None:
    """Every number stands once in each row, in a block that is no wider than the terminal, below its heading."""
    found = blocks(text)
    assert sorted(heading for block in found for heading in block) == sorted(whole(bits))
    lines = [line for line in text.splitlines() if re.search(r"0\.510 ± 0\.010|16,?700|821", line)]
    assert len(lines) == 2 * len(found)
    for number, line in enumerate(lines):
        numbers = re.findall(r"0\.510 ± 0\.010|16,700\.0|16700\.0|16,700|821", line)
        assert len(numbers) == len(found[number // 2])
        assert len(line.rstrip()) <= width


@pytest.mark.parametrize("width", [36, 50, 60, 79, 80, 92, 100, 110, 119, 120, 200])
def test_no_number_is_cut_or_left_out_at_any_width(width: int) -> None:
    check_whole(printed(width), width, BITS)


@pytest.mark.parametrize("columns", range(3, 13))
def test_a_usual_terminal_has_all_of_any_number_of_code_lengths(columns: int) -> None:
    bits = tuple(range(8, 8 * (columns + 1), 8))
    check_whole(text := printed(80, bits=bits), 80, bits)
    assert len(blocks(text)) <= 1 + (columns + 3) // 3
    assert text.count(" on digits/holdout-200") == 1


def test_rates_go_to_the_next_block_first_then_seconds_then_the_longest_codes() -> None:
    first = [blocks(printed(width))[0] for width in range(120, 40, -1)]
    gone = [[head for head in whole(BITS) if head not in shown] for shown in first]
    order = [gone[0]] + [now for before, now in pairwise(gone) if now != before]
    wanted = ["search/s", "encode/s", "fit s", "128 bits", "64 bits", "32 bits"]
    assert order[-1]
    assert all(set(one) == set(wanted[: len(one)]) for one in order)
    assert blocks(printed(80))[1] == ["128 bits", "fit s", "encode/s", "search/s"]


def test_there_is_one_block_where_the_output_is_no_terminal() -> None:
    text = printed(40, terminal=False)
    assert blocks(text) == [whole(BITS)]
    assert "a_method_whose_name_is_very_long_indeed" in text


@pytest.mark.parametrize("encoding", ["ascii", "latin-1", "cp1252"])
def test_columns_stay_aligned_in_encodings_that_lack_signs(encoding: str) -> None:
    text = printed(200, encoding=encoding)
    lines = [line.rstrip() for line in text.splitlines() if "0.510" in line]
    assert len({line.rindex("16,700") for line in lines}) == 1
    assert len({line.index("0.510") for line in lines}) == 1

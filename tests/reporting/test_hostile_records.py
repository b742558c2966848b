"""Records that nobody should have written: shown safely, or named and left where they are."""

import io
import json
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from rich.console import Console

from hashbench.records.results import results
from hashbench.records.store import Record, to_json
from hashbench.reporting.leaderboard.caption import failures
from hashbench.reporting.leaderboard.csv_file import csv
from hashbench.reporting.leaderboard.latex import latex
from hashbench.reporting.leaderboard.markdown import markdown
from hashbench.reporting.leaderboard.table import Table
from hashbench.reporting.leaderboard.tables import tables
from hashbench.reporting.leaderboard.terminal import show
from tests.reporting.made_records import failed, make_record, write_records

SCRIPT = "<script>alert(1)</script>|\x1b[31mred_50%"


def table_with(tmp_path: Path, *records: Record) -> Table:
    (table,) = tables(results(write_records(tmp_path, records).root))
    return table


def test_names_are_escaped_in_every_format(tmp_path: Path) -> None:
    table = table_with(tmp_path, make_record(SCRIPT, 16, 0.5), make_record("itq", 16, 0.4))
    text = markdown([table])
    assert "<script" not in text
    assert r"&lt;script&gt;alert(1)&lt;/script&gt;\|?[31mred_50%" in text
    assert r"\textless{}script\textgreater{}alert(1)\textless{}/script\textgreater{}|?{[}31mred\_50\%" in latex([table])
    show([table], Console(file=(stream := io.StringIO()), width=140))
    assert "\x1b" not in stream.getvalue() + text + latex([table])


def test_long_errors_are_shortened(tmp_path: Path) -> None:
    record = failed(make_record("slow", 16, 0.5))
    record["error"]["message"] = "x" * 1_000_000
    (line,) = failures(table_with(tmp_path, record))
    assert line.endswith("x... (1,000,000 characters)")
    assert len(line) < 400


def test_numbers_that_are_none_are_missing(tmp_path: Path) -> None:
    record = make_record("itq", 16, 0.5)
    store = write_records(tmp_path, [record, make_record("lsh", 16, 0.4)])
    (file,) = store.records_folder.glob("*-itq-*.json")
    file.write_text(
        file.read_text().replace('"map@1000": 0.5', '"map@1000": NaN').replace('"map@all": 0.5', '"map@all": Infinity')
    )
    (table,) = tables(results(tmp_path))
    assert [row.method for row in table.ranked] == ["lsh"]
    assert "| – | itq | – |" in markdown([table])
    assert "nan" not in markdown([table]).lower()
    assert "inf" not in csv([table])


def _future(content: Record) -> bytes:
    return to_json({**content, "format": 5})


def _older(content: Record) -> bytes:
    return to_json({**content, "format": 1})


def _cut_off(content: Record) -> bytes:
    text = to_json(content)
    return text[: text.index(b'"status": ') + len(b'"status": ')]


def _not_text(content: Record) -> bytes:
    return bytes(range(256))


def _list(content: Record) -> bytes:
    return b"[1, 2]"


def _without_part(content: Record) -> bytes:
    content = json.loads(to_json(content))
    del content["trial"]["bits"], content["provenance"]
    return to_json(content)


def _deep(content: Record) -> bytes:
    return b"[" * 100_000


@pytest.mark.parametrize(
    ("damage", "says"),
    [
        (_future, "is of format 5, wanted 4; a newer hashbench reads it, or move it away"),
        (_older, "is of format 1, wanted 4; run its trial again, or move it away"),
        (_cut_off, "cannot be read (Expecting value"),
        (_not_text, "cannot be read ('utf-8' codec"),
        (_list, "is no hashbench record of format 4; move it away"),
        (_without_part, ": trial lacks bits, wanted a whole number or null; move it away or restore it"),
        (_deep, "cannot be read (maximum recursion depth"),
    ],
)
def test_files_that_cannot_be_read_are_named_and_left_and_hide_nothing(
    tmp_path: Path, damage: Callable[[Record], bytes], says: str
) -> None:
    store = write_records(tmp_path, [make_record("itq", 16, 0.5), make_record("lsh", 16, 0.4)])
    (file,) = store.records_folder.glob("*-itq-*.json")
    content = damage(json.loads(file.read_text()))
    file.write_bytes(content)
    readable = results(tmp_path)
    assert [record["trial"]["method"] for record in readable.records] == ["lsh"]
    (fault,) = readable.faults
    assert str(file) in fault
    assert says in fault
    assert file.read_bytes() == content


def test_per_query_values_that_are_not_finite_do_not_reach_a_comparison(tmp_path: Path) -> None:
    values = [np.array([0.5, np.nan, 0.7]), np.array([0.4, np.nan, 0.6])]
    records = [make_record("itq", 16, 0.6), make_record("lsh", 16, 0.5)]
    (table,) = tables(results(write_records(tmp_path, records, values).root))
    paired = table.ranked[1].cell(16).vs_best
    assert paired is not None
    assert paired.queries == 2
    assert paired.difference == pytest.approx(-0.1)

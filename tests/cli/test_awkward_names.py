"""Names that are long, have commas or brackets, or look like formulas: of methods, data sets and folders."""

import csv
import json
from pathlib import Path
from typing import Any

import pytest

from hashbench.records.results import Results
from hashbench.reporting.leaderboard.csv_file import csv as csv_text
from hashbench.reporting.leaderboard.tables import tables
from hashbench.util.files import name_with_key
from tests.command import hashbench
from tests.datasets.nuswide_files import write_image
from tests.reporting.made_records import make_record

METHOD = (Path(__file__).parents[1] / "plugin_root/methods/first_pixels.py").read_text()
LONG = "x" * 200


def folder_of_images(folder: Path, name: str) -> str:
    """A small data set of files; returns its spec."""
    folder.mkdir(parents=True)
    rows = ["path,labels,split"]
    for number in range(12):
        write_image(folder / f"{number}.jpg", 20 * number)
        split = "query" if number < 3 else "train+database"
        rows.append(f"{number}.jpg,{'owl' if number % 2 else 'jay'},{split}")
    (folder / "labels.csv").write_text("\n".join(rows))
    (folder / "set.toml").write_text(f'name = "{name}"\nfeatures = "pixels@8"\n')
    return f"folder:{folder / 'set.toml'}"


def test_names_of_any_length_and_with_commas_and_brackets_are_run(tmp_path: Path) -> None:
    (tmp_path / "methods").mkdir()
    for name in ("m" * 200, "first,pixels", "first[1]"):
        (tmp_path / "methods" / f"{name}.py").write_text(METHOD)
    spec = folder_of_images(tmp_path / "a,b", LONG)
    methods = f'{"m" * 200},"first,pixels",first[1]'
    words = (
        "run",
        "--methods",
        methods,
        "--bits",
        "8",
        "--datasets",
        f'"{spec}"',
        "--executor",
        "inline",
        "--no-rates",
        "--json",
    )
    done = hashbench(*words, cwd=tmp_path, HASHBENCH_PLUGINS=str(tmp_path))
    assert done.returncode == 0, done.stderr
    records = json.loads(done.stdout)
    assert {record["trial"]["method"] for record in records} >= {"m" * 200, "first,pixels", "first[1]"}
    names = [file.name for file in tmp_path.glob("results/*/*")]
    assert max(map(len, names)) <= 255
    verified = hashbench("data", "verify", spec, cwd=tmp_path)
    assert verified.returncode == 0, verified.stderr


@pytest.mark.parametrize("option", ["--methods", "--datasets"])
def test_a_comma_that_is_not_quoted_is_pointed_out(tmp_path: Path, option: str) -> None:
    (tmp_path / "methods").mkdir()
    (tmp_path / "methods/first,pixels.py").write_text(METHOD)
    spec = folder_of_images(tmp_path / "a,b", "birds")
    given = {"--methods": "lsh", "--datasets": "digits", option: "first,pixels" if option == "--methods" else spec}
    options = [word for pair in given.items() for word in pair]
    done = hashbench("run", "--bits", "8", *options, cwd=tmp_path, HASHBENCH_PLUGINS=str(tmp_path))
    assert done.returncode == 2
    assert done.stderr.count("\n") == 1
    assert f"""write {option} '"{given[option]}"'""" in done.stderr


@pytest.mark.parametrize("name", ["=1+1", "+1", "-1", "@A1", "\t=1", '=HYPERLINK("x")'])
def test_a_cell_that_a_spreadsheet_would_compute_is_text(name: str) -> None:
    record: Any = make_record(name, 16, 0.5)
    record["metrics"] = {**record["metrics"], "=2+2": -1.5}
    rows = list(csv.reader(csv_text(tables(Results((record,)))).splitlines()))
    cells = dict(zip(rows[0], rows[1], strict=True))
    assert cells["method"] == f"'{name}"
    assert cells["'=2+2"] == "-1.5"
    assert float(cells["map@1000"]) == 0.5


def test_the_key_at_the_end_of_a_long_name_is_whole() -> None:
    names = [name_with_key("x" * length, "k" * 16) for length in range(1, 400)]
    assert all(name.endswith("x-" + "k" * 16) for name in names)
    assert max(len(f"{name}-reconstructions.png") for name in names) <= 255

"""The verb ``leaderboard``."""

import csv
import io
import json
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from hashbench.reporting.write import write_reports
from tests.cli.conftest import Done
from tests.reporting.made_records import failed, make_record, write_records

MARKED = "# Paper\n\n<!-- hashbench leaderboard results -->\nold\n<!-- end -->\n\nText.\n"


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    records = [
        make_record("itq", 16, 0.60),
        make_record("itq", 16, 0.64, repetition=1),
        make_record("lsh", 16, 0.40),
        make_record("lsh", 16, 0.30, limit=100),
        failed(make_record("slow", 16, 0.9)),
        make_record(
            "reference-random",
            16,
            0.106,
        ),
    ]
    return write_records(tmp_path / "results", records).root


def test_it_shows_every_table_with_its_failures(folder: Path, call: Callable[..., Done]) -> None:
    done = call("leaderboard")
    assert (done.code, done.err) == (0, "")
    assert "0.620 ± 0.028" in done.out
    assert "first 100" in done.out
    assert "slow 16 bits #0: timeout in fit" in done.out


def test_the_same_cells_in_every_format(folder: Path, call: Callable[..., Done]) -> None:
    rows = list(csv.DictReader(io.StringIO(call("leaderboard", "--format", "csv").out)))
    cells = json.loads(call("leaderboard", "--format", "json").out)
    assert [row["method"] for row in rows] == [cell["method"] for cell in cells]
    assert [float(row["map@1000"] or 0) for row in rows] == [cell.get("map@1000") or 0 for cell in cells]
    assert "| 1 | itq | **0.620 ± 0.028** |" in call("leaderboard", "--format", "md").out
    assert r"1 & ITQ & \textbf{0.620 $\pm$ 0.028} \\" in call("leaderboard", "--format", "latex").out


@pytest.mark.parametrize("kind", ["csv", "html"])
def test_a_table_of_records_is_written_without_torch(folder: Path, tmp_path: Path, kind: str) -> None:
    code = (
        "import sys; sys.argv = ['hashbench', *sys.argv[1:]]\n"
        "from hashbench.cli.main import main\n"
        "try: main()\n"
        "except SystemExit as end: sys.exit('torch is loaded' if 'torch' in sys.modules else end.code)"
    )
    words = ["leaderboard", str(folder), "--format", kind, "--out", str(tmp_path / "made")]
    done = subprocess.run([sys.executable, "-c", code, *words], capture_output=True, text=True, check=False)
    assert (done.returncode, done.stderr) == (0, "")


def test_a_selection_is_ranked_by_itself_and_keeps_the_references(folder: Path, call: Callable[..., Done]) -> None:
    asked = ("--methods", "l*", "--features", "pix*", "--datasets", "digits/holdout-200")
    cells = json.loads(call("leaderboard", "--format", "json", *asked).out)
    assert [(cell["method"], cell["limit"], cell["rank"]) for cell in cells] == [
        ("lsh", None, 1),
        ("reference-random", None, None),
        ("lsh", 100, 1),
    ]
    nothing = call("leaderboard", "--methods", "nobody")
    assert (nothing.code, nothing.err.count("\n")) == (3, 1)
    assert "other names or code lengths may have some" in nothing.err


def test_without_records_there_is_nothing_to_show(call: Callable[..., Done]) -> None:
    assert "no result folder 'results'; name one with --results" in call("leaderboard").err
    Path("results").mkdir()
    done = call("leaderboard")
    assert (done.code, done.out) == (3, "")
    assert "no records to show in 'results/records'; hashbench run makes some" in done.err


def test_a_file_is_written_whole_or_not_at_all(folder: Path, call: Callable[..., Done]) -> None:
    done = call("leaderboard", "--format", "latex", "--out", "table.tex")
    assert (done.code, done.out) == (0, "table.tex\n")
    assert Path("table.tex").read_text() == call("leaderboard", "--format", "latex").out
    nowhere = call("leaderboard", "--format", "md", "--out", "no/table.md")
    assert nowhere.code == 2
    assert "there is no folder 'no' for --out table.md; make it or name another" in nowhere.err


def test_a_damaged_record_is_named_and_the_rest_is_shown(folder: Path, call: Callable[..., Done]) -> None:
    (folder / "records/half.json").write_text('{"format": 2,')
    done = call("leaderboard")
    assert done.code == 0
    assert "half.json cannot be read" in done.err
    assert "0.620 ± 0.028" in done.out


def test_marks_in_a_markdown_file_are_filled_and_checked(folder: Path, call: Callable[..., Done]) -> None:
    Path("README.md").write_text(MARKED)
    assert call("leaderboard", "--into", "README.md", "--check").code == 1
    assert Path("README.md").read_text() == MARKED
    assert call("leaderboard", "--into", "README.md").code == 0
    text = Path("README.md").read_text()
    assert text.startswith("# Paper\n\n<!-- hashbench leaderboard results -->\n\n**mAP@1000 on digits/holdout-200")
    assert text.endswith("<!-- end -->\n\nText.\n")
    assert "| 1 | itq | **0.620 ± 0.028** |" in text
    assert call("leaderboard", "--into", "README.md", "--check").code == 0
    for record in (folder / "records").glob("*-lsh-*"):
        record.unlink()
    done = call("leaderboard", "--into", "README.md", "--check")
    assert (done.code, done.err) == (1, "README.md is out of date; hashbench leaderboard --into README.md\n")


def test_a_mark_selects_methods_and_ranks_by_a_metric(folder: Path, call: Callable[..., Done]) -> None:
    Path("README.md").write_text(MARKED.replace("results", "results --methods lsh --metric map@all"))
    assert call("leaderboard", "--into", "README.md").code == 0
    text = Path("README.md").read_text()
    assert "**mAP@all on digits/holdout-200" in text
    assert "| 1 | lsh |" in text
    assert "itq" not in text


@pytest.mark.parametrize(
    ("text", "says"),
    [
        (MARKED.replace("results", "results --bit 16"), "wanted a folder and options with values: --bits, --datasets"),
        (MARKED.replace("results", "results --bits"), "has a mark with 'results --bits'"),
        (MARKED.replace("results", "results --bits x"), "--bits has 'x'"),
        (MARKED.replace("results", "results --bits 4096"), "README.md: there are no such records in 'results'"),
        ("nothing here", "has no place for a leaderboard; put the lines"),
        (MARKED.replace("results", "elsewhere"), "there are no records in 'elsewhere'; name a result folder"),
    ],
)
def test_files_without_a_place_or_records_are_one_line(call: Callable[..., Done], text: str, says: str) -> None:
    Path("README.md").write_text(text)
    done = call("leaderboard", "--into", "README.md")
    assert (done.code, done.err.count("\n")) == (2, 1)
    assert says in done.err
    assert Path("README.md").read_text() == text


def test_a_result_folder_is_checked_against_its_records(folder: Path, call: Callable[..., Done]) -> None:
    assert "has none of leaderboard.md, leaderboard.csv" in call("leaderboard", "--check").err
    call("leaderboard", "--format", "md", "--out", "results/leaderboard.md")
    assert call("leaderboard", "--check").code == 0
    (folder / "leaderboard.md").write_text("edited")
    done = call("leaderboard", "--check")
    assert (done.code, done.err.count("\n")) == (1, 1)
    assert "results/leaderboard.md is out of date" in done.err


def test_out_of_date_files_are_named_with_the_command_that_renews_them(folder: Path, call: Callable[..., Done]) -> None:
    folder.rename("elsewhere")
    call("leaderboard", "--results", "elsewhere", "--format", "md", "--out", "elsewhere/leaderboard.md")
    Path("elsewhere/leaderboard.md").write_text("edited")
    done = call("leaderboard", "--results", "elsewhere", "--check")
    command = done.err.partition("; hashbench ")[2].strip()
    assert call(*command.split()).code == 0
    assert call("leaderboard", "--results", "elsewhere", "--check").code == 0


def test_marks_of_stale_records_are_no_reason_to_be_out_of_date(folder: Path, call: Callable[..., Done]) -> None:
    stale = frozenset(file.stem.rpartition("-")[2] for file in (folder / "records").glob("*-lsh-*.json"))
    write_reports(folder, stale=stale)
    assert "†" in (folder / "leaderboard.md").read_text()
    assert call("leaderboard", "--check").code == 0
    (folder / "leaderboard.md").write_text((folder / "leaderboard.md").read_text().replace("0.620", "0.621"))
    assert call("leaderboard", "--check").code == 1


def test_a_damaged_file_beside_a_record_does_not_keep_the_page_away(folder: Path, call: Callable[..., Done]) -> None:
    record = next((folder / "records").glob("*-itq-*.json"))
    record.with_suffix(".npz").write_bytes(b"PK")
    done = call("leaderboard", "--format", "html")
    assert done.code == 1
    assert f"{record.with_suffix('.npz').name} cannot be read" in done.err
    assert "cannot be read" in (folder / "leaderboard.html").read_text()


@pytest.mark.parametrize(
    ("words", "says"),
    [
        (("--check", "--methods", "itq"), "--methods cannot be combined with --into or --check"),
        (("--into", "README.md", "--results", "x"), "--results cannot be combined with --into or --check"),
        (("--check", "--format", "md"), "--format cannot be combined with --into or --check"),
        (("--format", "html", "--methods", "itq"), "a page of a selection needs --out FILE"),
    ],
)
def test_options_that_would_be_ignored_are_refused(
    folder: Path, call: Callable[..., Done], words: tuple[str, ...], says: str
) -> None:
    done = call("leaderboard", *words)
    assert done.code == 2
    assert says in done.err


@pytest.mark.skipif(shutil.which("pdflatex") is None, reason="needs pdflatex")
def test_latex_compiles(folder: Path, call: Callable[..., Done], tmp_path: Path) -> None:
    table = call("leaderboard", "--format", "latex").out
    head = "\\documentclass{article}\\usepackage[T1]{fontenc}\\usepackage{booktabs}\\begin{document}"
    (tmp_path / "paper.tex").write_text(f"{head}{table}\\end{{document}}")
    subprocess.run(["pdflatex", "-interaction=nonstopmode", "-halt-on-error", "paper.tex"], cwd=tmp_path, check=True)

"""Standard output: encodings that lack signs, and readers who leave early."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from hashbench.util.output import encodable
from tests.command import encoded, environment
from tests.reporting.made_records import failed, make_record, write_records

VERBS = (
    ("leaderboard",),
    *(("leaderboard", "--format", kind) for kind in ("md", "csv", "latex", "json")),
    ("compare", "results", "results"),
    ("show", "itq"),
    ("list",),
)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    several = [make_record(method, 16, 0.5 + n / 100, repetition=n) for method in ("itq", "lsh") for n in range(2)]
    broken = failed(make_record("slow", 16, 0.9))
    broken["error"]["message"] = "Größe ≠ 日本"
    write_records(tmp_path / "results", [*several, broken])
    return tmp_path


@pytest.mark.parametrize("encoding", ["ascii", "latin-1", "cp1252"])
@pytest.mark.parametrize("words", VERBS, ids=" ".join)
def test_every_report_is_printed_whole_in_encodings_that_lack_signs(
    folder: Path, encoding: str, words: tuple[str, ...]
) -> None:
    done = encoded(*words, cwd=folder, PYTHONIOENCODING=encoding)
    assert b"Error" not in done.stderr
    assert done.returncode in (0, 1 if words[0] == "compare" else 0)
    assert len(done.stdout.decode(encoding).splitlines()) > 3


METHOD = """
from hashbench.method import HashMethod, Traits


class Green(HashMethod):
    \"\"\"Schwellen — größer als der Mittelwert.\"\"\"

    traits = Traits()

    def fit(self, train, run): ...

    def encode(self, batch): ...
"""


@pytest.mark.parametrize(
    ("words", "where"),
    [
        (("list",), "stdout"),
        (("show", "green"), "stdout"),
        (("plot", "map-by-bits", "--out", "Bilder–größer"), "stdout"),
        (("data", "verify", "folder:größe.toml"), "stderr"),
        (("run", "--methods", "größe", "--bits", "8"), "stderr"),
        (("leaderboard", "--größe"), "stderr"),
    ],
    ids=str,
)
def test_every_verb_writes_ascii_where_the_encoding_is_ascii(folder: Path, words: tuple[str, ...], where: str) -> None:
    (folder / "methods").mkdir()
    (folder / "methods/green.py").write_text(METHOD, encoding="utf-8")
    done = encoded(*words, cwd=folder, PYTHONIOENCODING="ascii", HASHBENCH_PLUGINS=str(folder))
    assert "gro\\xdfe" in getattr(done, where).decode("ascii")


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="needs /dev/full")
@pytest.mark.parametrize("words", [("leaderboard", "--format", "csv"), ("list",), ("list", "--help")])
def test_a_full_disk_under_the_output_is_one_line(folder: Path, words: tuple[str, ...]) -> None:
    with Path("/dev/full").open("w") as full:
        done = subprocess.run(
            [sys.executable, "-m", "hashbench", *words],
            cwd=folder,
            env=environment(folder / "cache"),
            stdout=full,
            stderr=subprocess.PIPE,
            text=True,
            timeout=120,
            check=False,
        )
    assert done.stderr.startswith("hashbench: standard output cannot be written (No space left on device)")
    assert (done.returncode, len(done.stderr.splitlines())) == (2, 1)


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="needs /dev/full")
def test_a_full_disk_under_the_log_ends_nothing(folder: Path) -> None:
    words = ("run", "--methods", "lsh", "--bits", "8", "--executor", "inline", "--no-rates", "--results", "made")
    with Path("/dev/full").open("w") as full:
        done = subprocess.run(
            [sys.executable, "-m", "hashbench", *words],
            cwd=folder,
            env=environment(folder / "cache"),
            stdout=subprocess.PIPE,
            stderr=full,
            text=True,
            timeout=120,
            check=False,
        )
    assert done.returncode == 0
    assert "All records of made/" in done.stdout


def closed_early(folder: Path, *words: str) -> tuple[int, str]:
    """Exit code and errors of a command whose reader is gone before it prints."""
    reading, writing = os.pipe()
    os.close(reading)
    done = subprocess.run(
        [sys.executable, "-m", "hashbench", *words],
        cwd=folder,
        env=environment(folder / "cache"),
        stdout=writing,
        stderr=subprocess.PIPE,
        text=True,
        timeout=120,
        check=False,
    )
    os.close(writing)
    return done.returncode, done.stderr


@pytest.mark.parametrize("words", [("leaderboard",), ("compare", "results", "results"), ("list",)], ids=" ".join)
def test_a_reader_who_leaves_early_is_no_error(folder: Path, words: tuple[str, ...]) -> None:
    code, errors = closed_early(folder, *words)
    assert errors == ""
    assert code == (1 if words[0] == "compare" else 0)


def test_what_failed_fails_though_nobody_reads_it(folder: Path) -> None:
    (folder / "leaderboard.md").write_text("edited")
    (folder / "results/leaderboard.md").write_text("edited")
    code, errors = closed_early(folder, "leaderboard", "--check")
    assert (code, "out of date" in errors) == (1, True)


@pytest.mark.parametrize(
    ("text", "encoding", "wanted"),
    [
        ("0.5 ± 0.1 ≈ – †", "ascii", "0.5 +- 0.1 ~ - *"),
        ("0.5 ± 0.1 ≈ – †", "cp1252", "0.5 ± 0.1 ~ – †"),
        ("Größe 日", "ascii", "Grosse \\u65e5"),
        ("\udcff", "utf-8", "\\udcff"),
        ("plain", "ascii", "plain"),
    ],
)
def test_signs_become_the_nearest_that_an_encoding_has(text: str, encoding: str, wanted: str) -> None:
    assert encodable(text, encoding) == wanted.replace("Grosse", "Gro\\xdfe")


CLOSED = """
import os
from hashbench.util.output import open_standard_streams
os.close(0), os.close(2)
open_standard_streams()
print([os.get_inheritable(number) for number in range(3)], os.open(os.devnull, os.O_RDONLY) > 2)
"""


def test_streams_that_are_closed_are_opened_to_nothing_for_children_too() -> None:
    done = subprocess.run([sys.executable, "-c", CLOSED], capture_output=True, text=True, check=True)
    assert done.stdout == "[True, True, True] True\n"


@pytest.mark.slow
def test_a_daemon_whose_streams_are_closed_runs_trials(tmp_path: Path) -> None:
    words = (*("-m", "hashbench", "run"), *("--methods", "lsh", "--bits", "8", "--no-rates"))
    shell = 'exec "$@" <&- >&- 2>&-'
    done = subprocess.run(
        ["sh", "-c", shell, "sh", sys.executable, *words],
        cwd=tmp_path,
        env=environment(tmp_path / "cache"),
        check=False,
    )
    assert done.returncode == 0
    assert len(list(tmp_path.glob("results/records/*.json"))) == 3

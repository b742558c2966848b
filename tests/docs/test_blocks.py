"""The blocks of README and the pages work: those without a mark here, those that need minutes in the slow tier."""

import shlex
import shutil
import subprocess
import sys
from pathlib import Path

import matplotlib
import numpy as np
import pandas as pd
import pytest
from PIL import Image

import hashbench as hb
from hashbench.cli.main import main
from hashbench.execution import measure
from hashbench.plugins.new_plugin import write_plugin
from tests.command import environment
from tests.docs.pages import DOCS, MINUTES, PAGES, ROOT, Block, blocks

RUN_ON = ("sh", "python")
KEY = "3fa9c1"  # of the pages' commands: that of the newest record of itq

quick = [page for page in PAGES if any(b.language in RUN_ON and not b.needs for b in blocks(page))]
slow = [page for page in PAGES if any(b.needs == MINUTES for b in blocks(page))]


@pytest.fixture(scope="module")
def finished(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """What a reader has after the first commands: records in results/, two folders to compare, a baseline."""
    folder = tmp_path_factory.mktemp("pages") / "results"
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(measure, "SECONDS_PER_FIGURE", 0.001)
        patch.setattr("hashbench.reporting.write.write_figures", lambda *_: [])
        patch.setenv("HASHBENCH_CACHE", str(folder.parent / "cache"))
        made = hb.run(methods="itq,lsh", bits=[16, 32], executor="inline", device="cpu", results=folder, progress=False)
        assert {record["status"] for record in made.records} == {"ok"}
        for name in ("main", "branch"):
            shutil.copytree(folder / "records", folder / name / "records")
        baseline = ["--baseline", str(folder / "baseline.json"), "--update-baseline"]
        patch.setattr("sys.argv", ["hashbench", "check", *baseline, "--results", str(folder / "main")])
        with pytest.raises(SystemExit, match="0"):
            main()
    return folder


@pytest.fixture
def reader(finished: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, no_figures: None) -> Path:
    """The folder of a reader who has files of their own under the names that the pages use."""
    shutil.copytree(finished, tmp_path / "results")
    published = Path("results/published/photo-leaderboard")
    shutil.copytree(ROOT / published, tmp_path / published)
    rng = np.random.default_rng(0)
    vectors = rng.normal(size=(400, 32)).astype(np.float32)
    np.save(tmp_path / "x.npy", vectors)
    for name in ("q", "more"):
        np.save(tmp_path / f"{name}.npy", vectors[:40] + np.float32(0.1))
    frame = pd.DataFrame(vectors, columns=[f"d{column}" for column in range(32)])
    pixels = rng.uniform(size=(40, 64)).astype(np.float32)  # as many as those of digits
    pd.DataFrame(pixels, columns=[f"p{column}" for column in range(64)]).to_parquet(tmp_path / "vectors.parquet")
    frame.assign(kind=np.arange(400) % 3).to_parquet(tmp_path / "x.parquet")
    labels = rng.integers(0, 4, 120)
    signs = np.where(rng.normal(size=(120, 48)) > 0, 1, -1)
    parts = {"query": slice(20), "database": slice(20, None)}
    arrays = {
        f"{part}_{kind}": a[rows] for part, rows in parts.items() for kind, a in (("codes", signs), ("labels", labels))
    }
    np.savez(tmp_path / "itq48.npz", **arrays)  # type: ignore[arg-type]
    zeros = {name: array > 0 if name.endswith("codes") else array for name, array in arrays.items()}
    np.savez(tmp_path / "codes.npz", **zeros)  # type: ignore[arg-type]
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("HASHBENCH_DATA", raising=False)
    monkeypatch.setenv("HASHBENCH_CACHE", str(finished.parent / "cache"))
    monkeypatch.setattr(measure, "SECONDS_PER_FIGURE", 0.001)
    matplotlib.use("Agg")
    return tmp_path


def newest_key(folder: Path) -> str:
    files = sorted((folder / "results/records").glob("*-itq-*.json"), key=lambda file: file.stat().st_mtime)
    return files[-1].stem.rpartition("-")[2]


def show_file(block: Block, folder: Path) -> None:
    """Write the file that a block shows, and the images that a table of labels names."""
    file = folder / block.title
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_text(block.text)
    rng = np.random.default_rng(0)
    for row in block.text.splitlines()[1:] if block.language == "csv" else ():
        image = file.parent / row.partition(",")[0]
        image.parent.mkdir(exist_ok=True)
        Image.fromarray(rng.integers(0, 256, (9, 12, 3), dtype=np.uint8)).save(image)


def run_line(line: str, folder: Path, patch: pytest.MonkeyPatch) -> object:
    """The exit code of a line of a shell that is one call of hashbench, with what it prints perhaps in a file."""
    words = shlex.split(line.replace(KEY, newest_key(folder)), comments=True)
    assert words[0] == "hashbench", f"mark the block with what it needs, or leave out: {line}"
    words = words[: words.index(">")] if ">" in words else words
    if words[1] == "run" and "--executor" not in words:
        words += ["--executor", "inline", "--device", "cpu"]
    patch.setattr("sys.argv", words)
    with pytest.raises(SystemExit) as end:
        main()
    return end.value.code


@pytest.mark.parametrize("page", quick, ids=lambda page: page.name)
def test_blocks_without_a_mark_work(
    page: Path, reader: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    names: dict[str, object] = {"__name__": page.stem}
    for block in blocks(page):
        if block.title and block.language in ("toml", "csv"):
            show_file(block, reader)
        if block.needs or block.language not in RUN_ON:
            continue
        if block.language == "python":
            exec(compile(block.text, f"{page.name}:{block.line}", "exec"), names)
            continue
        for line in filter(None, block.text.replace("\\\n", " ").splitlines()):
            code = run_line(line, reader, monkeypatch)
            assert code == 0, (line, capsys.readouterr())


@pytest.mark.slow
@pytest.mark.parametrize("page", slow, ids=lambda page: page.name)
def test_blocks_that_need_minutes_work(page: Path, reader: Path) -> None:
    """With the blocks before them, in a shell as a reader would."""
    variables = {name: value for name, value in environment(reader / "cache").items() if name != "HASHBENCH_PLUGINS"}
    python = shlex.quote(sys.executable)
    start = f'hashbench() {{ {python} -m hashbench "$@"; }}; pytest() {{ {python} -m pytest "$@"; }}\n'
    for block in blocks(page):
        if block.language not in RUN_ON or block.needs not in ("", MINUTES):
            continue
        text = block.text.replace(KEY, "$(ls -t results/records/*-itq-*.json | head -1)")  # made in this block, perhaps
        words = [sys.executable, "-c", text] if block.language == "python" else ["bash", "-euc", start + text]
        done = subprocess.run(
            words, cwd=reader, env=variables, capture_output=True, text=True, timeout=900, check=False
        )
        assert done.returncode == 0, (block.page.name, block.line, done.stdout + done.stderr)


@pytest.mark.parametrize(
    ("page", "kind", "name"), [("add-method.md", "method", "my_method"), ("add-dataset.md", "dataset", "birds")]
)
def test_the_plugin_of_the_page_is_the_one_that_new_writes(page: str, kind: str, name: str, tmp_path: Path) -> None:
    shown = next(block.text for block in blocks(DOCS / page) if block.language == "python")
    assert shown == write_plugin(kind, name, tmp_path)[0].read_text()

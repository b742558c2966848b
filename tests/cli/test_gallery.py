"""The verb ``gallery``: which records it takes, what it prints, how it ends."""

import json
import shutil
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

import hashbench as hb
from hashbench.execution import measure
from tests.cli.conftest import Done

SMALL = ("--queries", "2", "--neighbours", "2", "--device", "cpu")


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A result folder of lsh and its references on digits."""
    folder = tmp_path_factory.mktemp("made")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("HASHBENCH_CACHE", str(folder / "cache"))
        hb.run(methods="lsh", bits=8, results=folder / "results", executor="inline", device="cpu")
    return folder / "results"


@pytest.fixture
def file(made: Path, tmp_path: Path) -> Path:
    """The record of lsh, in ``results`` where the command is called."""
    shutil.copytree(made, tmp_path / "results")
    (file,) = (tmp_path / "results/records").glob("*-lsh-*.json")
    return file


def test_paths_are_printed_and_missing_sheets_are_noted(call: Callable[..., Done], file: Path, tmp_path: Path) -> None:
    wanted = f"results/gallery/{file.stem}-neighbours.png"
    done = call("gallery", *SMALL)
    assert (done.code, done.out) == (0, f"{wanted}\n")
    assert done.err == f"{file.stem}: no reconstructions: lsh makes no pictures of codes\n"
    assert (tmp_path / wanted).stat().st_size > 1000
    key = json.loads(file.read_text())["key"]
    for name in (key[:6], str(file)):
        (made,) = json.loads(call("gallery", name, *SMALL, "--json", "--out", "pictures").out)
        assert made["key"] == key
        assert made["files"] == [f"pictures/{file.stem}-neighbours.png"]
    assert [each.name for each in (tmp_path / "pictures").iterdir()] == [f"{file.stem}-neighbours.png"]


def test_of_several_records_those_that_can_be_are_shown(call: Callable[..., Done], file: Path) -> None:
    other = file.with_name(f"digits-holdout_200-lsh-9-0-{'f' * 16}.json")
    record = json.loads(file.read_text())
    record["key"], record["trial"]["bits"] = "f" * 16, 9
    other.write_text(json.dumps(record))
    other.with_suffix(".npz").write_bytes(b"cut")
    done = call("gallery", *SMALL)
    assert done.code == 1
    assert done.out == f"results/gallery/{file.stem}-neighbours.png\n"
    assert f"hashbench: codes results/records/{other.stem}.npz cannot be read" in done.err


@pytest.mark.parametrize(
    ("words", "line"),
    [
        ((), "hashbench: no result folder 'results'; hashbench run --results makes one"),
        (("abc",), "hashbench: no record 'abc' in results/records; name a file, or the beginning of a key"),
        (("--queries", "0"), "hashbench: queries is 0, wanted a whole number from 1 to 100"),
        (("--neighbours", "1000"), "hashbench: neighbours is 1000, wanted a whole number from 1 to 100"),
        (("--device", "cuda:77"), "hashbench: device 'cuda:77' is not here"),
        (("--data", "nowhere"), "hashbench: data folder 'nowhere' (--data) is not there"),
    ],
)
def test_bad_input_gets_one_line_and_exit_code_2(
    call: Callable[..., Done], tmp_path: Path, words: tuple[str, ...], line: str
) -> None:
    done = call("gallery", *words)
    assert (done.code, done.out, done.err.count("\n")) == (2, "", 1)
    assert done.err.startswith(line)
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize("verb", ["gallery", "plot", "leaderboard"])
def test_a_result_folder_without_records_is_nothing_to_show(
    call: Callable[..., Done], tmp_path: Path, verb: str
) -> None:
    (tmp_path / "results").mkdir()
    done = call(verb)
    assert (done.code, done.out, done.err.count("\n")) == (3, "", 1)
    assert "hashbench run" in done.err


def test_a_data_set_that_changed_is_one_line(call: Callable[..., Done], file: Path, tmp_path: Path) -> None:
    record = json.loads(file.read_text())
    record["protocol_card"]["id"] = "f" * 16
    file.write_text(json.dumps(record))
    done = call("gallery", record["key"])
    assert (done.code, done.out, done.err.count("\n")) == (2, "", 1)
    assert "was made on digits/holdout-200 with the protocol card ffffffffffffffff" in done.err
    assert not (tmp_path / "results/gallery").exists()


def test_a_set_of_ones_own_is_named_by_its_file(
    call: Callable[..., Done], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Its photos have sizes and shapes of their own."""
    monkeypatch.setattr(measure, "SECONDS_PER_FIGURE", 0.001)
    draw, rows = np.random.default_rng(0), ["path,labels,split"]
    for number in range(12):
        pixels = draw.integers(0, 256, (40 + 20 * number, 200 - 10 * number, 3), dtype=np.uint8)
        Image.fromarray(pixels).save(tmp_path / f"{number}.png")
        rows.append(
            f"{number}.png,{'owl' if number % 2 else 'jay;$wren'},{'query' if number < 4 else 'train+database'}"
        )
    (tmp_path / "labels.csv").write_text("\n".join(rows))
    (tmp_path / "birds.toml").touch()
    words = ("--methods", "lsh", "--bits", "4", "--features", "pixels@4", "--executor", "inline", "--device", "cpu")
    call("run", "--datasets", "folder:birds.toml", *words)
    refused = call("gallery", *SMALL)
    assert (refused.code, refused.out, refused.err.count("\n")) == (2, "", 1)
    assert refused.err.endswith("which a file of yours describes; name it with --dataset folder:FILE\n")
    done = call("gallery", *SMALL, "--dataset", "folder:birds.toml")
    assert done.code == 0
    with Image.open(tmp_path / done.out.strip()) as picture:
        assert picture.width == 900
        assert 2 * 64 < picture.height < 600

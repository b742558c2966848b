"""``hashbench encode`` and ``query``: codes of new items, and the items nearest to them."""

import json
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from hashbench.data.spec import open_dataset
from hashbench.execution.stored_trial import load_codes
from tests.cli.conftest import Done
from tests.pictures import pictures
from tests.stored_trials import stored

Call = Callable[..., Done]


@pytest.fixture
def record(stored_results: Path, stored_plugins: None) -> str:
    return str(stored(stored_results, "itq").file)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Five queries of digits, as vectors, images and files."""
    digits = open_dataset("digits", Path())
    images = pictures(digits, digits.split().query[:5]).numpy()
    np.save(tmp_path / "images.npy", images)
    np.save(tmp_path / "vectors.npy", images.reshape(5, 64) / np.float32(255))
    (tmp_path / "photos" / "more").mkdir(parents=True)
    for name, image in zip(("a.png", "b.PNG", "more/c.png", "more/d.png", "z.png"), images, strict=True):
        Image.fromarray(image[0]).save(tmp_path / "photos" / name)
    (tmp_path / "photos" / "notes.txt").write_text("no image")
    return tmp_path


def test_codes_of_vectors_images_and_a_folder(record: str, folder: Path, stored_results: Path, call: Call) -> None:
    expected = load_codes(stored(stored_results, "itq")).query.packed[:5]
    for source in ("vectors.npy", "images.npy", "photos", "photos/a.png"):
        done = call("encode", record, str(folder / source), "-o", "out/codes.npy")
        rows = 1 if source.endswith("png") else 5
        assert done.code == 0
        assert done.out.startswith(f"out/codes.npy: {rows} codes of 16 bits, uint8 [{rows}, 2], the first bit first")
        codes = np.load("out/codes.npy")
        if source == "photos":
            names = Path("out/codes.names.txt").read_text().splitlines()
            assert names == ["a.png", "b.PNG", "z.png", "more/c.png", "more/d.png"]
            codes = codes[[0, 1, 3, 4, 2]]
        assert np.array_equal(codes, expected[:rows])
    assert call("encode", record, str(folder / "photos"), "-o", "codes.txt", "--layout", "pgvector").code == 0
    assert Path("codes.names.txt").read_text().splitlines() == names
    lines = Path("codes.txt").read_text().splitlines()
    assert [lines[row] for row in (0, 1, 3, 4, 2)] == [
        f"{first:08b}{second:08b}" for first, second in expected.tolist()
    ]
    assert call("encode", record, str(folder / "vectors.npy"), "-o", "codes.npy", "--layout", "qdrant").code == 0
    assert np.array_equal(np.packbits(np.load("codes.npy") > 0, axis=1), expected)
    done = call("encode", record, str(folder / "vectors.npy"), "-o", "codes.npy", "--json")
    assert json.loads(done.out) == {"items": 5, "bits": 16, "codes": "codes.npy", "names": None}


@pytest.mark.parametrize(
    ("source", "output", "message"),
    [
        ("nothing", "c.npy", "there is no file or folder"),
        ("empty", "c.npy", "holds no image (.jpg, .jpeg, .png)"),
        ("photos/notes.txt", "c.npy", "ends in '.txt', wanted an image"),
        ("damaged.npy", "c.npy", "cannot be read"),
        ("cube.npy", "c.npy", "is float64 [2, 3, 4], wanted vectors [n, d]"),
        ("none.npy", "c.npy", "is float64 [0, 64], wanted vectors [n, d]"),
        ("broken", "c.npy", "the image {folder}/broken/x.png cannot be decoded"),
        ("vectors.npy", "c.txt", "--output 'c.txt' ends in '.txt', wanted .npy (--layout packed)"),
    ],
)
def test_what_cannot_be_encoded_is_one_line_and_nothing_is_written(
    source: str, output: str, message: str, record: str, folder: Path, call: Call
) -> None:
    (folder / "empty").mkdir()
    (folder / "broken").mkdir()
    (folder / "broken" / "x.png").write_bytes(b"half an image")
    (folder / "damaged.npy").write_bytes(b"no array")
    np.save(folder / "cube.npy", np.zeros((2, 3, 4)))
    np.save(folder / "none.npy", np.zeros((0, 64)))
    done = call("encode", record, str(folder / source), "-o", output)
    assert done.code == 2
    assert message.format(folder=folder) in done.err
    assert done.err.startswith("hashbench: ")
    assert done.err.count("\n") == 1
    assert not Path(output).exists()


def test_the_input_is_not_replaced(record: str, folder: Path, call: Call) -> None:
    before = (folder / "vectors.npy").read_bytes()
    done = call("encode", record, str(folder / "vectors.npy"), "-o", str(folder / "photos" / ".." / "vectors.npy"))
    assert done.code == 2
    assert "is the input, which would be lost; name another file" in done.err
    assert (folder / "vectors.npy").read_bytes() == before


def test_the_nearest_items_are_a_table_with_the_times_of_both_stages(record: str, folder: Path, call: Call) -> None:
    done = call("query", record, str(folder / "photos"), "--neighbours", "2")
    assert done.code == 0
    lines = done.out.splitlines()
    assert lines[:2] == ["a.png", "  rank  distance  item       labels"]
    assert [line.split()[0] for line in lines[2:4]] == ["1", "2"]
    assert lines[-1].startswith("5 queries: encoded in ")
    assert " searched among 1,597 codes of 16 bits in " in lines[-1]
    done = call("query", record, str(folder / "photos" / "a.png"), "--neighbours", "3", "--json")
    facts = json.loads(done.out)
    assert [query["query"] for query in facts["queries"]] == [str(folder / "photos" / "a.png")]
    assert len(facts["queries"][0]["nearest"]) == 3
    assert set(facts["queries"][0]["nearest"][0]) == {"item", "name", "distance", "labels"}
    assert set(facts["seconds"]) == {"encode", "search"}
    done = call("query", record, str(folder / "photos"), "--neighbours", "1598")
    assert done.code == 2
    assert "neighbours is 1598, wanted a whole number from 1 to 1597, the size of the database" in done.err

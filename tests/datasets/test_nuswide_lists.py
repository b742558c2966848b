"""nuswide/lists: the protocol that list files give, HashNet's among them."""

from pathlib import Path

import numpy as np
import pytest

from hashbench.data.spec import open_dataset, protocol_id
from hashbench.dataset import Dataset
from hashbench.errors import UsageError
from tests.datasets.nuswide_files import write_image

DATABASE = "images/a.jpg 1 0 0\nimages/b.jpg 0 1 1\nimages/c.jpg 0 0 0\n"
TEST = "images/d.jpg 0 1 0\nimages/e.jpg 0 0 0\n"
TRAIN = "images/f.jpg 1 1 1\nimages/b.jpg 0 1 1\n"


def opened(root: Path, database: str = DATABASE, test: str = TEST, train: str = TRAIN) -> Dataset:
    """The protocol of three lists with these lines."""
    folder = root / "nuswide" / "lists"
    folder.mkdir(parents=True, exist_ok=True)
    for name, lines in (("database", database), ("test", test), ("train", train)):
        (folder / f"{name}.txt").write_text(lines)
    return open_dataset("nuswide/lists", root)


def test_items_are_the_distinct_paths_of_database_test_and_train(tmp_path: Path) -> None:
    dataset = opened(tmp_path)
    assert dataset.names(np.arange(len(dataset))) == [f"images/{letter}.jpg" for letter in "abcdef"]
    assert dataset.labels().astype(int).tolist() == [[1, 0, 0], [0, 1, 1], [0, 0, 0], [0, 1, 0], [0, 0, 0], [1, 1, 1]]
    split = dataset.split()
    assert split.query.tolist() == [3, 4]
    assert sorted(split.database) == [0, 1, 2]
    assert sorted(split.train) == [1, 5]  # one of the database, one of its own
    assert dataset.protocol.cutoff == 5_000


def test_the_orders_of_database_and_training_set_are_drawn_once_for_all(tmp_path: Path) -> None:
    lines = "".join(f"images/{number}.jpg 1 0\n" for number in range(200))
    splits = [opened(tmp_path, lines, "images/q.jpg 1 0\n", lines).split() for _ in range(2)]
    for part in ("database", "train"):
        first, again = (getattr(split, part) for split in splits)
        assert np.array_equal(first, again)
        assert sorted(first) == list(range(200))
        assert first.tolist() != list(range(200))


@pytest.mark.parametrize(
    ("listed", "kept"),
    [
        ("images/a.jpg", "images/a.jpg"),
        ("./data/nuswide_81/images/a.jpg", "images/a.jpg"),
        ("/data/set/images/sub/a.jpg", "images/sub/a.jpg"),
        ("images/sub/a.jpg", "images/a.jpg"),
        ("./actor/a.jpg", "Flickr/actor/a.jpg"),
        ("images/a.jpg", "data/images/a.jpg"),
    ],
)
def test_images_are_found_by_the_part_of_the_path_that_is_here(tmp_path: Path, listed: str, kept: str) -> None:
    dataset = opened(tmp_path, f"images/z.jpg 1 0\n{listed} 1 0\n", "images/y.jpg 1 0\n", "images/z.jpg 1 0\n")
    write_image(tmp_path / "nuswide" / kept, 0)
    assert dataset.present().tolist() == [False, not kept.startswith("data/"), False]


def test_two_paths_that_mean_one_file_are_an_error(tmp_path: Path) -> None:
    dataset = opened(
        tmp_path, "images/one/a.jpg 1 0\nimages/two/a.jpg 1 0\n", "images/q.jpg 1 0\n", "images/one/a.jpg 1 0\n"
    )
    write_image(tmp_path / "nuswide" / "images" / "a.jpg", 0)
    with pytest.raises(UsageError, match=r"a.jpg would be the image of both 'images/two/a.jpg' and 'images/one/a.jpg'"):
        dataset.present()


def test_the_protocol_s_id_has_a_hash_of_the_three_lists(tmp_path: Path) -> None:
    name = protocol_id("nuswide/lists", opened(tmp_path))
    assert name.startswith("nuswide/lists-")
    assert len(name) == len("nuswide/lists-") + 8
    changed = [
        protocol_id("nuswide/lists", opened(tmp_path, **{part: lines}))
        for part, lines in (
            ("database", DATABASE.replace("1 0 0", "1 0 1")),
            ("test", "images/e.jpg 0 0 0\nimages/d.jpg 0 1 0\n"),
            ("train", TRAIN.splitlines()[0] + "\n"),
        )
    ]
    assert len({name, *changed}) == 4
    assert protocol_id("nuswide/lists", opened(tmp_path)) == name


def test_columns_have_numbers_unless_concepts_txt_names_them(tmp_path: Path) -> None:
    before = opened(tmp_path)
    assert before.classes() == ("column 1", "column 2", "column 3")
    (tmp_path / "nuswide/lists/concepts.txt").write_text("sky\nclouds\nperson\n")
    named = opened(tmp_path)
    assert named.classes() == ("sky", "clouds", "person")
    assert named.protocol_name() == before.protocol_name()
    (tmp_path / "nuswide/lists/concepts.txt").write_text("sky\nclouds\n")
    with pytest.raises(UsageError, match=r"concepts.txt has 2 names, wanted one for each of the lists' 3 columns"):
        opened(tmp_path)


@pytest.mark.parametrize(
    ("lists", "complaint"),
    [
        ({"train": "images/b.jpg 0 1 0\n"}, r"train.txt: 'images/b.jpg' has other labels here than on another list"),
        ({"train": "images/f.jpg 1 1\n"}, r"train.txt has 2 labels per line, .*database.txt has 3; take lists that"),
        ({"test": TEST + "images/g.jpg 1 1\n"}, r"test.txt:3: 2 labels, the lines before have 3"),
        ({"test": TEST + "\nimages/d.jpg 0 1 0\n"}, r"test.txt:4: 'images/d.jpg' is on line 1 as well; remove one"),
        ({"test": TEST + "./images/d.jpg 0 1 0\n"}, r"test.txt:3: 'images/d.jpg' is on line 1 as well; remove one"),
        ({"test": "images/d.jpg 0 2 0\n"}, r"test.txt:1: wanted a path, a space and labels of 0 or 1"),
        ({"test": "images/d.jpg 0 10\n"}, r"test.txt:1: wanted a path, a space and labels of 0 or 1"),
        ({"test": "images/d.jpg\n"}, r"test.txt:1: 'images/d.jpg', wanted a path, a space and labels, say"),
        ({"database": "\n"}, r"database.txt is empty, wanted lines such as"),
    ],
)
def test_lists_that_do_not_fit_are_refused_in_one_line(tmp_path: Path, lists: dict[str, str], complaint: str) -> None:
    with pytest.raises(UsageError, match=rf"^\S*/nuswide/lists/{complaint}.*$"):
        opened(tmp_path, **lists)


def test_an_absent_list_is_named_with_the_way_out(tmp_path: Path) -> None:
    opened(tmp_path)
    (tmp_path / "nuswide/lists/database.txt").unlink()
    with pytest.raises(UsageError, match=r"lists/database.txt is missing; run `hashbench data prepare nuswide --from"):
        open_dataset("nuswide/lists", tmp_path)


def test_hashnet_s_test_list_has_1131_queries_without_a_label(data_root: Path, tmp_path: Path) -> None:
    real = data_root / "nuswide" / "lists"
    train = (real / "deephash_nuswide_81_m_train.txt").read_text().splitlines(keepends=True)
    dataset = opened(
        tmp_path,
        database="".join(train[2_000:]),
        test=(real / "hashnet_nuswide_81_test.txt").read_text(),
        train="".join(train[:4_000]),
    )
    split, labels = dataset.split(), dataset.labels()
    assert len(dataset.classes()) == 81
    assert (len(split.query), (~labels[split.query].any(axis=1)).sum()) == (5_000, 1_131)
    assert (len(split.database), len(split.train)) == (8_000, 4_000)
    assert len(np.intersect1d(split.database, split.train)) == 2_000
    row = train[3_000].split()
    item = dataset.names(np.arange(len(dataset))).index(row[0])
    assert labels[item].astype(int).tolist() == [int(label) for label in row[1:]]
    assert dataset.present().sum() == 0


def test_lists_that_contradict_those_that_are_here_are_not_adopted(tmp_path: Path) -> None:
    dataset = opened(tmp_path / "data")
    source = tmp_path / "source" / "lists"
    source.mkdir(parents=True)
    (source / "test.txt").write_text("images/q.jpg 1 0 1 1\n")
    before = (tmp_path / "data/nuswide/lists/test.txt").read_bytes()
    with pytest.raises(UsageError, match="take lists that belong together"):
        dataset.prepare(tmp_path / "source", print)
    assert (tmp_path / "data/nuswide/lists/test.txt").read_bytes() == before


@pytest.mark.parametrize("rows", [("0", "1"), ("1", "1")])
def test_one_column_is_not_taken_for_a_concept(tmp_path: Path, rows: tuple[str, str]) -> None:
    database = "".join(f"images/{number}.jpg {row}\n" for number, row in enumerate(rows))
    with pytest.raises(
        UsageError, match=r"database.txt: each line has one label, 0 or 1, .* folder:FILE, with lists = in"
    ):
        opened(tmp_path, database, "images/q.jpg 1\n", database)


def test_lists_of_windows_are_read_as_they_are(tmp_path: Path) -> None:
    dataset = opened(
        tmp_path, "\ufeffimages\\a.jpg 1 0\r\nimages\\b.jpg 0 1\r\n", TEST[:0] + "q.jpg 1 0\n", "q.jpg 1 0\n"
    )
    write_image(tmp_path / "nuswide" / "images" / "a.jpg", 0)
    assert dataset.present().tolist() == [True, False, False]
    (tmp_path / "nuswide/lists/concepts.txt").write_text("\ufeffsky\ncaf\u00e9\n", encoding="utf-8")
    assert open_dataset("nuswide/lists", tmp_path).classes() == ("sky", "caf\u00e9")
    (tmp_path / "nuswide/lists/concepts.txt").write_bytes(b"sky\ncaf\xe9\n")
    assert open_dataset("nuswide/lists", tmp_path).classes()[0] == "sky"

"""folder:FILE.toml with lists of images and labels, as papers publish them, in place of a CSV file."""

import re
from pathlib import Path

import numpy as np
import pytest

from hashbench.data.spec import open_dataset
from hashbench.dataset import Dataset
from hashbench.errors import UsageError
from tests.datasets.nuswide_files import write_image

PAGE = Path(__file__).parents[2] / "docs/own-data.md"
# As COCO's and ImageNet100's lists come with HashNet's code, lists of class numbers, and paths and labels apart.
COCO = {"database.txt": "data/coco/a.jpg 1 0 1\ndata/coco/b.jpg 0 1 0\ndata/coco/q.jpg 0 0 1\n"}
COCO |= {"test.txt": "data/coco/q.jpg 0 0 1\n", "train.txt": "data/coco/b.jpg 0 1 0\n"}
NUMBERS = {
    "database.txt": "n01/a.JPEG 0\nn17/b.JPEG 17\n",
    "test.txt": "n17/q.JPEG 17\n",
    "train.txt": "n01/a.JPEG 0\n",
}
APART = {"database_img.txt": "a.jpg\nb.jpg\n", "database_label.txt": "0 2\n1\n", "test_img.txt": "q.jpg\n"}
APART |= {"test_label.txt": "2\n"}


@pytest.fixture(autouse=True)
def own_cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HASHBENCH_CACHE", str(tmp_path / "cache"))


def opened(folder: Path, files: dict[str, str], toml: str = 'lists = "."') -> Dataset:
    for name, text in files.items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_text(text, encoding="utf-8")
    (folder / "birds.toml").write_text(toml, encoding="utf-8")
    return open_dataset(f"folder:{folder}/birds.toml", Path("nowhere"))


def test_zeros_and_ones_are_labels_and_queries_may_be_in_the_database(tmp_path: Path) -> None:
    dataset = opened(tmp_path, COCO)
    assert dataset.names(np.arange(3)) == ["data/coco/a.jpg", "data/coco/b.jpg", "data/coco/q.jpg"]
    assert dataset.classes() == ("column 1", "column 2", "column 3")
    assert dataset.labels().astype(int).tolist() == [[1, 0, 1], [0, 1, 0], [0, 0, 1]]
    split = dataset.split()
    assert (split.query.tolist(), sorted(split.database), split.train.tolist()) == ([2], [0, 1, 2], [1])


def test_class_zero_of_a_list_of_class_numbers_is_no_distractor(tmp_path: Path) -> None:
    dataset = opened(tmp_path, NUMBERS)
    assert dataset.classes() == ("0", "17")
    assert dataset.labels().astype(int).tolist() == [[1, 0], [0, 1], [0, 1]]


def test_classes_have_the_names_of_a_file(tmp_path: Path) -> None:
    names = "".join(f"bird {number}\n" for number in range(18))
    dataset = opened(tmp_path, {**NUMBERS, "names.txt": names}, 'lists = "."\nclasses = "names.txt"')
    assert dataset.classes() == ("bird 0", "bird 17")
    assert opened(tmp_path, NUMBERS).protocol_name() == dataset.protocol_name()


def test_two_zero_or_one_classes_are_asked_about(tmp_path: Path) -> None:
    lists = {"database.txt": "a.jpg 0\nb.jpg 1\n", "test.txt": "q.jpg 0\n"}
    with pytest.raises(
        UsageError, match=r"database.txt: each line has one label, 0 or 1, as in 'a.jpg 0': .* Set labels"
    ):
        opened(tmp_path, lists)
    numbers = opened(tmp_path, lists, 'lists = "."\nlabels = "class-numbers"')
    assert numbers.labels().astype(int).tolist() == [[1, 0], [0, 1], [1, 0]]
    hot = opened(tmp_path, {**lists, "test.txt": "q.jpg 1\n"}, 'lists = "."\nlabels = "multi-hot"')
    assert hot.labels().astype(int).tolist() == [[0], [1], [1]]
    assert numbers.protocol_name() != hot.protocol_name()


def test_several_class_numbers_on_a_line_are_asked_about(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match=r"database_label.txt: lines have several numbers, .* as in 'a.jpg 0 2'; set"):
        opened(tmp_path, APART)
    dataset = opened(tmp_path, APART, 'lists = "."\nlabels = "class-numbers"')
    assert dataset.labels().astype(int).tolist() == [[1, 0, 1], [0, 1, 0], [0, 0, 1]]
    assert len(dataset.split().train) == 0


def test_lists_may_be_named_one_by_one_and_one_of_them_twice(tmp_path: Path) -> None:
    files = {"l/all.txt": "a.jpg\nb.jpg\n", "l/all.lab": "0 1\n1 0\n", "l/val.txt": "q.jpg 1 1\n"}
    toml = 'lists = {query = "l/val.txt", database = ["l/all.txt", "l/all.lab"], train = ["l/all.txt", "l/all.lab"]}'
    dataset = opened(tmp_path, files, toml)
    split = dataset.split()
    assert dataset.names(split.query) == ["q.jpg"]
    assert sorted(split.train) == sorted(split.database) == [0, 1]


@pytest.mark.parametrize(
    ("listed", "kept"),
    [
        ("/home/them/data/coco/val2014/a.jpg", "val2014/a.jpg"),
        ("D:\\data\\coco\\val2014\\a.jpg", "val2014/a.jpg"),
        ("val2014/a.jpg", "images/val2014/a.jpg"),
        ("val2014/a.jpg", "a.jpg"),
        ("data/fa\u0301.jpg", "f\u00e1.jpg"),
    ],
)
def test_images_are_found_by_the_part_of_the_path_that_is_here(tmp_path: Path, listed: str, kept: str) -> None:
    files = {"database.txt": f"\ufeff{listed} 3\nz.jpg 4\n", "test.txt": "q.jpg 3\n"}
    write_image(tmp_path / "jpg" / kept, 0)
    dataset = opened(tmp_path, files, 'lists = "."\nimages = "jpg"')
    assert dataset.present().tolist() == [True, False, False]


def test_lists_need_no_training_list_to_be_opened(tmp_path: Path) -> None:
    lists = {name: text for name, text in COCO.items() if name != "train.txt"}
    assert {part: len(items) for part, items in opened(tmp_path, lists).split().parts().items()} == {
        "query": 1,
        "database": 3,
        "train": 0,
    }


def test_the_id_has_a_hash_of_paths_labels_and_index_sets(tmp_path: Path) -> None:
    first = opened(tmp_path, COCO).protocol_name()
    assert re.fullmatch(r"birds-[0-9a-f]{8}", first)
    others = [
        {**COCO, "database.txt": COCO["database.txt"].replace("1 0 1", "1 1 1")},
        {**COCO, "database.txt": COCO["database.txt"].replace("a.jpg", "c.jpg")},
        {**COCO, "train.txt": "data/coco/a.jpg 1 0 1\n"},
        {**COCO, "test.txt": "data/coco/b.jpg 0 1 0\n"},
    ]
    names = [opened(tmp_path, lists).protocol_name() for lists in others]
    assert len({first, *names}) == 5
    assert opened(tmp_path, COCO).protocol_name() == first


@pytest.mark.parametrize(
    ("toml", "complaint"),
    [
        (
            'lists = "nowhere"',
            r"the folder of the lists \S*/nowhere is not there; name it in the TOML file, as in lists =",
        ),
        (
            'lists = {query = "no.txt", database = "database.txt"}',
            r"the list \S*/no.txt is not there; name the lists in",
        ),
        (
            'lists = {query = "test.txt"}',
            r"birds.toml: lists lacks database, wanted a text in quotes or a file, or two in",
        ),
        (
            'lists = {query = ["a"], database = "b"}',
            r"birds.toml: lists.query is \['a'\], wanted a text in quotes or a",
        ),
        (
            'lists = "."\ncsv = "labels.csv"',
            r"birds.toml: csv belongs to a CSV file, and the labels come from lists; rem",
        ),
        ('lists = "."\nqueries = 5', r"birds.toml: queries belongs to a CSV file, and the labels come from lists"),
        ('lists = "."\nlabels = "names"', r'labels is "names", wanted "class-numbers" or "multi-hot" for lists'),
        ('lists = "."\nlabels = "numbers"', r"labels is 'numbers', wanted 'names' or 'class-numbers' or 'multi-hot'"),
        ('classes = "a.txt"', r"birds.toml: classes belongs to lists, and the labels come from a CSV file; remove one"),
        (
            'lists = "."\nlabels = "multi-hot"\nclasses = "no.txt"',
            r"no.txt cannot be read \(No such file or directory\)",
        ),
    ],
)
def test_a_toml_file_that_is_not_as_it_should_be_is_refused_in_one_line(
    tmp_path: Path, toml: str, complaint: str
) -> None:
    with pytest.raises(UsageError, match=rf"^.*{complaint}.*$"):
        opened(tmp_path, COCO, toml)


def test_a_byte_order_mark_before_the_toml_file_is_taken_off(tmp_path: Path) -> None:
    assert len(opened(tmp_path, COCO, '\ufefflists = "."')) == 3


def test_what_is_no_toml_file_says_what_to_write(tmp_path: Path) -> None:
    opened(tmp_path, COCO)
    with pytest.raises(UsageError, match=r" is a folder; name the TOML file in it, as in folder:\S*/birds.toml$"):
        open_dataset(f"folder:{tmp_path}", tmp_path)
    with pytest.raises(
        UsageError, match=r"test.txt is no TOML file; write \S*/set.toml with the line lists = \".\" and"
    ):
        open_dataset(f"folder:{tmp_path}/test.txt", tmp_path)
    (tmp_path / "birds.toml").unlink()
    with pytest.raises(UsageError, match=r" is a folder; write \S*/set.toml with the line lists = \".\" and name that"):
        open_dataset(f"folder:{tmp_path}", tmp_path)
    (tmp_path / "b.csv").touch()
    for name in ("", "/b.csv"):
        with pytest.raises(UsageError, match=r"; write \S*/set.toml with the line csv = \"b.csv\" and name that"):
            open_dataset(f"folder:{tmp_path}{name}", tmp_path)


@pytest.mark.skipif(not PAGE.exists(), reason="docs/ is not beside the tests")
def test_the_pages_examples_load(tmp_path: Path) -> None:
    section = PAGE.read_text().partition("## Lists of images and labels\n")[2].partition("\n## ")[0]
    whole, apart = re.findall(r"```toml\n(.*?)```", section, flags=re.S)
    dataset = opened(tmp_path, COCO, whole.replace("/data/coco", str(tmp_path)))
    assert (len(dataset.classes()), dataset.protocol.cutoff) == (3, 5_000)
    files = {"val.txt": "q.jpg 2\n", "names.txt": "a.jpg\nb.jpg\n", "labels.txt": "0 2\n1\n"}
    dataset = opened(tmp_path, {**files, "classes.txt": "owl\njay\nkite\n"}, apart)
    assert dataset.classes() == ("owl", "jay", "kite")
    assert len(dataset.split().train) == 2


def test_real_lists_of_nuswide_are_read_as_they_are(data_root: Path, tmp_path: Path) -> None:
    real = data_root / "nuswide" / "lists"
    files = {part: real / f"deephash_nuswide_21_{part}.txt" for part in ("train", "test")}
    toml = f'lists = {{query = "{files["test"]}", database = "{files["train"]}", train = "{files["train"]}"}}'
    dataset = opened(tmp_path, {}, toml)
    assert len(dataset.classes()) == 21
    assert len(dataset.split().query) == 2_100
    assert len(dataset.split().database) == 10_500

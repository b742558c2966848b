"""folder:FILE.toml, a folder of images and a CSV file of labels as a data set."""

import re
from pathlib import Path

import numpy as np
import pytest

from hashbench.data.spec import expand, open_dataset, protocol_id
from hashbench.dataset import PHOTO_FEATURES, Dataset
from hashbench.errors import UsageError
from tests.datasets.nuswide_files import write_image

PAGE = Path(__file__).parents[2] / "docs/own-data.md"
SPLIT = """path,labels,split
a.jpg,owl;jay,train+database
sub/b.jpg,jay,database
c.jpg,,database
d.jpg,owl,query
e.jpg,kite ; owl,train
"""


@pytest.fixture(autouse=True)
def own_cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HASHBENCH_CACHE", str(tmp_path / "cache"))


def opened(folder: Path, csv: str, toml: str = "", name: str = "birds") -> Dataset:
    folder.mkdir(exist_ok=True)
    (folder / f"{name}.toml").write_text(toml)
    (folder / "labels.csv").write_text(csv)
    return open_dataset(f"folder:{folder / name}.toml", Path("nowhere"))


def rows(count: int, labelled: int) -> str:
    """A CSV file without splits, whose first rows have a label."""
    lines = [f"{number}.jpg,{'owl' if number < labelled else ''}" for number in range(count)]
    return "\n".join(["path,labels", *lines])


def test_items_and_labels_are_the_rows_of_the_csv_file(tmp_path: Path) -> None:
    dataset = opened(tmp_path, SPLIT)
    assert dataset.names(np.arange(len(dataset))) == ["a.jpg", "sub/b.jpg", "c.jpg", "d.jpg", "e.jpg"]
    assert dataset.classes() == ("jay", "kite", "owl")
    assert dataset.labels().astype(int).tolist() == [[1, 0, 1], [1, 0, 0], [0, 0, 0], [0, 0, 1], [0, 1, 1]]


def test_the_split_column_says_what_is_what(tmp_path: Path) -> None:
    split = opened(tmp_path, SPLIT).split()
    assert split.query.tolist() == [3]
    assert sorted(split.database) == [0, 1, 2]
    assert sorted(split.train) == [0, 4]


def test_columns_come_in_any_order_with_quotes_blank_lines_and_a_byte_order_mark(tmp_path: Path) -> None:
    csv = '\ufefflabels, split ,path\n"owl; jay",query,"a, b.jpg"\n\nowl,train+database,./sub/c.jpg\n'
    dataset = opened(tmp_path, csv)
    assert dataset.names(np.arange(2)) == ["a, b.jpg", "sub/c.jpg"]
    assert dataset.labels().astype(int).tolist() == [[1, 1], [0, 1]]


def test_without_splits_queries_are_drawn_from_the_labelled_and_the_rest_is_database_and_train(tmp_path: Path) -> None:
    dataset = opened(tmp_path, rows(300, labelled=200), "queries = 50")
    split = dataset.split()
    assert len(set(split.query)) == 50
    assert max(split.query) < 200
    assert split.query.tolist() != sorted(split.query)
    assert sorted([*split.query, *split.database]) == list(range(300))
    assert np.array_equal(split.train, split.database)
    assert split.database.tolist() != sorted(split.database)
    again = opened(tmp_path, rows(300, labelled=200), "queries = 50").split()
    assert np.array_equal(split.query, again.query)
    assert np.array_equal(split.database, again.database)


@pytest.mark.parametrize(("labelled", "queries"), [(2, 1), (9, 1), (200, 20), (10_500, 1_000)])
def test_one_labelled_item_in_ten_is_a_query_and_at_most_a_thousand(
    tmp_path: Path, labelled: int, queries: int
) -> None:
    assert len(opened(tmp_path, rows(labelled + 5, labelled)).split().query) == queries


def test_images_lie_where_the_toml_file_says_and_missing_ones_are_counted(tmp_path: Path) -> None:
    (tmp_path / "jpg").mkdir()
    write_image(tmp_path / "jpg" / "sub" / "b.jpg", 200)
    write_image(tmp_path / "a.jpg", 0)
    dataset = opened(tmp_path, SPLIT, 'images = "jpg"')
    assert dataset.present().tolist() == [False, True, False, False, False]
    (image,) = dataset.images(np.array([1]))
    assert (tuple(image.shape), int(image[0, 0, 0])) == ((3, 4, 6), 200)
    assert opened(tmp_path, SPLIT).present().tolist() == [True, False, False, False, False]


def test_the_csv_file_may_lie_elsewhere(tmp_path: Path) -> None:
    (tmp_path / "lists").mkdir()
    (tmp_path / "lists" / "mine.csv").write_text(SPLIT)
    assert len(opened(tmp_path, "unused", 'csv = "lists/mine.csv"')) == 5


def test_the_toml_file_sets_what_captions_and_ids_say(tmp_path: Path) -> None:
    plain = opened(tmp_path, SPLIT)
    assert (plain.title, plain.features, plain.protocol.cutoff) == ("birds", PHOTO_FEATURES, None)
    toml = 'name = "my-birds_2"\ntitle = "Birds"\nsource = "my garden"\nfeatures = "pixels@32"\ncutoff = 100'
    dataset = opened(tmp_path, SPLIT, toml)
    assert (dataset.title, dataset.source, dataset.features) == ("Birds", "my garden", "pixels@32")
    assert (dataset.protocol.name, dataset.protocol.cutoff) == ("my-birds_2", 100)
    assert protocol_id("folder:any", dataset).startswith("folder/my-birds_2-")


def test_the_id_has_a_hash_of_labels_splits_and_images(tmp_path: Path) -> None:
    def name(csv: str = SPLIT, toml: str = "") -> str:
        return opened(tmp_path, csv, toml).protocol_name()

    first = name()
    assert re.fullmatch(r"birds-[0-9a-f]{8}", first)
    others = [
        name(SPLIT.replace("owl;jay", "owl")),
        name(SPLIT.replace("owl,query", "owl,train") + "f.jpg,owl,query\n"),
        name(SPLIT.replace("jay,database", "jay,train")),
        name(rows(20, 20)),
        name(rows(20, 20), "queries = 5"),
    ]
    write_image(tmp_path / "a.jpg", 0)
    others.append(name())
    write_image(tmp_path / "a.jpg", 90)
    others.append(name())
    assert len({first, *others}) == 8
    (tmp_path / "a.jpg").unlink()
    assert name() == first


@pytest.mark.parametrize(
    ("toml", "complaint"),
    [
        (
            "feature = 'gist'",
            r"no key named 'feature'; did you mean 'features'\? \(there are: classes, csv, cutoff, features, ",
        ),
        ("cutoff = 'all'", r"cutoff is 'all', wanted a whole number from 1 to 1000000000"),
        ("cutoff = true", r"cutoff is True, wanted a whole number from 1 to 1000000000"),
        (
            "cutoff = 100000000000000000000",
            r"cutoff is 100000000000000000000, wanted a whole number from 1 to 1000000000",
        ),
        ("queries = 0", r"queries is 0, wanted a whole number from 1 to 1000000000"),
        ("images = 7", r"images is 7, wanted a text in quotes"),
        ("name = ''", r"name is '', wanted a text in quotes"),
        ("name = 'my birds'", r"the name is 'my birds', wanted letters, digits, - and _; set one"),
    ],
)
def test_a_toml_file_that_is_not_as_it_should_be_is_refused_in_one_line(
    tmp_path: Path, toml: str, complaint: str
) -> None:
    with pytest.raises(UsageError, match=rf"^{re.escape(str(tmp_path))}/birds.toml: {complaint}.*$"):
        opened(tmp_path, SPLIT, toml)


def test_a_file_name_that_is_no_name_asks_for_one(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match=r"my birds.toml: the name is 'my birds', wanted .* name = 'birds'"):
        opened(tmp_path, SPLIT, name="my birds")


def test_files_that_are_not_there_are_named(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match=r"nowhere/set.toml cannot be read \(No such file or directory\); name the"):
        open_dataset("folder:nowhere/set.toml", tmp_path)
    with pytest.raises(
        UsageError, match=r"birds.toml is not a TOML file \(Invalid value .*\); .*docs/own-data\.md shows one"
    ):
        opened(tmp_path, SPLIT, "images = jpg")
    with pytest.raises(UsageError, match=r"birds: the folder of the images .*/jpg is not there; name it in the TOML"):
        opened(tmp_path, SPLIT, "images = 'jpg'")
    with pytest.raises(UsageError, match=r"birds: the file of labels .*/mine.csv is not there; name it in the TOML"):
        opened(tmp_path, SPLIT, "csv = 'mine.csv'")


@pytest.mark.parametrize(
    ("csv", "complaint"),
    [
        ("path,label\n", r":1: no column named 'label'; did you mean 'labels'\? \(there are: labels, path, split\)"),
        ("path,split\n", r":1: no column 'labels'; wanted the header path,labels or path,labels,split"),
        ("", r":1: no column 'path'; wanted the header"),
        ("path,labels,path\n", r":1: the column 'path' is there twice; remove one"),
        ("path,labels\na.jpg,owl\nb.jpg,owl,jay\n", r":3: 3 cells, wanted 2 \(path,labels\)"),
        ("path,labels\na.jpg\n", r":2: 1 cells, wanted 2 \(path,labels\)"),
        ("path,labels\na.jpg,owl\n./a.jpg,jay\n", r":3: 'a.jpg' is on line 2 as well; remove one"),
        ("path,labels\n\n ,owl\n", r":3: the path is empty, wanted"),
        ("path,labels\nsub/../../a.jpg,owl\n", r":2: 'sub/../../a.jpg' leaves the folder of the images"),
        ("path,labels\n/etc/a.jpg,owl\n", r":2: '/etc/a.jpg' leaves the folder of the images"),
        ("path,labels,split\na.jpg,owl,test\n", r":2: split is 'test', wanted one of query, database, train, train\+"),
        ("path,labels,split\na.jpg,owl,\n", r":2: split is '', wanted one of query"),
        ('path,labels\na.jpg,"owl"s\n', r":2: .*; mend the quotes of that line"),
        ("path,labels\n", r" has no rows, wanted one for each image"),
        ("path,labels\na.jpg,;\nb.jpg,\n", r": no row has a label"),
        ("path,labels\na.jpg,owl\n", r" leaves no database items, wanted at least one \(add rows, or set queries"),
        (
            "path,labels,split\na.jpg,owl,query\nb.jpg,owl,train\n",
            r" leaves no database items, .*database or train\+database",
        ),
        (
            "path,labels,split\na.jpg,owl,train\nb.jpg,owl,database\n",
            r" leaves no query items, .* \(a row with the split query\)",
        ),
    ],
)
def test_a_csv_file_that_is_not_as_it_should_be_is_refused_in_one_line(
    tmp_path: Path, csv: str, complaint: str
) -> None:
    with pytest.raises(UsageError, match=rf"^{re.escape(str(tmp_path))}/labels.csv{complaint}.*$"):
        opened(tmp_path, csv)


def test_text_in_another_encoding_is_refused(tmp_path: Path) -> None:
    opened(tmp_path, SPLIT)
    (tmp_path / "labels.csv").write_bytes("path,labels\nkäuzchen.jpg,owl\n".encode("latin-1"))
    with pytest.raises(UsageError, match=r"labels.csv is not UTF-8 text \(.*\); save it as UTF-8"):
        open_dataset(f"folder:{tmp_path}/birds.toml", tmp_path)


def test_queries_are_set_in_one_file(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match=r"labels.csv has a split column and the TOML file sets queries; remove one"):
        opened(tmp_path, SPLIT, "queries = 2")
    with pytest.raises(UsageError, match=r"labels.csv: 3 rows have a label, too few for queries = 4"):
        opened(tmp_path, rows(10, labelled=3), "queries = 4")


def test_on_the_command_line_it_needs_its_file() -> None:
    assert expand("folder:birds/set.toml") == [f"folder:{Path('birds/set.toml').absolute()}"]
    assert not [spec for spec in expand("*") if spec.startswith("folder")]
    with pytest.raises(UsageError, match="data set 'folder' is described by a file of yours; write folder:FILE"):
        expand("folder")


@pytest.mark.skipif(not PAGE.exists(), reason="docs/ is not beside the tests")
def test_the_pages_example_loads(tmp_path: Path) -> None:
    section = PAGE.read_text().partition("## A folder with a CSV file\n")[2].partition("\n## ")[0]
    toml, csv, shell = (
        re.findall(rf"```{kind}.*?\n(.*?)```", section, flags=re.S)[0] for kind in ("toml", "csv", "sh")
    )
    spec = re.findall(r"--datasets (\S+)", shell)[0]
    file = tmp_path / spec.removeprefix("folder:")
    file.parent.mkdir()
    file.write_text(toml)
    (file.parent / "labels.csv").write_text(csv)
    for shade, line in enumerate(csv.splitlines()[1:]):
        write_image(file.parent / line.split(",")[0], 10 * shade)
    dataset = open_dataset(f"folder:{file}", tmp_path)
    assert dataset.present().all()
    assert len(dataset) == len(csv.splitlines()) - 1


@pytest.mark.parametrize("key", ["images", "csv", "lists", "classes"])
@pytest.mark.parametrize(
    ("name", "why"), [("x" * 300, r"[Nn]ame"), (r"a\u0000b", "not there|null byte|cannot be read")]
)
def test_names_that_no_file_can_have_are_refused_in_one_line(tmp_path: Path, key: str, name: str, why: str) -> None:
    (tmp_path / "database.txt").write_text("a.jpg 0 1\n")
    (tmp_path / "test.txt").write_text("b.jpg 0 1\n")
    beside = 'lists = "."\n' if key == "classes" else ""
    with pytest.raises(UsageError, match=why) as error:
        opened(tmp_path, "path,labels\na.jpg,owl\n", f'{beside}{key} = "{name}"\n')
    assert "\n" not in str(error.value)

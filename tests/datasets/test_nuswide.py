"""NUS-WIDE as published: tc21 and tc10 on the full list, whatever images are on disk."""

import hashlib
import shutil
from pathlib import Path

import numpy as np
import pytest

from hashbench.data.spec import expand, open_dataset
from hashbench.dataset import Dataset, Split
from hashbench.errors import UsageError
from tests.datasets.nuswide_files import (
    ANY_OF_10,
    ANY_OF_21,
    LINES,
    PUBLISHED,
    drawn_labels,
    name_of,
    write_image,
    write_published,
)

LABELS = "Groundtruth/AllLabels"


@pytest.fixture(autouse=True)
def own_cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HASHBENCH_CACHE", str(tmp_path / "cache"))


@pytest.fixture(scope="module")
def published(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The published layout, without images; not to be changed."""
    folder = tmp_path_factory.mktemp("published")
    write_published(folder)
    return folder


@pytest.fixture
def folder(published: Path, tmp_path: Path) -> Path:
    """A folder nuswide of links to it, whose files tests may replace."""
    folder = tmp_path / "nuswide"
    for file in published.rglob("*.txt"):
        link = folder / file.relative_to(published)
        link.parent.mkdir(parents=True, exist_ok=True)
        link.symlink_to(file)
    return folder


@pytest.fixture(scope="module")
def tc21(published: Path, tmp_path_factory: pytest.TempPathFactory) -> Dataset:
    return opened("tc21", published, tmp_path_factory)


@pytest.fixture(scope="module")
def tc10(published: Path, tmp_path_factory: pytest.TempPathFactory) -> Dataset:
    return opened("tc10", published, tmp_path_factory)


def opened(protocol: str, published: Path, tmp_path_factory: pytest.TempPathFactory) -> Dataset:
    root = tmp_path_factory.mktemp("root")
    (root / "nuswide").symlink_to(published)
    return open_dataset(f"nuswide/{protocol}", root)


def index_sum(split: Split) -> str:
    return hashlib.sha256(b"".join(items.astype("<i8").tobytes() for items in split.parts().values())).hexdigest()[:16]


def rewrite(file: Path, content: bytes) -> None:
    file.unlink()
    file.write_bytes(content)


def test_the_bare_name_means_tc21() -> None:
    assert expand("nuswide") == ["nuswide/tc21"]
    assert expand("nuswide/tc*") == ["nuswide/tc21", "nuswide/tc10"]


def test_items_are_the_images_with_one_of_the_21_concepts_in_list_order(tc21: Dataset) -> None:
    lines = np.flatnonzero(drawn_labels().any(axis=1))
    assert len(tc21) == len(lines) == ANY_OF_21
    assert tc21.names(np.arange(len(tc21))) == [name_of(line) for line in lines.tolist()]
    assert tc21.classes() == tuple(PUBLISHED)
    assert np.array_equal(tc21.labels(), drawn_labels()[lines])


def test_tc21_has_100_queries_and_500_training_items_for_each_concept(tc21: Dataset) -> None:
    split, labels = tc21.split(), tc21.labels()
    assert {part: len(np.unique(items)) for part, items in split.parts().items()} == {
        "query": 2_100,
        "database": 193_734,
        "train": 10_500,
    }
    assert not set(split.query) & set(split.database)
    assert set(split.train) <= set(split.database)
    assert (labels[split.query].sum(axis=0) >= 100).all()
    assert (labels[split.train].sum(axis=0) >= 500).all()


def test_tc10_draws_from_the_images_with_one_of_the_10_concepts(tc10: Dataset) -> None:
    split, labels = tc10.split(), tc10.labels()
    assert labels.shape == (ANY_OF_21, 10)
    assert tc10.classes() == tuple(PUBLISHED)[:10]
    assert {part: len(np.unique(items)) for part, items in split.parts().items()} == {
        "query": 5_000,
        "database": 181_577,
        "train": 10_500,
    }
    both = np.concatenate([split.query, split.database])
    assert np.array_equal(np.sort(both), np.flatnonzero(labels.any(axis=1)))
    assert len(both) == ANY_OF_10
    assert set(split.train) <= set(split.database)


def test_tc10_draws_at_random(tc10: Dataset) -> None:
    split, labels = tc10.split(), tc10.labels()
    everywhere = labels[np.concatenate([split.query, split.database])].mean(axis=0)
    for items in (split.query, split.train, split.database[:5_000]):
        share = labels[items].mean(axis=0)
        assert share == pytest.approx(everywhere, abs=5 * 0.5 / np.sqrt(len(items)))  # five standard deviations
        assert not np.array_equal(items, np.sort(items))


def test_index_sets_are_constants_of_the_protocols(tc21: Dataset, tc10: Dataset) -> None:
    assert index_sum(tc21.split()) == "986628ec4cc36bf9"
    assert index_sum(tc10.split()) == "974f68743475b90d"


def test_both_protocols_share_content_and_with_it_features(tc21: Dataset, tc10: Dataset) -> None:
    assert tc21.content() == tc10.content()
    assert (tc21.protocol_name(), tc10.protocol_name()) == ("tc21", "tc10")
    assert tc21.protocol.cutoff == tc10.protocol.cutoff == 5_000


@pytest.mark.parametrize(
    "pattern", ["Flickr/folder{}/{}", "images/folder{}/{}", "folder{}/{}", "images/{1}", "Flickr/{1}"]
)
def test_images_are_found_where_they_are_kept(folder: Path, pattern: str) -> None:
    lines = np.flatnonzero(drawn_labels().any(axis=1))[[5, 100_000]]
    for shade, line in enumerate(lines.tolist()):
        group, _, base = name_of(line).removeprefix("folder").partition("/")
        write_image(folder / pattern.format(group, base), 100 * shade)
    dataset = open_dataset("nuswide/tc21", folder.parent)
    assert np.flatnonzero(dataset.present()).tolist() == [5, 100_000]
    decoded = dataset.images(np.array([100_000, 5]))
    assert isinstance(decoded, list)
    assert [(tuple(image.shape), int(image.float().mean())) for image in decoded] == [((3, 4, 6), 100), ((3, 4, 6), 0)]


def test_linked_folders_are_followed(folder: Path, tmp_path: Path) -> None:
    first = int(np.flatnonzero(drawn_labels().any(axis=1))[0])
    write_image(tmp_path / "disk" / name_of(first), 0)
    (folder / "Flickr").symlink_to(tmp_path / "disk")
    (folder / "loop").symlink_to(folder)
    assert open_dataset("nuswide/tc21", folder.parent).present().sum() == 1


def test_images_change_the_content_and_not_the_index_sets(folder: Path, tc21: Dataset) -> None:
    first = int(np.flatnonzero(drawn_labels().any(axis=1))[0])
    write_image(folder / "Flickr" / name_of(first), 0)
    dataset = open_dataset("nuswide/tc21", folder.parent)
    assert dataset.content() != tc21.content()
    assert index_sum(dataset.split()) == index_sum(tc21.split())


def test_an_image_is_one_item_s_only(folder: Path) -> None:
    names = [b"folder%d\\same.jpg" % line for line in range(LINES)]
    rewrite(folder / "ImageList/Imagelist.txt", b"\n".join(names))
    write_image(folder / "images" / "same.jpg", 0)
    with pytest.raises(
        UsageError, match=r"images/same.jpg would be the image of both 'folder\d+/same.jpg' and 'folder"
    ):
        open_dataset("nuswide/tc21", folder.parent).present()


def test_carriage_returns_spaces_and_a_last_line_without_end_do_not_matter(folder: Path, tc21: Dataset) -> None:
    rewrite(folder / "ImageList/Imagelist.txt", " \n".join(map(name_of, range(LINES))).encode())
    sky = folder / LABELS / "Labels_sky.txt"
    rewrite(sky, sky.read_bytes().replace(b"\n", b" \r\n").rstrip())
    assert open_dataset("nuswide/tc21", folder.parent).content() == tc21.content()


def test_what_is_absent_is_named_with_the_way_out(folder: Path) -> None:
    (folder / LABELS / "Labels_lake.txt").unlink()
    with pytest.raises(UsageError, match=r"Labels_lake.txt is missing; run `hashbench data prepare nuswide --from"):
        open_dataset("nuswide/tc10", folder.parent)
    shutil.rmtree(folder)
    with pytest.raises(UsageError, match=r"nuswide/ImageList/Imagelist.txt and 21 more are missing; run"):
        open_dataset("nuswide/tc21", folder.parent)


def test_the_labels_without_the_image_list_are_not_enough(data_root: Path) -> None:
    with pytest.raises(UsageError, match=r"nuswide/ImageList/Imagelist.txt is missing; run"):
        open_dataset("nuswide/tc21", data_root)


@pytest.mark.parametrize(
    ("name", "old", "new", "complaint"),
    [
        (
            "ImageList/Imagelist.txt",
            b"folder0\\0000_2000000000.jpg\r\n",
            b"",
            "has 269,647 lines, wanted 269,648, one ",
        ),
        (
            "ImageList/Imagelist.txt",
            b"folder1\\0000_2000000001",
            b"folder0\\0000_2000000000",
            " has 'folder0/0000_2000000000.jpg' more than once",
        ),
        (
            f"{LABELS}/Labels_sky.txt",
            b"0\n",
            b"",
            "has 269,647 lines, wanted 269,648 (one per line of ImageList/Imagel",
        ),
        (
            f"{LABELS}/Labels_sky.txt",
            b"1\n0\n",
            b"1\n0\n0\n",
            "has 269,649 lines, wanted 269,648 (one per line of Image",
        ),
        (f"{LABELS}/Labels_lake.txt", b"0\n1\n", b"0\n2\n", "'2', wanted 0 or 1; get the file anew"),
        (f"{LABELS}/Labels_lake.txt", b"0\n0\n", b"0\n\n", "'', wanted 0 or 1; get the file anew"),
        (f"{LABELS}/Labels_lake.txt", b"0\n0\n", b"00\n\n", "'00', wanted 0 or 1; get the file anew"),
        (f"{LABELS}/Labels_lake.txt", b"0\n0\n", b"000\n", "'000', wanted 0 or 1; get the file anew"),
        (f"{LABELS}/Labels_road.txt", b"1\n", b"0\n", "marks 9,523 images, wanted 9,524; get the file anew"),
    ],
)
def test_files_that_are_not_as_published_are_refused(
    folder: Path, name: str, old: bytes, new: bytes, complaint: str
) -> None:
    file = folder / name
    rewrite(file, file.read_bytes().replace(old, new, 1))
    with pytest.raises(UsageError) as error:
        open_dataset("nuswide/tc21", folder.parent)
    assert str(error.value).startswith(str(file))
    assert complaint in str(error.value)
    assert "\n" not in str(error.value)


def test_the_line_of_a_wrong_label_is_named(folder: Path) -> None:
    file = folder / LABELS / "Labels_sky.txt"
    lines = file.read_bytes().splitlines()
    lines[6] = b"yes"
    rewrite(file, b"\n".join(lines))
    with pytest.raises(UsageError, match=r"Labels_sky.txt:7: 'yes', wanted 0 or 1"):
        open_dataset("nuswide/tc21", folder.parent)


def test_the_concepts_are_the_most_frequent_of_the_real_labels(data_root: Path, tc21: Dataset, tc10: Dataset) -> None:
    counts = {
        file.stem.removeprefix("Labels_"): file.read_bytes().count(b"1")
        for file in (data_root / "nuswide" / LABELS).glob("Labels_*.txt")
    }
    assert len(counts) == 81
    frequent = sorted(counts, key=lambda concept: -counts[concept])
    assert tc21.classes() == tuple(frequent[:21])
    assert tc10.classes() == tuple(frequent[:10])
    assert {concept: counts[concept] for concept in frequent[:21]} == PUBLISHED


def test_the_real_labels_have_the_published_sizes(data_root: Path, folder: Path) -> None:
    shutil.rmtree(folder / "Groundtruth")
    (folder / "Groundtruth").symlink_to(data_root / "nuswide" / "Groundtruth")
    sizes = {
        protocol: {part: len(set(items)) for part, items in dataset.split().parts().items()}
        for protocol in ("tc21", "tc10")
        if len(dataset := open_dataset(f"nuswide/{protocol}", folder.parent)) == ANY_OF_21
    }
    assert sizes == {
        "tc21": {"query": 2_100, "database": 193_734, "train": 10_500},
        "tc10": {"query": 5_000, "database": 181_577, "train": 10_500},
    }

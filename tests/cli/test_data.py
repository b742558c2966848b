"""``hashbench data verify`` and ``data list`` as a user sees them."""

import json
import re
import shlex
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from tests.cli.conftest import Done

PAGE = Path(__file__).parents[2] / "docs/own-data.md"


@pytest.fixture
def own_set(tmp_path: Path) -> Path:
    """A folder set of twelve images: query q0 shows what database image d5 shows, query q1 has no label."""
    rng = np.random.default_rng(0)
    folder = tmp_path / "set"
    folder.mkdir()
    rows = ["path,labels,split"]
    for number in range(12):
        name, split = (f"q{number}.png", "query") if number < 4 else (f"d{number}.png", "train+database")
        Image.fromarray(rng.integers(0, 256, (6, 8, 3), dtype=np.uint8)).save(folder / name)
        rows.append(f"{name},{'' if number == 1 else ('sea', 'sky;sea')[number % 2]},{split}")
    Image.open(folder / "d5.png").save(folder / "q0.png")
    (folder / "d6.png").unlink()
    (folder / "labels.csv").write_text("\n".join(rows) + "\n")
    (folder / "set.toml").write_text('name = "holiday"\nfeatures = "pixels@4"\n')
    return folder / "set.toml"


def test_verify_shows_the_planted_leak_the_unlabelled_query_and_the_missing_image(
    call: Callable[..., Done], own_set: Path
) -> None:
    done = call("data", "verify", f"folder:{own_set}")
    assert done.code == 0
    assert "same image, query in database: 1 (q0.png = d5.png)" in done.out
    assert "queries without a relevant item: 1 (q1.png)" in done.out
    header, everything, queries, database, train = (line.split() for line in done.out.splitlines()[3:8])
    assert header[-1] == "left"
    assert everything == ["all", "items", "12", "1", "1", "11"]
    assert queries == ["queries", "4", "1", "0", "4"]
    assert database == ["database", "8", "0", "1", "7"]
    assert train == ["train", "8", "0", "1", "7"]


def test_the_cards_id_goes_into_records_and_reports(call: Callable[..., Done], own_set: Path, tmp_path: Path) -> None:
    (audit,) = json.loads(call("data", "verify", f"folder:{own_set}", "--json").out)
    words = ("--datasets", f"folder:{own_set}", "--executor", "inline", "--json")
    run = call("run", "--methods", "itq", "--bits", "8", *words)
    records = json.loads(run.out)
    assert {record["protocol_card"]["id"] for record in records} == {audit["card"]}
    assert {record["trial"]["protocol"] for record in records} == {audit["protocol"]}
    assert audit["protocol"].startswith("folder/holiday-")
    assert records[0]["protocol_card"]["leaks"] == {"query_in_database": 1, "query_in_train": 1}
    assert records[0]["protocol_card"]["missing"] == {"query": 0, "database": 1, "train": 1}
    report = (tmp_path / "results/leaderboard.md").read_text()
    assert f"protocol card {audit['card']}" in report
    assert "the images of 1 database, 1 training items are missing" in report
    assert list((tmp_path / "cache/cards").glob(f"*-{audit['card']}.json"))


def test_labels_that_no_query_shares_with_the_database_are_refused(call: Callable[..., Done], own_set: Path) -> None:
    csv = own_set.parent / "labels.csv"
    csv.write_text(
        "\n".join(line.replace("sea", "moon") if "query" in line else line for line in csv.read_text().split())
    )
    csv.write_text(csv.read_text().replace("sky;moon", "moon"))
    done = call("run", "--methods", "lsh", "--bits", "8", "--datasets", f"folder:{own_set}", "--dry-run")
    assert done.code == 2
    assert "no query shares a label with an item of the database" in done.err


def test_features_that_cannot_read_the_images_are_refused_before_anything_runs(
    call: Callable[..., Done], own_set: Path
) -> None:
    Image.new("RGB", (5, 9)).save(own_set.parent / "q3.png")
    words = ("--methods", "lsh", "--bits", "8", "--datasets", f"folder:{own_set}", "--dry-run")
    done = call("run", *words, "--features", "pixels")
    assert done.code == 2
    assert "features 'pixels' of images of different sizes (8 x 6 and 5 x 9) need one size for all, say" in done.err


def test_pixels_of_images_of_one_size_run_without_a_size(
    call: Callable[..., Done], own_set: Path, tmp_path: Path
) -> None:
    words = ("--methods", "lsh", "--bits", "8", "--datasets", f"folder:{own_set}", "--executor", "inline")
    done = call("run", *words, "--features", "pixels", "--json")
    assert done.code == 0
    assert {record["status"] for record in json.loads(done.out)} == {"ok"}
    (rates,) = (tmp_path / "results/throughput").iterdir()
    assert json.loads(rates.read_text())["encode"]


def test_a_set_without_training_rows_is_verified_and_scored(
    call: Callable[..., Done], own_set: Path, tmp_path: Path
) -> None:
    csv = own_set.parent / "labels.csv"
    csv.write_text(csv.read_text().replace("train+database", "database"))
    done = call("data", "verify", f"folder:{own_set}")
    assert done.code == 0
    assert ["train", "0", "0", "0", "0"] in [line.split() for line in done.out.splitlines()]
    rng = np.random.default_rng(0)
    codes = {f"{part}_codes": rng.integers(0, 2, (size, 8)) == 1 for part, size in (("query", 4), ("database", 7))}
    np.savez(tmp_path / "codes.npz", **codes)
    done = call("score", "codes.npz", "--protocol", f"folder:{own_set}", "--json")
    assert done.code == 0, done.err
    assert json.loads(done.out)["protocol_card"]["sizes"] == {"query": 4, "database": 7, "train": 0}
    done = call("run", "--methods", "lsh", "--bits", "8", "--datasets", f"folder:{own_set}")
    assert done.code == 2
    assert "has no train items; name some in its files to run methods, or score codes that were made" in done.err


def test_names_that_cannot_be_printed_are_spelt_out(call: Callable[..., Done], own_set: Path, tmp_path: Path) -> None:
    (own_set.parent / "database.txt").write_bytes(b"d4.png 0\nd5.png 1\nlo\x1bst\xe9.png 2\n")
    (own_set.parent / "test.txt").write_bytes(b"q1.png 0\nq0.png 1\n")
    (own_set.parent / "classes.txt").write_bytes(b"caf\xe9\n\x1b[31mred\nsea\n")
    own_set.write_text('lists = "."\nclasses = "classes.txt"\ntitle = "a\\u001bb"\n')
    done = call("data", "verify", f"folder:{own_set}")
    assert done.code == 0
    assert "\x1b" not in done.out
    assert r"\x1b[31mred" in done.out
    (line,) = (line for line in done.out.splitlines() if "missing images" in line)
    assert r"missing images: 1 (lo\x1bst\udce9.png)" in line
    assert Path(line.partition("named in ")[2]).read_bytes() == b"lo\x1bst\xe9.png\n"


def test_a_class_that_looks_like_several_is_pointed_out(call: Callable[..., Done], own_set: Path) -> None:
    csv = own_set.parent / "labels.csv"
    csv.write_text(csv.read_text().replace("d9.png,sky;sea", "d9.png,sky sea").replace("d7.png,sky;sea", "d7.png,sky"))
    line = "the class 'sky sea' looks like 'sky' and 'sea'"
    assert line in call("data", "verify", f"folder:{own_set}").out
    (audit,) = json.loads(call("data", "verify", f"folder:{own_set}", "--json").out)
    assert line in audit["notes"][0]
    assert line in call("run", "--methods", "lsh", "--bits", "8", "--datasets", f"folder:{own_set}", "--dry-run").err


def test_strict_is_for_gates(call: Callable[..., Done], own_set: Path) -> None:
    done = call("data", "verify", f"folder:{own_set}", "--strict")
    assert done.code == 1
    faults = [line.partition(": ")[2] for line in done.err.splitlines()]
    assert faults == ["1 images are missing", "1 queries have no relevant item", "1 queries leak"]
    assert call("data", "verify", "digits", "--strict").code == 0


def test_a_record_does_not_say_where_the_folder_lies(call: Callable[..., Done], own_set: Path, tmp_path: Path) -> None:
    words = ("--methods", "lsh", "--bits", "8", "--executor", "inline", "--dry-run", "--json", "--datasets")
    here = json.loads(call("run", *words, f"folder:{own_set}").out)
    own_set.parent.rename(tmp_path / "elsewhere")
    there = json.loads(call("run", *words, f"folder:{tmp_path}/elsewhere/set.toml").out)
    assert [row["key"] for row in here] == [row["key"] for row in there]


def test_verify_names_missing_images_and_the_likely_cause(call: Callable[..., Done], own_set: Path) -> None:
    csv = own_set.parent / "labels.csv"
    lost = [f"lost{number}.png" for number in range(12)]
    csv.write_text(csv.read_text().replace("d8.png", "D8.png") + "".join(f"{name},sea,database\n" for name in lost))
    done = call("data", "verify", f"folder:{own_set}")
    named = ", ".join(["d6.png", "D8.png", *lost[:8]])
    (line,) = (line for line in done.out.splitlines() if "missing images" in line)
    start, _, file = line.partition("; all are named in ")
    assert start == f"  missing images: 14 ({named}, ...)"
    assert Path(file).read_text().splitlines() == ["d6.png", "D8.png", *lost]
    assert "likely cause for 1 of them: letter case (D8.png on the list, d8.png on disk)" in done.out
    (audit,) = json.loads(call("data", "verify", f"folder:{own_set}", "--json").out)
    assert audit["missing_images"]["names"] == ["d6.png", "D8.png", *lost]
    assert audit["missing_in"] == file
    assert audit["missing_images"]["causes"][0]["cause"] == "letter case"


def test_where_no_image_is_on_disk_the_way_to_their_names_is_shown(call: Callable[..., Done], own_set: Path) -> None:
    csv = own_set.parent / "labels.csv"
    csv.write_text(csv.read_text().replace(".png", ".PNG"))
    done = call("run", "--methods", "lsh", "--bits", "8", "--datasets", f"folder:{own_set}", "--dry-run")
    assert done.code == 2
    assert "none of the 4 query images is on disk; `hashbench data verify` names them and the likely" in done.err
    done = call("data", "verify", f"folder:{own_set}")
    assert "likely cause for 11 of them: letter case (q0.PNG on the list, q0.png on disk)" in done.out


def test_verify_and_run_name_all_broken_images_in_one_pass(
    call: Callable[..., Done], own_set: Path, tmp_path: Path
) -> None:
    rows = (own_set.parent / "labels.csv").read_text()
    names = [f"broken{number}.png" for number in range(12)]
    (own_set.parent / "labels.csv").write_text(rows + "".join(f"{name},sea,query\n" for name in names))
    for name in (*names, "q2.png"):
        (own_set.parent / name).write_bytes(b"<html>")
    done = call("data", "verify", f"folder:{own_set}", "--json")
    assert done.code == 2
    (audit,) = json.loads(done.out)
    assert sorted(audit["broken_images"]) == sorted(str(own_set.parent / name) for name in (*names, "q2.png"))
    assert audit["sizes"]["query"] == 16
    for words in (("data", "verify"), ("run", "--methods", "lsh", "--bits", "8", "--executor", "inline", "--datasets")):
        done = call(*words, f"folder:{own_set}")
        assert done.code == 2
        (line,) = (line for line in done.err.splitlines() if line.startswith("hashbench:"))
        first = ["q2.png", *names[:9]]
        named = ", ".join(f"{name} (no image that Pillow can identify)" for name in first)
        assert f"13 images cannot be decoded, in {own_set.parent}/: {named} and 3 more, which `hashbench" in line
    assert not list(tmp_path.glob("results/records/*"))


def test_files_that_cannot_be_read_are_all_in_json(call: Callable[..., Done], own_set: Path) -> None:
    folder = own_set.parent
    call("data", "verify", f"folder:{own_set}")
    for name in ("q2.png", "q3.png"):
        (folder / name).unlink()
        (folder / name).symlink_to("/proc/self/mem")  # is a file, and cannot be read from its beginning
    done = call("data", "verify", f"folder:{own_set}", "--json")
    assert done.code == 2
    (row,) = json.loads(done.out)
    assert sorted(row["broken_images"]) == [str(folder / "q2.png"), str(folder / "q3.png")]
    assert "2 files cannot be read" in done.err


def test_prepare_says_in_json_what_is_ready(call: Callable[..., Done], tmp_path: Path) -> None:
    done = call("data", "prepare", "digits", "--json")
    assert done.code == 0
    (row,) = json.loads(done.out)
    assert (row["name"], row["ready"], row["items"], row["missing"]) == ("digits", True, 1_797, 0)
    assert "needs no preparation" in done.err
    done = call("data", "prepare", "nuswide", "--data", str(tmp_path), "--json")
    assert {row["ready"] for row in json.loads(done.out)} == {False}


def test_a_truncated_image_is_one_line_and_nothing_is_run(
    call: Callable[..., Done], own_set: Path, tmp_path: Path
) -> None:
    damaged = own_set.parent / "d7.png"
    damaged.write_bytes(damaged.read_bytes()[:60])
    for words in (("data", "verify"), ("run", "--methods", "lsh", "--bits", "8", "--executor", "inline", "--datasets")):
        done = call(*words, f"folder:{own_set}")
        assert done.code == 2
        (line,) = (line for line in done.err.splitlines() if line.startswith("hashbench:"))
        assert f"the image {damaged} cannot be decoded" in line
        assert "remove it to have it counted as missing" in line
    assert not list(tmp_path.glob("results/records/*"))
    assert not [file for file in (tmp_path / "cache").rglob("*") if file.name.startswith(".")]


@pytest.mark.skipif(not PAGE.exists(), reason="docs/ is not beside the tests")
def test_the_pages_folder_of_images_runs_as_it_says(call: Callable[..., Done], tmp_path: Path) -> None:
    section = PAGE.read_text().partition("## A folder with a CSV file\n")[2].partition("\n## ")[0]
    assert section.count("\n") < 30
    blocks = dict(re.findall(r"```(\w+).*?\n(.*?)```", section, flags=re.S))
    folder = tmp_path / "birds"
    (folder / "night").mkdir(parents=True)
    (folder / "set.toml").write_text(blocks["toml"])
    (folder / "labels.csv").write_text(blocks["csv"])
    rng = np.random.default_rng(0)
    for row in blocks["csv"].splitlines()[1:]:
        Image.fromarray(rng.integers(0, 256, (9, 12, 3), dtype=np.uint8)).save(folder / row.partition(",")[0])
    (command,) = blocks["sh"].splitlines()
    done = call(*shlex.split(command)[1:], "--executor", "inline")
    assert done.code == 0, done.err
    assert "mAP@1000 on folder/birds-" in done.out
    assert "mAP@5000" in (tmp_path / "results/leaderboard.md").read_text()


@pytest.mark.parametrize(
    ("weights", "line"),
    [
        ("squeezenet", "weights are 'squeezenet', wanted NAME=FILE"),
        ("resnet5=x", "no network named 'resnet5'; did you mean 'resnet50'?"),
        ("resnet50=nowhere.pth", "weights of 'resnet50': there is no file 'nowhere.pth'"),
    ],
)
def test_weights_that_cannot_be_are_one_line(call: Callable[..., Done], weights: str, line: str) -> None:
    done = call("run", "--methods", "itq", "--bits", "8", "--features", "resnet50", "--weights", weights)
    assert done.code == 2
    assert line in done.err
    assert done.err.count("\n") == 1


def test_without_weights_the_ways_out_are_named(
    call: Callable[..., Done], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("TORCH_HOME", str(tmp_path))
    done = call("run", "--methods", "itq", "--bits", "8", "--features", "resnet50", "--offline")
    assert done.code == 2
    assert "--weights resnet50=FILE" in done.err
    assert "--features gist" in done.err


def test_show_tells_of_features(call: Callable[..., Done]) -> None:
    network = json.loads(call("show", "vgg19", "--json").out)
    assert network["preprocessing"]["shorter_side"] == 256
    assert network["sizes"] == "32 to 1024 pixels, as in vgg19@128"
    assert set(json.loads(call("show", "gist", "--json").out)) == {"features", "about", "suite"}


def test_one_line_for_each_data_set_or_protocol_that_stands_otherwise(call: Callable[..., Done]) -> None:
    lines = call("data", "list").out.splitlines()
    assert "digits: ready" in lines
    assert "folder:FILE: a file of yours describes it" in lines


def test_what_a_file_describes_is_not_prepared(call: Callable[..., Done]) -> None:
    done = call("data", "prepare", "folder")
    assert done.code == 2
    assert "needs no preparation" in done.err

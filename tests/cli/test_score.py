"""The verb ``score``: what it reads, prints, writes and refuses."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from tests.cli.conftest import Done


@pytest.fixture
def arrays() -> dict[str, Any]:
    """Codes of 12 bits, of which the first is always 1, as numbers; one query has a class of its own."""
    rng = np.random.default_rng(3)
    codes = [rng.integers(0, 2, (n, 12)) for n in (6, 40)]
    for each in codes:
        each[:, 0] = 1
    labels = np.arange(6) % 3, np.arange(40) % 3
    labels[0][5] = 3
    return dict(
        zip(("query_codes", "database_codes", "query_labels", "database_labels"), (*codes, *labels), strict=True)
    )


@pytest.fixture
def file(arrays: dict[str, Any], tmp_path: Path) -> Path:
    """The same as ``mine.npz`` where the command is called, with an array that nobody asked for."""
    np.savez(tmp_path / "mine.npz", **arrays, note=np.zeros(1))
    return tmp_path / "mine.npz"


@pytest.fixture
def record(call: Callable[..., Done], file: Path) -> dict[str, Any]:
    record: dict[str, Any] = json.loads(call("score", "mine.npz", "--encoding", "01", "--json").out)
    return record


def test_it_prints_a_short_table_and_where_the_record_is(call: Callable[..., Done], file: Path, tmp_path: Path) -> None:
    done = call("score", "mine.npz", "--encoding", "01", "--cutoff", "20")
    assert (done.code, done.err) == (0, "not read: note\n")
    (path,) = (tmp_path / "results/records").glob("scored-*-mine-12-0-*.json")
    metrics = json.loads(path.read_text())["metrics"]
    table, sentences = [part.splitlines() for part in done.out.split("\n\n")][1:3]
    assert done.out.startswith("mine, 12 bits: 6 queries, 40 database items, 4 labels; scored/labels-")
    assert table[0] == (
        f"  mAP@1000        {metrics['map@1000']:.3f}  divided by the hits among the first 1,000; "
        f"chance {metrics['chance']:.3f}, chance-adjusted {metrics['adjusted_map@1000']:.3f}"
    )
    assert f"  mAP@20          {metrics['map@20']:.3f}  divided by the hits among the first 20" in table
    assert sentences[1:] == [
        f"A script that sorts shows one order: other tie orders give mAP@1000 {metrics['map@1000/worst']:.3f} to "
        f"{metrics['map@1000/best']:.3f}, mAP@all {metrics['map@all/worst']:.3f} to {metrics['map@all/best']:.3f}.",
        "Queries without any relevant database item, left out of the means: 1.",
        "Bits that never change: 1 of 12.",
    ]
    assert done.out.endswith(f"features external: the first of its table\n{path.relative_to(tmp_path)}\n")
    assert "codes=external: codes made elsewhere" in (tmp_path / "results/leaderboard.md").read_text()


def test_packed_codes_in_either_bit_order_are_the_same_codes(
    call: Callable[..., Done], arrays: dict[str, Any], record: dict[str, Any]
) -> None:
    codes = {name: np.packbits(arrays[name], axis=1, bitorder="little") for name in ("query_codes", "database_codes")}
    np.savez("mine.npz", **{**arrays, **codes})
    words = ("score", "mine.npz", "--encoding", "packed", "--bits", "12")
    assert json.loads(call(*words, "--bit-order", "lsb", "--json").out)["key"] == record["key"]
    refused = call(*words)
    assert (refused.code, refused.err.count("\n")) == (2, 1)
    assert "(--bit-order msb); all rows have them with --bit-order lsb" in refused.err


def test_own_items_are_left_out_on_request(call: Callable[..., Done], arrays: dict[str, Any]) -> None:
    rows = np.arange(6) * 5
    queries = {"query_codes": arrays["database_codes"][rows], "query_labels": arrays["database_labels"][rows]}
    np.savez("mine.npz", **{**arrays, **queries}, query_items=rows, database_items=np.arange(40))
    done = call("score", "mine.npz", "--encoding", "01")
    assert "Queries that are also in the database, where each finds itself: 6.\n" in done.out
    assert "--leave-one-out takes a query's own item out of its ranking" in done.err
    done = call("score", "mine.npz", "--encoding", "01", "--leave-one-out")
    assert "Leave one out: 6 queries do not find their own item of the database.\n" in done.out
    assert done.err == ""


def test_arrays_may_have_files_of_their_own(
    call: Callable[..., Done], arrays: dict[str, Any], record: dict[str, Any]
) -> None:
    words = []
    for name, array in arrays.items():
        np.save(f"{name}.npy", array)
        words += [f"--{name.replace('_', '-')}", f"{name}.npy"]
    done = call("score", *words, "--encoding", "01", "--name", "mine", "--json")
    printed = json.loads(done.out)
    assert (printed["key"], printed["metrics"]) == (record["key"], record["metrics"])
    assert sorted(printed["provenance"]["scored"]["files"]) == sorted(arrays)
    assert list(record["provenance"]["scored"]["files"]) == ["mine.npz"]


def test_other_codes_of_that_name_are_noted_as_replacing_it(
    call: Callable[..., Done], arrays: dict[str, Any], record: dict[str, Any]
) -> None:
    np.savez("mine.npz", **{**arrays, "query_codes": 1 - arrays["query_codes"]})
    done = call("score", "mine.npz", "--encoding", "01")
    assert done.err == (
        f"tables show these codes instead of earlier ones called mine (record {record['key']}); "
        f"for another seed of the method say --repetition 1\n"
    )
    assert call("score", "mine.npz", "--encoding", "01", "--repetition", "1").err == ""


def test_other_verbs_say_that_there_is_no_method(call: Callable[..., Done], record: dict[str, Any]) -> None:
    for verb, end in (("measure", "there is no method\n"), ("gallery", "--protocol have its images\n")):
        done = call(verb, record["key"][:8])
        assert done.code == 2
        assert done.err.startswith(f"hashbench: record {record['key']} is of codes from elsewhere, mine 12 bits on ")
        assert done.err.endswith(end)
        assert done.err.count("\n") == 1
    assert call("gallery").err.startswith("hashbench: no record in results/records has codes to show")
    shown = call("show", record["key"][:8])
    assert (shown.code, shown.err) == (0, "")
    assert "    codes: external\n" in shown.out


def test_codes_on_a_protocol_have_its_pictures(call: Callable[..., Done], tmp_path: Path) -> None:
    rng = np.random.default_rng(0)
    np.savez("mine.npz", query_codes=rng.random((200, 8)) < 0.5, database_codes=rng.random((1597, 8)) < 0.5)
    done = call("score", "mine.npz", "--protocol", "digits", "--features", "pixels")
    assert done.err.splitlines() == [
        f"{part} codes came without labels and items: taken to be in the order of digits/holdout-200"
        for part in ("query", "database")
    ]
    done = call("gallery", "--queries", "1", "--neighbours", "1", "--device", "cpu")
    assert done.code == 0
    assert done.err.endswith("no reconstructions: the codes of mine were made elsewhere, so there is no method\n")


@pytest.mark.parametrize(
    ("words", "line"),
    [
        ((), "hashbench: no FILE to take the method's name from"),
        (("none.npz",), "hashbench: there is no file 'none.npz'"),
        (("mine.npz",), "hashbench: query_codes are int64 [6, 12]; say how bits are written with --encoding 01, pm1"),
        (("cut.npz",), "hashbench: cut.npz cannot be read ("),
        (("text.npz",), "hashbench: text.npz cannot be read (it is pickled, or no file of numpy's); wanted an .npz"),
        (("objects.npz",), "hashbench: objects.npz cannot be read (it is pickled, or no file of numpy's); wanted"),
        (("one.npy",), "hashbench: one.npy holds one array; give it with the option of its kind"),
        (("mine.npz", "--query-codes", "one.npy"), "hashbench: query_codes are in mine.npz and in one.npy (--query-"),
        (("--query-codes", "mine.npz", "--name", "x"), "hashbench: --query-codes names mine.npz, an archive of sever"),
        (("mine.npz", "--encoding", "01", "--weights", "resnet50=mine.npz"), "hashbench: --weights names 'resnet50'"),
        (("mine.npz", "--encoding", "01", "--device", "cuda:77"), "hashbench: device 'cuda:77' is not here"),
        (("mine.npz", "--encoding", "01", "--bit-order", "lsb"), "hashbench: --bit-order lsb is about --encoding pack"),
        (("mine.npz", "--encoding", "packed", "--bit-order", "le"), "hashbench: no bit order named 'le'"),
        (("mine.npz", "--encoding", "01", "--leave-one-out"), "hashbench: --leave-one-out goes by item numbers, and n"),
        (
            ("mine.npz", "--encoding", "01", "--cutoff", "1" + 20 * "0"),
            "hashbench: --cutoff is 100000000000000000000, ",
        ),
    ],
)
def test_bad_input_gets_one_line_and_exit_code_2(
    call: Callable[..., Done], file: Path, tmp_path: Path, words: tuple[str, ...], line: str
) -> None:
    Path("cut.npz").write_bytes(file.read_bytes()[:400])
    Path("text.npz").write_text("query_codes")
    np.savez("objects.npz", allow_pickle=True, query_codes=np.array([[1, None]]))
    np.save("one.npy", np.zeros((6, 12)))
    done = call("score", *words)
    assert (done.code, done.out) == (2, "")
    assert done.err.startswith(line), done.err
    assert done.err.count("\n") == 1
    assert not (tmp_path / "results").exists()


def test_other_peoples_rules_stand_beside_ours_with_what_makes_the_difference(
    call: Callable[..., Done], file: Path, tmp_path: Path
) -> None:
    done = call("score", "mine.npz", "--encoding", "01", "--as", "deephash,total-relevant", "--as", "oh")
    head, ours, *rows = [line.split() for line in done.out.split("By other people's rules")[1].splitlines()[1:6]]
    assert head[:4] == ["rule", "mAP@1000", "mAP@all", "queries"]
    (path,) = (tmp_path / "results/records").glob("scored-*-mine-12-0-*.json")
    record = json.loads(path.read_text())
    assert ours == ["ours", f"{record['metrics']['map@1000']:.3f}", f"{record['metrics']['map@all']:.3f}"]
    assert [(row[0], row[3]) for row in rows] == [("deephash", "6"), ("total-relevant", "5"), ("oh", "5")]
    assert "queries -0." in " ".join(rows[0])
    assert "swuxyj/DeepHash-pytorch, utils/tools.py, CalcTopMap" in done.out
    assert "rules" not in record


def test_rules_are_in_the_json_too(call: Callable[..., Done], file: Path) -> None:
    done = json.loads(call("score", "mine.npz", "--encoding", "01", "--as", "min(k,R)", "--json").out)
    first, whole = done["rules"]
    assert (first["rule"], first["k"], whole["k"], first["queries"]) == ("min", 1000, None, 6)
    assert first["ours"] + sum(first["difference"].values()) == pytest.approx(first["value"])


def test_a_rule_on_real_outputs_is_refused_without_them_and_nothing_is_written(
    call: Callable[..., Done], file: Path, arrays: dict[str, Any], tmp_path: Path
) -> None:
    done = call("score", "mine.npz", "--encoding", "01", "--as", "crovca")
    assert (done.code, done.out) == (2, "")
    assert done.err.startswith("hashbench: --as crovca ranks by the queries' real outputs, and none were given; add")
    assert not (tmp_path / "results").exists()
    np.save("real.npy", arrays["query_codes"] - 0.5)
    done = call("score", "mine.npz", "--encoding", "01", "--as", "crovca", "--query-outputs", "real.npy")
    assert done.code == 0
    assert "crovca" in done.out
    done = call("score", "mine.npz", "--encoding", "01", "--query-outputs", "real.npy")
    assert "not read: note, query_outputs, which are for --as crovca\n" in done.err

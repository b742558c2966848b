"""Data sets as users name them."""

from pathlib import Path

import pytest

from hashbench.data.spec import expand, open_dataset, plugin_name, protocol_id
from hashbench.errors import UsageError


def test_a_bare_name_is_the_first_protocol() -> None:
    assert expand("cifar10") == ["cifar10/bgan"]


def test_globs_match_names_and_protocols() -> None:
    assert expand("*/bg*") == ["cifar10/bgan", "cifar10/bgan-validation"]
    assert expand("cifar10/*")[:2] == ["cifar10/bgan", "cifar10/unsupervised-59k"]


def test_a_glob_leaves_out_what_only_a_file_describes() -> None:
    assert not [spec for spec in expand("*") if plugin_name(spec) == "folder"]


def test_a_file_is_named_by_its_absolute_path(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    assert expand("folder:sets/birds.toml") == [f"folder:{tmp_path}/sets/birds.toml"]
    assert plugin_name("folder:/sets/birds.toml") == "folder"


@pytest.mark.parametrize(
    ("spec", "line"),
    [
        ("digts", "no data set named 'digts'; did you mean 'digits'?"),
        ("digits/nope", "no protocol digits/nope (there are: digits/holdout-200)"),
        ("folder", "write folder:FILE"),
        ("*/nope", "no protocol is called '*/nope'"),
        ("digits:set.toml", "digits takes no file"),
        ("v5k.npy", "no data set named 'v5k.npy'; did you mean embeddings:v5k.npy?"),
        ("/no/V.NPY?metric=ip", "did you mean embeddings:/no/V.NPY?metric=ip?"),
        ("birds/set.toml", "did you mean folder:birds/set.toml?"),
        (__file__, "needs the name of what reads it: embeddings:FILE (.npy .npz"),
    ],
)
def test_what_does_not_exist_is_one_line(spec: str, line: str) -> None:
    with pytest.raises(UsageError) as error:
        [open_dataset(each, Path()) for each in expand(spec)]
    assert line in str(error.value)
    assert "\n" not in str(error.value)


def test_ids_are_name_and_protocol() -> None:
    dataset = open_dataset("digits", Path())
    assert protocol_id("digits/holdout-200", dataset) == "digits/holdout-200"

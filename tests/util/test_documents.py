"""Documents checked against a model: what is taken, and that each fault is one line with path, value and wanted."""

from pathlib import Path
from typing import Annotated, Any, Literal

import pytest
from msgspec import UNSET, Meta, Struct, UnsetType

from hashbench.errors import UsageError
from hashbench.util.documents import Count, NotNegative, Number, Text, checked, read_toml


class Run(Struct, frozen=True, forbid_unknown_fields=True):
    bits: Annotated[tuple[int, ...], Meta(min_length=1, description="a list of code lengths")]
    parameters: dict[str, dict[str, Any]] = {}
    preset: Text | UnsetType = UNSET


class Loose(Struct):
    mean: Number
    share: NotNegative | None
    direction: Literal["up", "down"] = "up"


class Document(Struct, frozen=True, forbid_unknown_fields=True):
    title: Text
    runs: list[Run] = []
    epochs: Count = 1
    fast: bool = False
    figures: dict[str, Loose] = {}

    def __post_init__(self) -> None:
        if self.fast and self.epochs > 1:
            raise ValueError("fast is True beside several epochs, wanted one of the two")


GOOD = {"mean": 1.0, "share": None}


def test_a_document_becomes_its_model() -> None:
    content = {"title": "t", "runs": [{"bits": [8, 16], "parameters": {"itq": {"a": [1, "x"]}}}]}
    assert checked(content, Document, "d") == Document("t", [Run((8, 16), {"itq": {"a": [1, "x"]}})])
    assert checked({**GOOD, "other": 7}, Loose, "d") == Loose(1.0, None)


@pytest.mark.parametrize(
    ("content", "fault"),
    [
        ([], "d is [], wanted a table"),
        ({}, "d lacks title, wanted a text in quotes"),
        ({"title": 7}, "d: title is 7, wanted a text in quotes"),
        ({"title": ""}, "d: title is '', wanted a text in quotes"),
        ({"title": "t", "runs": {}}, "d: runs is {}, wanted a list"),
        ({"title": "t", "runs": [{"bits": [8]}, 7]}, "d: runs[1] is 7, wanted a table"),
        ({"title": "t", "runs": [{"bits": [8]}, {}]}, "d: runs[1] lacks bits, wanted a list of code lengths"),
        ({"title": "t", "runs": [{"bits": 8}]}, "d: runs[0].bits is 8, wanted a list of code lengths"),
        ({"title": "t", "runs": [{"bits": []}]}, "d: runs[0].bits is [], wanted a list of code lengths"),
        ({"title": "t", "runs": [{"bits": [8, True]}]}, "d: runs[0].bits[1] is True, wanted a whole number"),
        ({"title": "t", "runs": [{"bits": [8, 8.0]}]}, "d: runs[0].bits[1] is 8.0, wanted a whole number"),
        ({"title": "t", "runs": [{"bits": [8], "preset": 1}]}, "d: runs[0].preset is 1, wanted a text in quotes"),
        (
            {"title": "t", "runs": [{"bits": [8], "parameters": {"lsh": {}, "itq": 3}}]},
            "d: runs[0].parameters.itq is 3, wanted a table",
        ),
        (
            {"title": "t", "runs": [{"bits": [8], "parametres": {}}]},
            "d: runs[0]: no key named 'parametres'; did you mean 'parameters'? (there are: bits, parameters, preset)",
        ),
        ({"title": "t", "epochs": 0}, "d: epochs is 0, wanted a whole number from 1 to 1000000000"),
        ({"title": "t", "fast": 1}, "d: fast is 1, wanted true or false"),
        ({"title": "t", "fast": True, "epochs": 2}, "d: fast is True beside several epochs, wanted one of the two"),
        ({"title": "t", "figures": {"a": GOOD, "b.c": {**GOOD, "mean": float("nan")}}}, "d: figures.b.c.mean is nan, "),
        ({"title": "t", "figures": {"a": {**GOOD, "mean": float("-inf")}}}, "d: figures.a.mean is -inf, wanted a num"),
        (
            {"title": "t", "figures": {"a": {**GOOD, "share": -1}}},
            "d: figures.a.share is -1, wanted a number of at least 0 or null",
        ),
        (
            {"title": "t", "figures": {"a": {**GOOD, "direction": "left"}}},
            "d: figures.a.direction is 'left', wanted 'up' or 'down'",
        ),
    ],
)
def test_a_fault_is_named_with_its_path_its_value_and_what_was_wanted(content: Any, fault: str) -> None:
    with pytest.raises(UsageError) as refused:
        checked(content, Document, "d")
    assert str(refused.value).startswith(fault)
    with pytest.raises(UsageError) as refused:
        checked(content, Document, "d", "mend it")
    assert str(refused.value).endswith("; mend it")


def test_hostile_names_and_values_stay_one_short_line() -> None:
    content = {"title": "t", "figures": {"\x1b[31m\n" + "k" * 10_000: "v\n" * 10_000}}
    with pytest.raises(UsageError) as refused:
        checked(content, Document, "d")
    assert str(refused.value).isprintable()
    assert len(str(refused.value)) < 300


def test_toml_that_cannot_be_read_is_named_with_the_way_out(tmp_path: Path) -> None:
    file = tmp_path / "s.toml"
    with pytest.raises(UsageError, match=r"^suite s cannot be read \(No such file or directory\); name another$"):
        read_toml(file, "suite s", "name another")
    for content in (b"title", b"title = '\xff'", b"a = " + b"[" * 100_000):
        file.write_bytes(content)
        with pytest.raises(UsageError, match=r"^suite s is not a TOML file \([^\n]+\); name another$"):
            read_toml(file, "suite s", "name another")
    file.write_text("bits = [8]")
    assert read_toml(file, "suite s", "name another") == {"bits": [8]}

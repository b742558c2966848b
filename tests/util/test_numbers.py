"""Whole and positive numbers that users give, in every public function and option that takes one."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

import hashbench as hb
from hashbench.execution.run import make_settings
from hashbench.external.score_request import ScoreRequest
from hashbench.gallery.make import GalleryRequest
from hashbench.planning.grid import Grid
from hashbench.replay.gates import check
from hashbench.util.numbers import byte_size, positive_number, whole_number

BOOLS = np.eye(4, dtype=np.bool_)
LABELS = np.zeros(4, dtype=np.int64)
NOT_WHOLE = [5.0, True, np.bool_(True), np.float32(5), "5", 10**20, -(10**20), np.array([5]), float("nan"), None]

WHOLE: dict[str, Callable[[Any], Any]] = {
    "cutoff": lambda value: hb.evaluate(BOOLS, BOOLS, LABELS, LABELS, cutoff=value, device="cpu"),
    "index: k": lambda value: hb.HammingIndex(BOOLS, "cpu").search(BOOLS, k=value),
    "bits": lambda value: hb.hasher("lsh", bits=value),
    "seed": lambda value: hb.hasher("lsh", bits=4, seed=value),
    "repeats": lambda value: Grid(("lsh",), (4,), repeats=value),
    "limit": lambda value: Grid(("lsh",), (4,), limit=value),
    "--cutoff": lambda value: ScoreRequest("mine", cutoff=value),
    "--repetition": lambda value: ScoreRequest("mine", repetition=value),
    "queries": lambda value: GalleryRequest(Path(), Path(), torch.device("cpu"), queries=value),
    "neighbours": lambda value: GalleryRequest(Path(), Path(), torch.device("cpu"), neighbours=value),
}
OPTIONAL = {"cutoff", "limit", "--cutoff"}


@pytest.mark.parametrize("name", WHOLE)
@pytest.mark.parametrize("value", NOT_WHOLE, ids=repr)
def test_what_is_no_whole_number_is_refused_in_one_line(name: str, value: Any) -> None:
    if value is None and name in OPTIONAL:
        WHOLE[name](None)
        return
    with pytest.raises(hb.UsageError) as refused:
        WHOLE[name](value)
    assert str(refused.value).startswith(f"{name} is {value if isinstance(value, np.generic) else repr(value)}, wanted")
    assert "\n" not in str(refused.value)


@pytest.mark.parametrize("name", WHOLE)
@pytest.mark.parametrize("kind", [int, np.int64, np.uint8, np.array, torch.tensor])
def test_whole_numbers_of_numpy_and_torch_are_taken(name: str, kind: Callable[[int], Any]) -> None:
    WHOLE[name](kind(3))


def test_what_is_stored_is_pythons() -> None:
    grid = Grid(("lsh",), (np.int64(4),), limit=np.int32(7), seed=np.uint8(3), repeats=np.int64(2))  # type: ignore[arg-type]
    request = ScoreRequest("mine", bits=np.int64(8), cutoff=np.int64(9), repetition=np.int64(1))  # type: ignore[arg-type]
    values = (*grid.bits, grid.limit, grid.seed, grid.repeats, request.bits, request.cutoff, request.repetition)
    assert [type(value) for value in values] == [int] * len(values)


@pytest.mark.usefixtures("no_figures")
def test_numpys_numbers_run_a_grid(tmp_path: Path) -> None:
    options: Any = {"limit": np.int64(50), "seed": np.int64(3), "repeats": np.int8(1), "bits": np.int64(8)}
    where: Any = {"results": tmp_path, "executor": "inline", "device": "cpu"}
    results = hb.run(methods="lsh", parameters={}, **options, **where)
    assert {record["status"] for record in results.records} == {"ok"}
    with pytest.raises(hb.UsageError, match=r"limit is 200.0, wanted a whole number from 1 to 1000000000"):
        hb.run(methods="lsh", bits=8, limit=200.0, **where)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    "value", [float("nan"), float("inf"), 0, -1.0, True, "5", 10**400, np.float64("nan")], ids=repr
)
def test_a_timeout_is_positive_and_finite(value: Any, tmp_path: Path) -> None:
    with pytest.raises(hb.UsageError, match=r"^timeout is .* s, wanted more than 0, and finite$"):
        make_settings(tmp_path, tmp_path, timeout=value)
    assert positive_number("timeout", np.float32(0.5)) == 0.5


def test_repeats_of_a_check_are_whole(tmp_path: Path) -> None:
    values: list[Any] = [0, True, 2.0, 10**20]
    for value in values:
        with pytest.raises(hb.UsageError, match=f"repeats is {value}, wanted a whole number from 1 to 1000000000"):
            check(tmp_path / "no.json", tmp_path, repeats=value)


def test_hyper_parameters_of_numpy_are_rounded_no_more_than_pythons() -> None:
    assert hb.hasher("itq", bits=4, iterations=np.int64(3)).parameters["iterations"] == 3
    for value in (np.float32(2.5), np.bool_(True), 2.5, True):
        with pytest.raises(hb.UsageError, match=r"parameter itq.iterations is .*, wanted int"):
            hb.hasher("itq", bits=4, iterations=value)


def test_bounds_are_named() -> None:
    with pytest.raises(hb.UsageError, match="n is 9, wanted a whole number from 1 to 8"):
        whole_number("n", 9, 1, 8)


@pytest.mark.parametrize(("text", "size"), [("8G", 8 << 30), ("1.5g", 3 << 29), ("500 MiB", 500 << 20), (4096, 4096)])
def test_sizes_are_powers_of_1024(text: object, size: int) -> None:
    assert byte_size("memory", text) == size


@pytest.mark.parametrize("text", ["8Q", "8", "-1G", "0G", "G", "1e3M", 0, 2.0, True, None])
def test_other_sizes_are_refused(text: object) -> None:
    with pytest.raises(hb.UsageError, match=r"^memory is "):
        byte_size("memory", text)

"""The committed records of every method without labels: above random codes, and below what they hash."""

from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import pytest

from hashbench.plugins.registry import METHODS
from hashbench.records.store import load_record

RECORDS = Path(__file__).parent.parent / "results/published/field/records"
PROTOCOLS = ("cifar10/bgan", "flickr25k/24")
FULL_DIMENSION = {"sign", "rotated_sign"}  # a bit for each dimension: in no column of this table
STANDARD_ERRORS = 20
TRAINS_ITS_ENCODER = "bgan"  # it does not hash the features that the ceiling ranks

Cell = tuple[str, str, int | None]  # method, variant, bits

if not RECORDS.is_dir():
    pytest.skip("results/published is not beside the tests", allow_module_level=True)


@cache
def cells(protocol: str) -> dict[Cell, npt.NDArray[np.float64]]:
    """AP at 1,000 of each answerable query, the mean over repetitions."""
    found: dict[Cell, list[npt.NDArray[np.float64]]] = {}
    for file in sorted(RECORDS.glob("*.json")):
        record: dict[str, Any] = load_record(file)
        trial = record["trial"]
        if trial["protocol"] == protocol:
            with np.load(file.with_suffix(".npz")) as arrays:
                values = arrays["average_precision"][np.argsort(arrays["query_items"])]
            cell = trial["method"], str(record["variant"]), trial["bits"]
            found.setdefault(cell, []).append(values[~np.isnan(values)])
    return {cell: np.mean(values, axis=0) for cell, values in found.items()}


def of_methods(protocol: str) -> dict[Cell, npt.NDArray[np.float64]]:
    return {cell: values for cell, values in cells(protocol).items() if not cell[0].startswith("reference-")}


@pytest.mark.parametrize("protocol", PROTOCOLS)
def test_every_method_without_labels_is_there(protocol: str) -> None:
    kinds = {name: METHODS.get(name).traits for name in METHODS.names()}
    wanted = {name for name, traits in kinds.items() if not traits.supervised and traits.ranking == "hamming"}
    assert {method for method, _, bits in of_methods(protocol) if bits == 32} == wanted - FULL_DIMENSION


@pytest.mark.parametrize("protocol", PROTOCOLS)
def test_every_method_is_above_random_codes_on_the_same_queries(protocol: str) -> None:
    floor = cells(protocol)["reference-random", "{}", 32]
    for (method, variant, bits), values in of_methods(protocol).items():
        if bits == 32:
            margin = values - floor
            error = margin.std(ddof=1) / len(margin) ** 0.5
            assert margin.mean() > STANDARD_ERRORS * error, (method, variant)


@pytest.mark.parametrize("protocol", PROTOCOLS)
def test_no_method_ranks_better_than_the_features_that_it_hashes(protocol: str) -> None:
    ceiling = cells(protocol)["reference-float", "{}", None].mean()
    for (method, variant, bits), values in of_methods(protocol).items():
        if method != TRAINS_ITS_ENCODER:
            assert values.mean() < ceiling, (method, variant, bits)

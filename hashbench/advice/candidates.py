"""The codes that are tried, from candidates.toml."""

import tomllib
from collections.abc import Mapping
from dataclasses import dataclass, field
from importlib.resources import files
from typing import Any

from hashbench.codes import MAX_BITS


@dataclass(frozen=True)
class Candidate:
    """A method with parameters and a code length.

    Attributes:
        method: its name.
        bits: code length.
        parameters: those that are not the method's defaults, or that its name in tables should have.
        usual: what a vector database does where nothing is set.
    """

    method: str
    bits: int
    parameters: Mapping[str, Any] = field(default_factory=dict)
    usual: bool = False

    @property
    def name(self) -> str:
        """The method with its parameters: "sign threshold=mean"."""
        return " ".join([self.method, *(f"{name}={value}" for name, value in self.parameters.items())])

    def __str__(self) -> str:
        return f"{self.name}, {self.bits:,} bits"


def candidates(dimension: int) -> list[Candidate]:
    """The candidates for vectors of that many dimensions, in the order in which they are tried."""
    content = tomllib.loads(files("hashbench.advice").joinpath("candidates.toml").read_text(encoding="utf-8"))
    return [
        Candidate(row["method"], bits, row.get("parameters", {}), row.get("usual", False))
        for row in content["codes"]
        for bits in (_bits(length, dimension) for length in row["bits"])
        if bits is not None
    ]


def _bits(length: str | int, dimension: int) -> int | None:
    """A length as a number; None where these vectors have no such code."""
    if isinstance(length, int):
        return length if length < dimension else None
    bits = {"full": dimension, "double": 2 * dimension}[length]
    return bits if bits <= MAX_BITS else None

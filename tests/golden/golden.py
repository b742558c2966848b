"""Goldens: computations on stored inputs whose results are stored as well."""

import importlib
import pkgutil
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import cache

import torch

from tests.golden import cases
from tests.golden.values import Result

Compute = Callable[[], Mapping[str, Result]]


@dataclass(frozen=True)
class Golden:
    """A computation with a stored result.

    Attributes:
        name: "group/case"; a group shares its files in ``expected/``. A case whose question changes gets a new name.
        parts: the parts of the engine that decide the result (see ``parts.py``).
        methods: the plugins that decide it as well; a trial's fingerprint has their source.
        compute: computes it; call :meth:`results`.
        slow: takes more than ten seconds or a gigabyte.
        needs: a module of an optional dependency.
    """

    name: str
    parts: tuple[str, ...]
    methods: tuple[str, ...]
    compute: Compute
    slow: bool = False
    needs: str | None = None

    def results(self) -> Mapping[str, Result]:
        """What :attr:`compute` returns, on one thread: how a sum is shared among threads moves its last digits."""
        before = torch.get_num_threads()
        torch.set_num_threads(1)
        try:
            return self.compute()
        finally:
            torch.set_num_threads(before)

    @property
    def group(self) -> str:
        """The part of the name in front of the slash."""
        return self.name.partition("/")[0]

    def __str__(self) -> str:
        return self.name


_goldens: dict[str, Golden] = {}


def add(
    name: str,
    compute: Compute,
    *parts: str,
    methods: tuple[str, ...] = (),
    slow: bool = False,
    needs: str | None = None,
) -> None:
    """Add a golden; called by the modules of ``cases/``."""
    assert name not in _goldens, f"{name} is there twice"
    _goldens[name] = Golden(name, parts, methods, compute, slow, needs)


@cache
def all_goldens() -> Mapping[str, Golden]:
    """Every golden by name."""
    for module in sorted(found.name for found in pkgutil.iter_modules(cases.__path__)):
        importlib.import_module(f"{cases.__name__}.{module}")
    return dict(_goldens)

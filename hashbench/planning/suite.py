"""Suites: named lists of grids, as TOML files; those in ``hashbench/planning/suites`` have names."""

import tomllib
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from fnmatch import fnmatchcase
from pathlib import Path
from typing import Any

from hashbench.errors import UsageError, unknown
from hashbench.planning.grid import Grid
from hashbench.plugins.hyperparameters import resolve
from hashbench.plugins.registry import METHODS

FOLDER = Path(__file__).with_name("suites")
SUFFIX = ".toml"

Parameters = Mapping[str, Mapping[str, Any]]
Keys = Mapping[str, tuple[Callable[[Any], bool], str]]  # what a key's value has to be: the check, and in words


def _is_text(value: Any) -> bool:
    return isinstance(value, str) and value != ""


def _is_whole(value: Any) -> bool:
    return type(value) is int  # True is an int to isinstance


def _is_table(value: Any) -> bool:
    return isinstance(value, dict)


def _each(fits: Callable[[Any], bool], values: Any) -> bool:
    return bool(values) and all(fits(value) for value in values)


TEXT = (_is_text, "a text in quotes")
WHOLE = (_is_whole, "a whole number")
TEXTS = (lambda value: isinstance(value, list) and _each(_is_text, value), 'a list of names, as in ["NAME"]')
GRID_KEYS: Keys = {
    "methods": TEXTS,
    "bits": (lambda value: isinstance(value, list) and _each(_is_whole, value), "a list of code lengths, as in [32]"),
    "datasets": TEXTS,
    "features": TEXT,
    "features_dtype": TEXT,
    "repeats": WHOLE,
    "preset": TEXT,
    "parameters": (
        lambda value: _is_table(value) and _each(_is_table, value.values()),
        "a table for each method, as in parameters.METHOD = {PARAMETER = VALUE}",
    ),
    "limit": WHOLE,
    "seed": WHOLE,
}
SUITE_KEYS: Keys = {
    "title": TEXT,
    "why": TEXT,
    "grid": (_is_table, "a table, [grid]"),
    "runs": (lambda value: isinstance(value, list) and _each(_is_table, value), "tables, each headed [[runs]]"),
}


@dataclass(frozen=True)
class Suite:
    """Grids that are planned as one: what they share is run once, and all stand in one leaderboard.

    Attributes:
        file: the TOML file, with the keys of :data:`SUITE_KEYS`; [grid] and each of [[runs]] have those of
            :data:`GRID_KEYS`, which are the fields of :class:`hashbench.planning.grid.Grid`. What a run says goes
            before what the grid says, parameter by parameter; the grid's parameters go to the runs that name their
            method.
        title: what it shows, one line.
        why: how to read it; empty where the file does not say.
        runs: the grids, at least one.
    """

    file: Path
    title: str
    why: str
    runs: tuple[Grid, ...]

    @property
    def name(self) -> str:
        """The file's name without its suffix."""
        return self.file.stem

    def grids(self, changes: Mapping[str, Any]) -> list[Grid]:
        """The runs with ``changes``, fields of a request, made to each; parameters go to the runs that name a method.

        Raises:
            UsageError: parameters of a method that no run names, or a value that is out of its range.
        """
        asked = changes.get("parameters", {})
        _check_named(f"suite {self.name}: parameters asked for beside it", asked, _methods(self.runs))
        _check_parameters(self.file, self.runs)
        return [
            replace(run, **{**changes, "parameters": _merged(run.parameters, _of(run.methods, asked))})
            for run in self.runs
        ]


def suite_names() -> list[str]:
    """Names of the suites that ship with the package, sorted."""
    return sorted(file.stem for file in FOLDER.glob(f"*{SUFFIX}"))


def open_suite(name: str | Path) -> Suite:
    """The suite of that name, or the one in the file ``name`` where it ends in ".toml".

    Raises:
        UsageError: no such name, or a file that is not as it should be; one line.
    """
    file = Path(name)
    if file.suffix != SUFFIX:
        if str(name) not in suite_names():
            raise unknown("suite", str(name), suite_names())
        file = FOLDER / f"{name}{SUFFIX}"
    return _parsed(file, _read(file))


def open_grids(suite: str | Path | None, asked: Mapping[str, Any]) -> list[Grid]:
    """The grids that a run is made of: ``asked``, fields of a request, alone or as changes to a suite.

    Raises:
        UsageError: no such suite, a bad one, methods beside a suite, or a value out of its range.
    """
    if suite is None:
        return [Grid(**asked)]
    if "methods" in asked:
        raise UsageError(
            f"methods {', '.join(asked['methods'])} are named beside the suite {str(suite)!r}, which names its own; "
            "leave out one of the two"
        )
    return open_suite(suite).grids(asked)


def _read(file: Path) -> dict[str, Any]:
    try:
        return tomllib.loads(file.read_text(encoding="utf-8"))
    except OSError as error:
        known = ", ".join(suite_names())
        raise UsageError(
            f"suite {file} cannot be read ({error.strerror}); name a TOML file, or one of {known}"
        ) from None
    except ValueError as error:
        raise UsageError(f"suite {file} is not a TOML file ({error})") from None


def _parsed(file: Path, found: dict[str, Any]) -> Suite:
    _check_keys(f"suite {file}", found, SUITE_KEYS)
    if "title" not in found:
        raise UsageError(f"suite {file} has no title, wanted {TEXT[1]} that says what it shows")
    grid, runs = found.get("grid", {}), found.get("runs", [{}])
    _check_keys(f"suite {file}, [grid]", grid, GRID_KEYS)
    grids = tuple(_grid(f"suite {file}, run {number}", grid, run) for number, run in enumerate(runs, start=1))
    _check_named(f"suite {file}, [grid]: parameters", grid.get("parameters", {}), _methods(grids))
    return Suite(file, found["title"], found.get("why", "").strip(), grids)


def _grid(where: str, grid: dict[str, Any], own: dict[str, Any]) -> Grid:
    _check_keys(where, own, GRID_KEYS)
    values: dict[str, Any] = {**grid, **own}
    for key in ("methods", "bits"):
        if key not in values:
            raise UsageError(f"{where} has no {key}, wanted {GRID_KEYS[key][1]}, there or in [grid]")
    methods, parameters = values["methods"], own.get("parameters", {})
    _check_named(f"{where}: parameters", parameters, methods)
    values["parameters"] = _merged(_of(methods, grid.get("parameters", {})), parameters)
    values |= {key: tuple(value) for key, value in values.items() if isinstance(value, list)}
    try:
        return Grid(**values)
    except UsageError as error:
        raise UsageError(f"{where}: {error}") from None


def _check_keys(where: str, table: Mapping[str, Any], keys: Keys) -> None:
    for key, value in table.items():
        if key not in keys:
            raise UsageError(f"{where}: {unknown('key', key, keys)}")
        fits, wanted = keys[key]
        if not fits(value):
            raise UsageError(f"{where}: {key} is {value!r}, wanted {wanted}")


def _check_named(where: str, parameters: Parameters, methods: Iterable[str]) -> None:
    methods = list(methods)
    for name in parameters.keys() - _of(methods, parameters).keys():
        raise UsageError(f"{where} name {name!r}, which is not among the methods ({', '.join(methods)})")


def _check_parameters(file: Path, runs: Sequence[Grid]) -> None:
    """Check that what the file says of methods' parameters can be read, so that the line names file and run."""
    for number, run in enumerate(runs, start=1):
        for name in run.parameters.keys() & set(METHODS.names()):
            try:
                resolve(name, METHODS.get(name), run.parameters[name])
            except UsageError as error:
                raise UsageError(f"suite {file}, run {number}: {error}") from None


def _methods(runs: Iterable[Grid]) -> list[str]:
    return list(dict.fromkeys(pattern for run in runs for pattern in run.methods))


def _of(methods: Iterable[str], parameters: Parameters) -> Parameters:
    """The parameters of these methods, names or globs."""
    patterns = list(methods)
    return {name: own for name, own in parameters.items() if any(fnmatchcase(name, glob) for glob in patterns)}


def _merged(old: Parameters, new: Parameters) -> Parameters:
    """Both, method by method and parameter by parameter; what is in ``new`` goes before."""
    return {name: {**old.get(name, {}), **new.get(name, {})} for name in (*old, *(new.keys() - old.keys()))}

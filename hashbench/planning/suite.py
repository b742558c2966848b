"""Suites: named lists of grids, as TOML files; those in ``hashbench/planning/suites`` have names."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from fnmatch import fnmatchcase
from pathlib import Path
from typing import Annotated, Any

from msgspec import UNSET, Meta, Struct, UnsetType
from msgspec.structs import asdict

from hashbench.errors import UsageError, unknown
from hashbench.planning.grid import CodeLength, Grid
from hashbench.planning.sweeps import combinations
from hashbench.plugins.registry import METHODS
from hashbench.util.documents import Text, checked, in_words, read_toml

FOLDER = Path(__file__).with_name("suites")
SUFFIX = ".toml"

Parameters = Mapping[str, Mapping[str, Any]]
Names = Annotated[tuple[Text, ...], Meta(min_length=1, description='a list of names, as in ["NAME"]')]
CodeLengths = Annotated[tuple[CodeLength, ...], Meta(min_length=1, description="a list of code lengths, as in [32]")]
Settings = Annotated[
    dict[str, Any], Meta(description="a table for each method, as in parameters.METHOD = {PARAMETER = VALUE}")
]


class GridTable(Struct, frozen=True, forbid_unknown_fields=True):
    """The keys of [grid] and of each of [[runs]]: fields of :class:`hashbench.planning.grid.Grid`."""

    methods: Names | UnsetType = UNSET
    bits: CodeLengths | UnsetType = UNSET
    datasets: Names | UnsetType = UNSET
    features: Text | UnsetType = UNSET
    features_dtype: Text | UnsetType = UNSET
    repeats: int | UnsetType = UNSET
    preset: Text | UnsetType = UNSET
    parameters: dict[str, Settings] | UnsetType = UNSET
    limit: int | UnsetType = UNSET
    seed: int | UnsetType = UNSET
    relevance: Text | UnsetType = UNSET
    metric: Text | UnsetType = UNSET
    queries: Text | UnsetType = UNSET
    labels: Text | UnsetType = UNSET
    rankings: Names | UnsetType = UNSET

    def given(self) -> dict[str, Any]:
        """The fields that the file gives."""
        return {name: value for name, value in asdict(self).items() if value is not UNSET}


class SuiteFile(Struct, frozen=True, forbid_unknown_fields=True):
    """A suite's file. Values of a run override those of the grid, parameter by parameter.

    The grid's parameters go to the runs that name their method. Without runs the grid is the one run.
    """

    title: Annotated[str, Meta(min_length=1, description="a text in quotes that says what it shows")]
    why: Text = ""
    needs: Text = ""
    time: Text = ""
    grid: Annotated[GridTable, Meta(description="a table, [grid]")] = GridTable()
    runs: Annotated[tuple[GridTable, ...], Meta(min_length=1, description="tables, each headed [[runs]]")] = (
        GridTable(),
    )


@dataclass(frozen=True)
class Suite:
    """Grids that are planned as one: what they share is run once, and all are in one leaderboard.

    Attributes:
        file: the TOML file, a :class:`SuiteFile`.
        title: what it shows, one line.
        why: how to read it; empty where the file has none.
        runs: the grids, at least one.
        needs: what has to be done before it can be run; empty where there is nothing, or the file does not say.
        time: how long it takes, and on what; empty where the file does not say.
    """

    file: Path
    title: str
    why: str
    runs: tuple[Grid, ...]
    needs: str = ""
    time: str = ""

    @property
    def name(self) -> str:
        """The file's name without its suffix."""
        return self.file.stem

    def requirements(self) -> str:
        """A phrase on what it needs and how long it takes: "needs hashbench data prepare cifar10; time: 8 min"."""
        return "; ".join(f"{word} {text}" for word, text in (("needs", self.needs), ("time:", self.time)) if text)

    def grids(self, changes: Mapping[str, Any]) -> list[Grid]:
        """The runs with ``changes``, fields of a grid, made to each; parameters go to the runs that name a method.

        Raises:
            UsageError: parameters of a method that no run names, or a value that is out of its range.
        """
        asked = changes.get("parameters", {})
        _check_named(f"suite {self.name}: parameters asked for beside it", asked, _methods(self.runs))
        _check_parameters(self.file, self.runs)
        return [
            replace(run, **{**changes, "parameters": _merged(run.parameters, _for_methods(run.methods, asked))})
            for run in self.runs
        ]


def suite_names() -> list[str]:
    """Names of the suites that ship with the package, sorted."""
    return sorted(file.stem for file in FOLDER.glob(f"*{SUFFIX}"))


def open_suite(name: str | Path) -> Suite:
    """The suite of that name, or the one in the file ``name`` where it ends in ".toml".

    Raises:
        UsageError: no such name, or a malformed file; one line.
    """
    file = Path(name)
    if file.suffix != SUFFIX:
        if str(name) not in suite_names():
            raise unknown("suite", str(name), suite_names())
        file = FOLDER / f"{name}{SUFFIX}"
    return _suite(file)


def open_grids(suite: str | Path | None, asked: Mapping[str, Any]) -> list[Grid]:
    """The grids that a run is made of: ``asked``, fields of a grid, alone or as changes to a suite.

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


def _suite(file: Path) -> Suite:
    name = f"suite {file}"
    content = read_toml(file, name, f"name a TOML file, or one of {', '.join(suite_names())}")
    document = checked(content, SuiteFile, name)
    runs = tuple(_grid(f"{name}: runs[{index}]", document.grid, run) for index, run in enumerate(document.runs))
    _check_named(f"{name}: grid.parameters", document.grid.given().get("parameters", {}), _methods(runs))
    return Suite(file, document.title, document.why.strip(), runs, document.needs, document.time)


def _grid(where: str, grid: GridTable, run: GridTable) -> Grid:
    shared, own = grid.given(), run.given()
    values = {**shared, **own}
    for key, wanted in (("methods", Names), ("bits", CodeLengths)):
        if key not in values:
            raise UsageError(f"{where} lacks {key}, wanted {in_words(wanted)}, there or in [grid]")
    parameters = own.get("parameters", {})
    _check_named(f"{where}.parameters", parameters, values["methods"])
    values["parameters"] = _merged(_for_methods(values["methods"], shared.get("parameters", {})), parameters)
    try:
        return Grid(**values)
    except UsageError as error:
        raise UsageError(f"{where}: {error}") from None


def _check_named(where: str, parameters: Parameters, methods: Iterable[str]) -> None:
    methods = list(methods)
    for name in parameters.keys() - _for_methods(methods, parameters).keys():
        raise UsageError(f"{where} name {name!r}, which is not among the methods ({', '.join(methods)})")


def _check_parameters(file: Path, runs: Sequence[Grid]) -> None:
    """Check that the parameters of methods in the file can be read, so that the message names file and run."""
    for index, run in enumerate(runs):
        for name in run.parameters.keys() & set(METHODS.names()):
            try:
                combinations(name, METHODS.get(name), run.parameters[name])
            except UsageError as error:
                raise UsageError(f"suite {file}: runs[{index}]: {error}") from None


def _methods(runs: Iterable[Grid]) -> list[str]:
    return list(dict.fromkeys(pattern for run in runs for pattern in run.methods))


def _for_methods(methods: Iterable[str], parameters: Parameters) -> Parameters:
    """The parameters of these methods, names or globs."""
    patterns = list(methods)

    def named(method: str) -> bool:
        return method in patterns or any(fnmatchcase(method, glob) for glob in patterns)

    return {name: values for name, values in parameters.items() if named(name)}


def _merged(old: Parameters, new: Parameters) -> Parameters:
    """Both, method by method and parameter by parameter; values in ``new`` win."""
    return {name: {**old.get(name, {}), **new.get(name, {})} for name in (*old, *(new.keys() - old.keys()))}

"""The methods that a grid asks for, each with its parameters: one choice for each combination of a sweep."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from hashbench.errors import UsageError, unknown
from hashbench.method import HashMethod
from hashbench.planning.grid import Grid, check_commas
from hashbench.planning.sweeps import combinations
from hashbench.planning.task import Task
from hashbench.plugins.hyperparameters import resolve, resolve_for_run
from hashbench.plugins.registry import METHODS
from hashbench.records.trial_spec import REFERENCES, Ranking


@dataclass(frozen=True)
class ChosenMethod:
    """A method with what the preset and the user changed of its parameters.

    Attributes:
        name: on the command line.
        method: its class.
        preset: the preset that was applied, or None.
        base: the defaults, and the preset's values over them.
        values: the same with the user's values over them.
    """

    name: str
    method: type[HashMethod]
    preset: str | None
    base: dict[str, Any]
    values: dict[str, Any]

    def rankings(self, grid: Grid) -> tuple[Ranking | None, ...]:
        """What its codes are ranked by, the Hamming distance (None) first; an estimator's by its own scores alone."""
        if self.method.traits.ranking == "estimator":
            return ("estimator",)
        asked: dict[str, Ranking | None] = {"hamming": None, "asymmetric": "asymmetric"}
        return tuple(ranking for name, ranking in asked.items() if name in grid.rankings)

    def resolved(self, task: Task) -> dict[str, Any]:
        """All parameters, those resolved that depend on the trial's features or on the device."""
        return resolve_for_run(self.method, self.values, task.extractor.name, task.device)

    def changed_parameters(self, task: Task) -> dict[str, Any]:
        """The parameters that the user changed and that are something else for it, for labels.

        A value that is asked for and would have been taken anyway is none of them: the same trial has one label.
        """
        values = self.resolved(task)

        def makes_a_difference(name: str) -> bool:
            default = {**self.values, name: self.base[name]}
            return resolve_for_run(self.method, default, task.extractor.name, task.device) != values

        return {
            name: values[name]
            for name, value in self.values.items()
            if value != self.base[name] and makes_a_difference(name)
        }


def chosen_methods(grid: Grid, notes: dict[str, None]) -> list[ChosenMethod]:
    """The methods of a grid in the order asked for; broken ones that only a glob asked for go to ``notes``.

    Raises:
        UsageError: an unknown method or parameter, a value of another type, or a method called like a reference trial.
    """
    methods: dict[str, type[HashMethod]] = {}
    check_commas("--methods", grid.methods, frozenset(METHODS.names()).__contains__)
    for pattern in grid.methods:
        for name in METHODS.match(pattern):
            try:
                method = _method(name)
            except UsageError as error:
                if name == pattern:
                    raise
                notes[f"left out: {error}"] = None
                continue
            traits = method.traits
            if name == pattern or not (traits.supervised or traits.ranking != "hamming"):
                methods[name] = method
    for name in grid.parameters:
        if name not in methods:
            raise UsageError(f"--set names {name!r}, which is not among the methods of this run ({', '.join(methods)})")
    return [choice for name, method in methods.items() for choice in _choices(name, method, grid)]


def _method(name: str) -> type[HashMethod]:
    if name in REFERENCES:  # trials of that name are the reference's, which would stand in tables for the method
        raise UsageError(f"{METHODS.file(name)} has the name of a reference trial, {name!r}; rename it")
    return METHODS.get(name)


def check_presets(grids: Sequence[Grid], chosen: Sequence[list[ChosenMethod]]) -> None:
    """Check that a preset that several grids ask for is one of a method of some of them.

    Raises:
        UsageError: no method has it.
    """
    for asked in dict.fromkeys(grid.preset for grid in grids if grid.preset is not None):
        methods = [one.method for grid, own in zip(grids, chosen, strict=True) if grid.preset == asked for one in own]
        known = {preset for method in methods for preset in method.traits.presets}
        if asked not in known:
            raise unknown("preset of these methods", asked, known)


def _choices(name: str, method: type[HashMethod], grid: Grid) -> list[ChosenMethod]:
    preset = grid.preset if grid.preset in method.traits.presets else None
    base = resolve(name, method, method.traits.presets[preset] if preset else {})
    return [
        ChosenMethod(name, method, preset, base, resolve(name, method, {**base, **given}))
        for given in combinations(name, method, grid.parameters.get(name, {}))
    ]

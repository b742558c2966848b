"""The plan: grids become trials, each with the reason why it is run or not."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch

from hashbench.data.spec import plugin_name
from hashbench.errors import Incompatible, UsageError, catching_exit, unknown
from hashbench.features.backbones import checked_sum
from hashbench.features.networks import net_name
from hashbench.features.weights import Weights
from hashbench.method import HashMethod
from hashbench.planning.fingerprint import fingerprint, forget_sources
from hashbench.planning.grid import Grid
from hashbench.planning.plan_entry import PlanEntry, plan_entries
from hashbench.planning.task import Task, tasks
from hashbench.plugins import hyperparameters
from hashbench.plugins.hyperparameters import resolve_for_run
from hashbench.plugins.registry import METHODS
from hashbench.records.store import Store
from hashbench.records.trial_spec import FLOAT_FEATURES, RANDOM_CODES, PlannedTrial, TrialSpec


@dataclass(frozen=True)
class Plan:
    """The trials of some grids in the order in which they are run.

    Attributes:
        entries: the trials.
        notes: lines on what was asked for and left out, and on records that cannot be read and count as absent.
    """

    entries: list[PlanEntry]
    notes: list[str]

    def to_run(self) -> list[PlannedTrial]:
        """The trials that are run."""
        return [entry.planned for entry in self.entries if entry.run]

    def keys(self) -> frozenset[str]:
        """The keys of all trials."""
        return frozenset(entry.planned.key for entry in self.entries)

    def stale_keys(self) -> frozenset[str]:
        """Keys of the stale records that stand in for trials that are not run."""
        return frozenset(entry.stale_key for entry in self.entries if entry.stale_key and not entry.run)


def make_plan(grids: Sequence[Grid], store: Store, data: Path, device: torch.device, weights: Weights) -> Plan:
    """All trials of the grids with their reference trials, each once, in the order in which they are first asked for.

    Reads labels and checksums of data sets and of pre-trained weights (which are downloaded where they are not here
    and ``weights`` allows it), extracts and trains nothing.

    Args:
        grids: the grids.
        store: the result folder; its records decide what is missing.
        data: the folder of all data sets.
        device: where the trials will run.
        weights: where those of networks come from; its log gets lines of progress: downloads with their size, first
            reading of many images.

    Raises:
        UsageError: an unknown name, a value out of range, data that is not on disk or is damaged.
    """
    forget_sources()
    notes: dict[str, None] = {}
    resolved = [_resolved(grid, notes) for grid in grids]
    _check_presets(grids, resolved)
    tasks_of: dict[Any, list[Task]] = {}
    trials: dict[str, tuple[PlannedTrial, str]] = {}
    for grid, overrides in zip(grids, resolved, strict=True):
        asked = (grid.datasets, grid.features, grid.features_dtype, grid.limit)
        if asked not in tasks_of:
            tasks_of[asked] = list(tasks(grid, data, device, weights))
        for task in tasks_of[asked]:
            notes |= dict.fromkeys(task.notes(grid))
            for planned in (*_references(task, grid), *_method_trials(task, overrides, grid)):
                trials.setdefault(planned.key, (planned, grid.rerun))
    _check_weights_used([planned for planned, _ in trials.values()], weights)
    records = store.records()
    return Plan(plan_entries(list(trials.values()), store, records), [*notes, *records.fault_lines()])


def _check_weights_used(trials: list[PlannedTrial], weights: Weights) -> None:
    used = {net for planned in trials for net in (net_name(planned.trial.features), *planned.trial.backbones)}
    for name in weights.files:
        if name not in used:
            raise UsageError(
                f"--weights names {name!r}, which no features and no method of this run use "
                f"({', '.join(sorted(used))}); name it with --features, or leave it out"
            )


@dataclass(frozen=True)
class _Overrides:
    """What the preset and the user changed of a method's parameters."""

    preset: str | None
    base: dict[str, Any]
    values: dict[str, Any]

    def resolved(self, method: type[HashMethod], task: Task) -> dict[str, Any]:
        """All parameters, those resolved that depend on the trial's features or on the device."""
        return resolve_for_run(method, self.values, task.extractor.name, task.device)

    def changed_parameters(self, method: type[HashMethod], task: Task) -> dict[str, Any]:
        """The parameters that the user changed and that are something else for it, for labels.

        A value that is asked for and would have been taken anyway is none of them: the same trial has one label.
        """
        values = self.resolved(method, task)

        def makes_a_difference(name: str) -> bool:
            default = {**self.values, name: self.base[name]}
            return resolve_for_run(method, default, task.extractor.name, task.device) != values

        return {
            name: values[name]
            for name, value in self.values.items()
            if value != self.base[name] and makes_a_difference(name)
        }


def _resolved(grid: Grid, notes: dict[str, None]) -> dict[str, _Overrides]:
    """What is changed of each method of a grid, by its name; broken ones that only a glob asked for go to ``notes``."""
    methods: dict[str, None] = {}
    for pattern in grid.methods:
        for name in METHODS.match(pattern):
            if name == pattern:
                methods[name] = None
                continue
            try:
                methods |= {} if METHODS.get(name).traits.supervised else {name: None}
            except UsageError as error:
                notes[f"left out: {error}"] = None
    for name in grid.parameters:
        if name not in methods:
            raise UsageError(f"--set names {name!r}, which is not among the methods of this run ({', '.join(methods)})")
    return {name: _overrides(name, grid) for name in methods}


def _check_presets(grids: Sequence[Grid], resolved: Sequence[dict[str, _Overrides]]) -> None:
    """A preset that several grids ask for has to be one of a method of some of them."""
    for asked in dict.fromkeys(grid.preset for grid in grids if grid.preset is not None):
        methods = [name for grid, found in zip(grids, resolved, strict=True) if grid.preset == asked for name in found]
        known = {preset for name in methods for preset in METHODS.get(name).traits.presets}
        if asked not in known:
            raise unknown("preset of these methods", asked, known)


def _overrides(name: str, grid: Grid) -> _Overrides:
    method = METHODS.get(name)
    preset = grid.preset if grid.preset in method.traits.presets else None
    base = hyperparameters.resolve(name, method, method.traits.presets[preset] if preset else {})
    values = hyperparameters.resolve(name, method, {**base, **grid.parameters.get(name, {})})
    return _Overrides(preset, base, values)


def _references(task: Task, grid: Grid) -> Iterator[PlannedTrial]:
    yield _planned_trial(task, grid, FLOAT_FEATURES, None, 0)
    for bits in grid.bits:
        for repetition in range(grid.repeats):
            yield _planned_trial(task, grid, RANDOM_CODES, bits, repetition)


def _method_trials(task: Task, resolved: dict[str, _Overrides], grid: Grid) -> Iterator[PlannedTrial]:
    for name, overrides in resolved.items():
        method = METHODS.get(name)
        for bits in grid.bits:
            with catching_exit(f"{name} at {bits} bits"):
                values = overrides.resolved(method, task)
                nets = _backbones(name, method, bits, values, task)
            for repetition in range(1 if method.traits.deterministic else grid.repeats):
                yield _planned_trial(task, grid, name, bits, repetition, values, overrides, nets)


def _backbones(name: str, method: type[HashMethod], bits: int, values: dict[str, Any], task: Task) -> dict[str, str]:
    """Checksums of the weights that the method trains on, by the network's name; checks the parameters on the way."""
    try:
        wanted = method(bits, **values).backbones(task.extractor.name)
    except Incompatible:
        return {}  # the trial will say so, in a record
    except UsageError:
        raise
    except ValueError as error:
        raise UsageError(f"{name} at {bits} bits: {error}") from error
    return {net: checked_sum(net, task.weights) for net in sorted({net_name(spec) for spec in wanted})}


def _planned_trial(
    task: Task,
    grid: Grid,
    method: str,
    bits: int | None,
    repetition: int,
    values: dict[str, Any] | None = None,
    overrides: _Overrides | None = None,
    nets: Mapping[str, str] | None = None,
) -> PlannedTrial:
    trial = TrialSpec(
        method=method,
        parameters=values or {},
        bits=bits,
        dataset=plugin_name(task.spec),
        protocol=task.card.protocol,
        features=task.extractor.name,
        features_dtype=task.extractor.dtype,
        features_weights=task.extractor.weights,
        backbones=nets or {},
        preset=overrides.preset if overrides else None,
        limit=grid.limit,
        repetition=repetition,
        seed=grid.seed,
    )
    return PlannedTrial(
        trial,
        fingerprint=fingerprint(trial, task.card.id, task.device),
        card=task.card.facts(),
        dataset_spec=task.spec,
        changed_parameters=overrides.changed_parameters(METHODS.get(method), task) if overrides else {},
        supervised=bool(overrides) and METHODS.get(method).traits.supervised,
    )

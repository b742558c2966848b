"""The plan: grids become trials, each with the reason why it is run or not."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch

from hashbench.dataset import Dataset
from hashbench.errors import UsageError
from hashbench.features.networks import net_name
from hashbench.features.weights import Weights
from hashbench.planning.chosen import ChosenMethod, check_presets, chosen_methods
from hashbench.planning.fingerprint import forget_sources
from hashbench.planning.grid import FULL, Grid, check_trials
from hashbench.planning.plan_entry import PlanEntry, plan_entries
from hashbench.planning.shard import Shard
from hashbench.planning.task import Task, tasks
from hashbench.planning.trials import method_trials, reference_trials, supervised_references, trial_count
from hashbench.records.store import Store
from hashbench.records.trial_spec import PlannedTrial
from hashbench.util.collection import without_collection


@dataclass(frozen=True)
class Plan:
    """The trials of some grids in the order in which they are run.

    Attributes:
        entries: the trials.
        notes: lines on what was asked for and left out, and on records that cannot be read and count as absent.
        datasets: those of the trials by their specs, as they were opened for the plan.
    """

    entries: list[PlanEntry]
    notes: list[str]
    datasets: Mapping[str, Dataset]

    def to_run(self) -> list[PlannedTrial]:
        """The trials that are run."""
        return [entry.planned for entry in self.entries if entry.run]

    def of_shard(self, shard: Shard | None) -> "Plan":
        """The plan of those trials alone that a shard has; the whole plan where it is None."""
        if shard is None:
            return self
        entries = [entry for entry in self.entries if shard.has(entry.planned)]
        note = f"shard {shard} has {len(entries):,} of {len(self.entries):,} trials"
        return Plan(entries, [*self.notes, note], self.datasets)

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
        UsageError: an unknown name, a value out of range, data that is not on disk or is damaged, or more trials than
            a run may have.
    """
    forget_sources()
    notes: dict[str, None] = {}
    chosen = [chosen_methods(grid, notes) for grid in grids]
    check_presets(grids, chosen)
    counts = [trial_count(methods, grid) for grid, methods in zip(grids, chosen, strict=True)]
    check_trials(sum(counts), "what is asked for")  # before any data set is read
    tasks_of: dict[Any, list[Task]] = {}
    trials: dict[str, tuple[PlannedTrial, str]] = {}
    trials_of_tasks = 0
    for grid, methods, count in zip(grids, chosen, counts, strict=True):
        options = tuple(grid.dataset_options().items())
        asked = (
            grid.datasets,
            options,
            grid.features,
            grid.features_dtype,
            grid.limit,
            grid.relevance,
            FULL in grid.bits,
        )
        if asked not in tasks_of:
            tasks_of[asked] = list(tasks(grid, data, device, weights))
        trials_of_tasks += len(tasks_of[asked]) * count
        check_trials(trials_of_tasks, "what is asked for")
        for task in tasks_of[asked]:
            notes |= dict.fromkeys(task.notes(grid))
            references = *reference_trials(task, grid), *supervised_references(task, methods, grid)
            for planned in (*references, *_of_methods(task, methods, grid)):
                trials.setdefault(planned.key, (planned, grid.rerun))
    _check_weights_used([planned for planned, _ in trials.values()], weights)
    entries, faults = _looked_up(list(trials.values()), store)
    datasets = {task.spec: task.dataset for of_grid in tasks_of.values() for task in of_grid}
    return Plan(entries, [*notes, *faults], datasets)


@without_collection()  # until the records are gone again
def _looked_up(trials: list[tuple[PlannedTrial, str]], store: Store) -> tuple[list[PlanEntry], tuple[str, ...]]:
    """The entries of trials by the records there are, and a line for each record that cannot be read."""
    records = store.records()
    return plan_entries(trials, store, records), records.fault_lines()


def _of_methods(task: Task, methods: list[ChosenMethod], grid: Grid) -> Iterator[PlannedTrial]:
    for chosen in methods:
        yield from method_trials(task, chosen, grid)


def _check_weights_used(trials: list[PlannedTrial], weights: Weights) -> None:
    used = {net for planned in trials for net in (net_name(planned.trial.features), *planned.trial.backbones)}
    for name in weights.files:
        if name not in used:
            raise UsageError(
                f"--weights names {name!r}, which no features and no method of this run use "
                f"({', '.join(sorted(used))}); name it with --features, or leave it out"
            )

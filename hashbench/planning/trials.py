"""The trials of a task: those of each chosen method, and the reference trials."""

from collections.abc import Iterator, Sequence
from dataclasses import replace
from typing import Any

from hashbench.data.spec import plugin_name
from hashbench.errors import Incompatible, UsageError, catching_exit
from hashbench.features.backbones import checked_sum
from hashbench.features.networks import net_name
from hashbench.method import HashMethod
from hashbench.planning.chosen import ChosenMethod
from hashbench.planning.fingerprint import fingerprint
from hashbench.planning.grid import Grid
from hashbench.planning.task import Task
from hashbench.records.trial_spec import (
    FLOAT_FEATURES,
    ONE_HOT_CLASSES,
    PRODUCT_QUANTISER,
    PRODUCT_QUANTISER_BYTES,
    QUANTISED,
    RANDOM_CODES,
    PlannedTrial,
    TrialSpec,
)


def trial_count(chosen: Sequence[ChosenMethod], grid: Grid) -> int:
    """How many trials one task of a grid has, references included."""
    own = sum(len(one.rankings(grid)) * (1 if one.method.traits.deterministic else grid.repeats) for one in chosen)
    supervised = any(one.method.traits.supervised for one in chosen)
    return 1 + supervised + len(grid.bits) * (grid.repeats + own)  # with the ceiling, and the floor


def reference_trials(task: Task, grid: Grid) -> Iterator[PlannedTrial]:
    """The ceiling, and the floor at every code length in as many repetitions as the methods have.

    Where the neighbours of vectors are relevant, also what is left of the ceiling in fewer bytes a vector.
    """
    yield _planned(task, _spec(task, grid, method=FLOAT_FEATURES, bits=None))
    for method in QUANTISED if task.card.relevance else ():
        parameters = {"bytes": PRODUCT_QUANTISER_BYTES} if method == PRODUCT_QUANTISER else {}
        yield _planned(task, _spec(task, grid, method=method, bits=None, parameters=parameters))
    for bits in task.code_lengths(grid):
        yield from _repeated(_planned(task, _spec(task, grid, method=RANDOM_CODES, bits=bits)), grid.repeats)


def supervised_references(task: Task, chosen: Sequence[ChosenMethod], grid: Grid) -> Iterator[PlannedTrial]:
    """Where a method reads labels: the classes that a linear classifier predicts, which it has to beat to be of use."""
    if task.card.classes and any(one.method.traits.supervised for one in chosen):
        spec = _spec(task, grid, method=ONE_HOT_CLASSES, bits=task.card.classes)
        yield _planned(task, spec, supervised=True, information="labels")


def method_trials(task: Task, chosen: ChosenMethod, grid: Grid) -> Iterator[PlannedTrial]:
    """The trials of one method; a deterministic one has one repetition.

    Of one whose codes are nested the longest come first: the others take their first bits.

    Raises:
        UsageError: parameters that the method refuses, or a network's weights that are not here.
    """
    lengths = task.code_lengths(grid)
    longest = max(lengths, default=0)
    planned = []
    for bits in lengths:
        with catching_exit(f"{chosen.name} at {bits} bits"):
            values = chosen.resolved(task)
            method = _made(chosen, bits, values)
            nets = _backbones(method, task)
            remark = method.remark() if method else None
            nested = method is not None and method.is_nested()
        asked = {"method": chosen.name, "bits": bits, "parameters": values, "backbones": nets, "preset": chosen.preset}
        changed, traits = chosen.changed_parameters(task), chosen.method.traits
        sees: dict[str, Any] = {"supervised": traits.supervised, "information": traits.information}
        nests: dict[str, Any] = {"nested": nested, "longest": longest if nested and bits < longest else None}
        for ranking in chosen.rankings(grid):
            spec = _spec(task, grid, **asked, ranking=ranking)
            planned.append(_planned(task, spec, changed_parameters=changed, remark=remark, **sees, **nests))
    for one in sorted(planned, key=lambda one: one.longest is not None):
        yield from _repeated(one, 1 if chosen.method.traits.deterministic else grid.repeats)


def _made(chosen: ChosenMethod, bits: int, values: dict[str, Any]) -> HashMethod | None:
    """The method with these parameters, which it checks; None where it cannot make so many bits of this."""
    try:
        return chosen.method(bits, **values)
    except Incompatible:
        return None  # the trial will say so, in a record
    except UsageError:
        raise
    except ValueError as error:
        raise UsageError(f"{chosen.name} at {bits} bits: {error}") from error


def _backbones(method: HashMethod | None, task: Task) -> dict[str, str]:
    """Checksums of the weights of the networks that the method trains on, by the network's name."""
    wanted = method.backbones(task.extractor.name) if method else ()
    return {net: checked_sum(net, task.weights) for net in sorted({net_name(spec) for spec in wanted})}


def _spec(task: Task, grid: Grid, **of_method: Any) -> TrialSpec:
    """The identity of a first repetition."""
    values: dict[str, Any] = {"parameters": {}, "backbones": {}, "preset": None, **of_method}
    return TrialSpec(
        **values,
        dataset=plugin_name(task.spec),
        protocol=task.card.protocol,
        features=task.extractor.name,
        features_dtype=task.extractor.dtype,
        features_weights=task.extractor.weights,
        limit=grid.limit,
        repetition=0,
        seed=grid.seed,
        neighbours=task.neighbours,
    )


def _planned(task: Task, spec: TrialSpec, **labels: Any) -> PlannedTrial:
    made_from = fingerprint(spec, task.card.id, task.device)
    return PlannedTrial(spec, made_from, task.card.facts(), task.spec, **labels)


def _repeated(first: PlannedTrial, repetitions: int) -> Iterator[PlannedTrial]:
    """The trial and its repetitions, which differ in their number alone."""
    for repetition in range(repetitions):
        yield replace(first, trial=replace(first.trial, repetition=repetition))

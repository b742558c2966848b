"""The plan: grids become jobs, each with the reason why it is run or not."""

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from hashbench.data.spec import plugin_name
from hashbench.dataset import Report
from hashbench.errors import Incompatible, UsageError, unknown
from hashbench.features.backbones import checked_sum, net_name
from hashbench.method import HashMethod
from hashbench.planning.fingerprint import forget_sums, source_files, source_sums, what_changed
from hashbench.planning.grid import Request
from hashbench.planning.task import Ground, grounds
from hashbench.plugins import hyperparameters
from hashbench.plugins.registry import METHODS
from hashbench.records.store import Record, Store
from hashbench.records.trial_spec import FLOAT_FEATURES, RANDOM_CODES, Job, Settings, Trial


@dataclass(frozen=True)
class Planned:
    """A job and what is to be done about it.

    Attributes:
        state: "missing", "done", "failed" (a record says so) or "stale" (only a record of other sources is there).
        run: whether it will be run.
        reason: one phrase for people.
        stale_key: key of the newest record with the same identity and another fingerprint, or None.
    """

    job: Job
    state: str
    run: bool
    reason: str
    stale_key: str | None = None


@dataclass(frozen=True)
class Plan:
    """A grid's jobs in the order in which they are run.

    Attributes:
        planned: the jobs.
        notes: lines on what was asked for and left out.
    """

    planned: list[Planned]
    notes: list[str]

    def to_run(self) -> list[Job]:
        """The jobs that are run."""
        return [planned.job for planned in self.planned if planned.run]

    def keys(self) -> frozenset[str]:
        """The keys of all jobs."""
        return frozenset(planned.job.key for planned in self.planned)

    def stale_keys(self) -> frozenset[str]:
        """Keys of the stale records that stand in for trials that are not run."""
        return frozenset(planned.stale_key for planned in self.planned if planned.stale_key and not planned.run)


def make_plan(requests: Sequence[Request], settings: Settings, report: Report) -> Plan:
    """All jobs of the grids with their reference trials, each once, in the order in which they are first asked for.

    Reads labels and checksums of data sets and of pre-trained weights (which are downloaded where they are not here
    and settings allow it), extracts and trains nothing.

    Args:
        requests: the grids.
        settings: where data, results and weights are.
        report: gets lines of progress: downloads with their size, first reading of many images.

    Raises:
        UsageError: an unknown name, a value out of range, data that is not on disk or is damaged.
    """
    forget_sums()
    notes: dict[str, None] = {}
    resolved = [_resolved(request, notes) for request in requests]
    _check_presets(requests, resolved)
    stands_on: dict[Any, list[Ground]] = {}
    jobs: dict[str, tuple[Job, str]] = {}
    for request, overrides in zip(requests, resolved, strict=True):
        asked = (request.datasets, request.features, request.features_dtype, request.limit)
        if asked not in stands_on:
            stands_on[asked] = list(grounds(request, settings, report))
        for ground in stands_on[asked]:
            notes |= dict.fromkeys(ground.notes(request))
            for job in (*_references(ground, request), *_method_jobs(ground, overrides, request)):
                jobs.setdefault(job.key, (job, request.rerun))
    _check_weights_used([job for job, _ in jobs.values()], settings)
    return Plan(_states(list(jobs.values()), Store(settings.results)), list(notes))


def _check_weights_used(jobs: list[Job], settings: Settings) -> None:
    used = {net for job in jobs for net in (net_name(job.trial.features), *job.trial.backbones)}
    for name in settings.weights:
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

    def variant(self, method: type[HashMethod], features: str) -> dict[str, Any]:
        """The parameters that the user changed and that are something else for it, for labels.

        A value that is asked for and would have been taken anyway is none of them: the same trial has one label.
        """
        values = method.resolve(dict(self.values), features)
        return {
            name: values[name]
            for name, value in self.values.items()
            if value != self.base[name] and method.resolve({**self.values, name: self.base[name]}, features) != values
        }


def _resolved(request: Request, notes: dict[str, None]) -> dict[str, _Overrides]:
    """What is changed of each method of a grid, by its name; broken ones that only a glob asked for go to ``notes``."""
    methods: dict[str, None] = {}
    for pattern in request.methods:
        for name in METHODS.match(pattern):
            if name == pattern:
                methods[name] = None
                continue
            try:
                methods |= {} if METHODS.get(name).traits.supervised else {name: None}
            except UsageError as error:
                notes[f"left out: {error}"] = None
    for name in request.parameters:
        if name not in methods:
            raise UsageError(f"--set names {name!r}, which is not among the methods of this run ({', '.join(methods)})")
    return {name: _overrides(name, request) for name in methods}


def _check_presets(requests: Sequence[Request], resolved: Sequence[dict[str, _Overrides]]) -> None:
    """A preset that several grids ask for has to be one of a method of some of them."""
    for asked in dict.fromkeys(request.preset for request in requests if request.preset is not None):
        methods = [
            name for request, found in zip(requests, resolved, strict=True) if request.preset == asked for name in found
        ]
        known = {preset for name in methods for preset in METHODS.get(name).traits.presets}
        if asked not in known:
            raise unknown("preset of these methods", asked, known)


def _overrides(name: str, request: Request) -> _Overrides:
    method = METHODS.get(name)
    preset = request.preset if request.preset in method.traits.presets else None
    base = hyperparameters.resolve(name, method, method.traits.presets[preset] if preset else {})
    values = hyperparameters.resolve(name, method, {**base, **request.parameters.get(name, {})})
    return _Overrides(preset, base, values)


def _references(ground: Ground, request: Request) -> Iterator[Job]:
    yield _job(ground, request, FLOAT_FEATURES, None, 0)
    for bits in request.bits:
        for repetition in range(request.repeats):
            yield _job(ground, request, RANDOM_CODES, bits, repetition)


def _method_jobs(ground: Ground, resolved: dict[str, _Overrides], request: Request) -> Iterator[Job]:
    for name, overrides in resolved.items():
        method = METHODS.get(name)
        for bits in request.bits:
            values = method.resolve(dict(overrides.values), ground.extractor.name)
            nets = _backbones(name, method, bits, values, ground)
            for repetition in range(1 if method.traits.deterministic else request.repeats):
                yield _job(ground, request, name, bits, repetition, values, overrides, nets)


def _backbones(
    name: str, method: type[HashMethod], bits: int, values: dict[str, Any], ground: Ground
) -> dict[str, str]:
    """Checksums of the weights that the method trains on, by the network's name; checks the parameters on the way."""
    try:
        wanted = method(bits, **values).backbones(ground.extractor.name)
    except Incompatible:
        return {}  # the trial will say so, in a record
    except UsageError:
        raise
    except ValueError as error:
        raise UsageError(f"{name} at {bits} bits: {error}") from error
    return {net: checked_sum(net, ground.weights) for net in sorted({net_name(spec) for spec in wanted})}


def _job(
    ground: Ground,
    request: Request,
    method: str,
    bits: int | None,
    repetition: int,
    values: dict[str, Any] | None = None,
    overrides: _Overrides | None = None,
    nets: Mapping[str, str] | None = None,
) -> Job:
    trial = Trial(
        method=method,
        parameters=values or {},
        bits=bits,
        dataset=plugin_name(ground.spec),
        protocol=ground.card.protocol,
        features=ground.extractor.name,
        features_dtype=ground.extractor.dtype,
        features_weights=ground.extractor.weights,
        backbones=nets or {},
        preset=overrides.preset if overrides else None,
        limit=request.limit,
        repetition=repetition,
        seed=request.seed,
    )
    return Job(
        trial,
        fingerprint={"card": ground.card.id, "files": source_sums(*source_files(trial))},
        card=ground.card.facts(),
        dataset_spec=ground.spec,
        variant=overrides.variant(METHODS.get(method), ground.extractor.name) if overrides else {},
        supervised=bool(overrides) and METHODS.get(method).traits.supervised,
    )


def _states(jobs: list[tuple[Job, str]], store: Store) -> list[Planned]:
    """What is to be done about each job, given what its grid wants made again."""
    others: dict[str, Record] = {}
    for record in sorted(store.records(), key=lambda record: str(record["provenance"]["created"])):
        others[_identity(record["trial"])] = record
    return [_state(job, rerun, store.read(job), others.get(_identity(job.trial.identity()))) for job, rerun in jobs]


def _identity(trial: dict[str, Any]) -> str:
    return json.dumps(trial, sort_keys=True)


def _state(job: Job, rerun: str, record: Record | None, newest: Record | None) -> Planned:
    if record is not None and record["status"] in ("ok", "skipped"):
        return Planned(job, "done", rerun == "all", "asked for again" if rerun == "all" else "done")
    if record is not None:
        again = rerun in ("failed", "all")
        why = f"{record['status']} before: {record['error']['message']}"
        return Planned(job, "failed", again, why if again else f"{why}; --rerun failed makes it again")
    if newest is not None and newest["status"] in ("ok", "skipped"):
        return _stale(job, rerun, newest)
    return Planned(job, "missing", True, "missing")


def _stale(job: Job, rerun: str, newest: Record) -> Planned:
    changed = what_changed(newest["fingerprint"]["files"], dict(job.fingerprint["files"]))
    if newest["fingerprint"]["card"] != job.fingerprint["card"]:
        changed.append(f"the data behind {job.trial.protocol}")
    again = rerun in ("stale", "all")
    reason = f"stale: {', '.join(changed)} changed" + ("" if again else "; --rerun stale makes it again")
    return Planned(job, "stale", again, reason, newest["key"])

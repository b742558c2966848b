"""Which records are not what today's code would make, and why; reads sources, and no data."""

import json
from collections.abc import Mapping
from typing import Any

import torch

from hashbench.errors import UsageError, in_words
from hashbench.features.spec import extractor_class
from hashbench.method import HashMethod
from hashbench.planning.fingerprint import bare_fingerprint, changes, fingerprint, forget_sources, listed
from hashbench.plugins.hyperparameters import (
    AUTO,
    PRECISION,
    UNKNOWN,
    current_names,
    declared,
    resolve,
    resolve_for_run,
)
from hashbench.plugins.registry import DATASETS, METHODS, Registry
from hashbench.records.outdated import Outdated
from hashbench.records.results import Results
from hashbench.records.trial_spec import REFERENCES, TrialSpec


def outdated_records(results: Results) -> dict[str, Outdated]:
    """The records that today's code would not make, with the reason, by key.

    Looked at are the method, data set and features by name, the parameters that the same request has today, and
    fingerprints; the device and the protocol card are taken from the record. Codes from elsewhere are never outdated.
    """
    forget_sources()
    absent: dict[tuple[str, str, str], Outdated | None] = {}
    superseded: dict[str, Outdated | None] = {}  # by what repetitions share
    found = {}
    for record in results.records:
        if "scored" in record["fingerprint"]:
            continue
        trial = TrialSpec(**record["trial"])
        names = trial.method, trial.dataset, trial.features
        if names not in absent:
            absent[names] = None if trial.elsewhere else _absent(*names)
        reason = absent[names]
        if reason is None:
            asked = json.dumps([names, trial.preset, trial.parameters, record["variant"]], sort_keys=True)
            if asked not in superseded:
                superseded[asked] = _superseded(trial, record["variant"])
            reason = superseded[asked] or _stale(trial, record["fingerprint"])
        if reason:
            found[record["key"]] = reason
    return found


def absent_plugin(registry: Registry[Any], name: str) -> str | None:
    """Why a plugin is not here, in one phrase: there is none of that name, or it does not import; None if it is."""
    if name not in registry.names():
        return f"no {registry.kind} named {name!r}"
    try:
        registry.get(name)
    except UsageError as error:
        return str(error)
    return None


def _absent(method: str, dataset: str, features: str) -> Outdated | None:
    reason = None if method in REFERENCES else absent_plugin(METHODS, method)
    reason = reason or absent_plugin(DATASETS, dataset)
    if reason is None:
        try:
            extractor_class(features)
        except UsageError:
            reason = f"no features named {features!r}"
    return Outdated("gone", reason) if reason else None


def _superseded(trial: TrialSpec, variant: Mapping[str, Any]) -> Outdated | None:
    """Whether the same request has other parameters today."""
    if trial.method in REFERENCES:
        return None
    try:
        differences = _differences(trial, METHODS.get(trial.method), variant)
    except UsageError as error:
        return Outdated("superseded", str(error))
    except (Exception, SystemExit) as error:  # whatever a method does with parameters that it had once
        return Outdated("superseded", f"{trial.method}: {in_words(error)}")
    return Outdated("superseded", listed(differences)) if differences else None


def _differences(trial: TrialSpec, method: type[HashMethod], variant: Mapping[str, Any]) -> list[str]:
    """What today's parameters differ in from a trial's for which the same was asked, a phrase each."""
    name, preset = trial.method, trial.preset
    then = current_names(method, trial.parameters)
    lost = sorted(then.keys() - declared(method).keys())
    if lost:
        return [f"{name} has no parameter {one!r}" for one in lost]
    if preset is not None and preset not in method.traits.presets:
        return [f"{name} has no preset {preset!r}"]
    of_preset = method.traits.presets[preset] if preset is not None else {}
    asked = resolve(name, method, {**of_preset, **current_names(method, variant)})
    today: dict[str, Any] = resolve_for_run(method, asked, trial.features, torch.device("cpu"))
    if asked.get(PRECISION) == AUTO:  # what that becomes belongs to the record's device
        today[PRECISION] = then.get(PRECISION, today[PRECISION])
    today = json.loads(json.dumps(today))  # as records have it
    changed = [one for one in today if then.get(one) != UNKNOWN and (one not in then or today[one] != then[one])]
    return [
        (f"{one} of the preset {preset}" if one in of_preset else f"the default of {one}")
        + f" is {today[one]}, the record has {then.get(one, 'none')}"
        for one in sorted(changed)
    ]


def _stale(trial: TrialSpec, then: Mapping[str, Any]) -> Outdated | None:
    """Whether the trial's fingerprint would be another one today."""
    now = then
    if then["versions"]:  # else it is of an earlier format, and its device may be unknown
        device = torch.device(then["device"])
        now = (
            bare_fingerprint(then["card"], device.type) if trial.elsewhere else fingerprint(trial, then["card"], device)
        )
    differences = changes(then, now)
    return Outdated("stale", listed(differences)) if differences else None

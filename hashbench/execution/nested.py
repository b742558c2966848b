"""Trials of nested codes: a shorter one takes the first bits of the longest, whose training then serves both."""

from collections.abc import Mapping
from dataclasses import replace
from typing import NamedTuple

import safetensors.torch
from safetensors import SafetensorError
from torch import Tensor

from hashbench.method import HashMethod, RunContext
from hashbench.plugins.registry import METHODS
from hashbench.records.store import Store
from hashbench.records.trial_spec import PlannedTrial
from hashbench.util.progress import Log


class KeptLongest(NamedTuple):
    """A longer trial of the same method on the same data, made from the same sources, and its state on the CPU."""

    planned: PlannedTrial
    state: Mapping[str, Tensor]


def kept_longest(planned: PlannedTrial, store: Store, log: Log) -> KeptLongest | None:
    """The trial whose first bits a trial takes; None where there is none, it failed or its state was not kept.

    ``log`` gets a line where the state is damaged.
    """
    if planned.longest is None:
        return None
    longest = replace(planned, trial=replace(planned.trial, bits=planned.longest))
    file = store.kept_state(longest)
    if file is None:
        return None
    try:
        return KeptLongest(longest, safetensors.torch.load_file(file))
    except (OSError, SafetensorError) as error:
        log(f"the state {file} cannot be read ({error}); {planned} is trained by itself")
        return None


def first_bits(planned: PlannedTrial, longest: KeptLongest, run: RunContext) -> HashMethod:
    """The fitted method of a trial, from that of the longest.

    Logs where it is from: ``first_bits_of``, a code length, and ``fitted_in``, the key of that trial.
    """
    trial = longest.planned.trial
    assert trial.bits is not None
    assert planned.trial.bits is not None
    fitted = METHODS.get(trial.method)(trial.bits, **trial.parameters)
    fitted.load_state({name: value.to(run.device) for name, value in longest.state.items()}, run)
    run.log_fact(first_bits_of=trial.bits, fitted_in=longest.planned.key)
    return fitted.first_bits(planned.trial.bits)

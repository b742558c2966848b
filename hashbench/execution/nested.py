"""Trials of nested codes: a shorter one takes the first bits of the longest, whose training then serves both."""

from dataclasses import replace

import safetensors.torch
from safetensors import SafetensorError

from hashbench.method import HashMethod, RunContext
from hashbench.plugins.registry import METHODS
from hashbench.records.store import Store
from hashbench.records.trial_spec import PlannedTrial
from hashbench.util.progress import Log


def first_bits(planned: PlannedTrial, store: Store, run: RunContext, log: Log) -> HashMethod | None:
    """The fitted method of a trial from that of the longest planned with it; None where that one's state is not kept.

    Logs to the run where it is from: ``first_bits_of``, a code length, and ``fitted_in``, the key of that trial.

    Args:
        planned: the trial.
        store: where the longest trial's record lies: of the same method on the same data, made from the same sources.
        run: that the method will encode in.
        log: gets a line where a state is there and cannot be read.
    """
    longest = longest_trial(planned)
    if longest is None:
        return None
    file = store.kept_state(longest)
    if file is None:
        return None
    try:
        state = safetensors.torch.load_file(file, device=str(run.device))
    except (OSError, SafetensorError) as error:
        log(f"the state {file} cannot be read ({error}); {planned} is trained by itself")
        return None
    assert longest.trial.bits is not None
    assert planned.trial.bits is not None
    fitted = METHODS.get(planned.trial.method)(longest.trial.bits, **planned.trial.parameters)
    fitted.load_state(state, run)
    run.log_fact(first_bits_of=longest.trial.bits, fitted_in=longest.key)
    return fitted.first_bits(planned.trial.bits)


def longest_trial(planned: PlannedTrial) -> PlannedTrial | None:
    """The trial of the longest codes, planned with this one, whose first bits are its codes; None where it has none."""
    if planned.longest is None or planned.trial.bits is None:
        return None
    return replace(planned, trial=replace(planned.trial, bits=planned.longest))

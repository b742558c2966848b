"""Ranks the codes of a trial in another way without fitting again: from the state and codes that it left."""

from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path

import safetensors.torch

from hashbench.codes import Codes
from hashbench.errors import in_words
from hashbench.method import HashMethod, RunContext
from hashbench.records.store import Record, Store
from hashbench.records.trial_spec import PlannedTrial
from hashbench.util.npz import read_npz
from hashbench.util.progress import Log

PHASES = ("maps", "fit", "similarity", "encode")  # that the other trial went through


@dataclass(frozen=True)
class FittedBefore:
    """A method as the trial fitted it that ranks by Hamming distance.

    Attributes:
        method: fitted.
        record: of that trial.
        codes: of queries and database; None where they were not kept.
    """

    method: HashMethod
    record: Record
    codes: tuple[Codes, Codes] | None

    def facts(self) -> Record:
        """The fields of a record that are the other trial's."""
        seconds = {phase: value for phase, value in self.record["seconds"].items() if phase in PHASES}
        return {"training": self.record["training"], "seconds": seconds}


def fitted_before(
    make: Callable[[], HashMethod], planned: PlannedTrial, store: Store, run: RunContext, log: Log
) -> FittedBefore | None:
    """The method of an asymmetric trial as the Hamming trial of the same codes left it; None where there is none.

    Args:
        make: the method, which has learnt nothing yet.
        planned: the asymmetric trial, or any other, which has no such counterpart.
        store: where the other trial's record lies.
        run: that the method will encode in.
        log: gets a line where a state is there and does not load.
    """
    other = by_distance(planned)
    if other is None:
        return None
    record, file = store.read(other), store.record_path(other)
    state = file.with_suffix(".safetensors")
    if record is None or record["status"] != "ok" or not state.is_file():
        return None
    try:
        method = make()
        method.load_state(safetensors.torch.load_file(state, device=str(run.device)), run)
        return FittedBefore(method, record, _codes(file.with_suffix(".npz"), method.bits))
    except Exception as error:  # damaged files raise errors of many kinds, as methods do with them
        log(f"what {other} left does not load ({in_words(error)}); it is fitted again")
        return None


def by_distance(planned: PlannedTrial) -> PlannedTrial | None:
    """The trial that ranks the codes of an asymmetric one by Hamming distance; None of any other."""
    if planned.trial.ranking != "asymmetric":
        return None
    return replace(planned, trial=replace(planned.trial, ranking=None))


def _codes(file: Path, bits: int) -> tuple[Codes, Codes] | None:
    if not file.is_file():
        return None
    arrays = read_npz(file)
    if "query_codes" not in arrays:
        return None
    return Codes(arrays["query_codes"], bits), Codes(arrays["database_codes"], bits)

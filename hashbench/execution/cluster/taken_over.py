"""What a trial takes over from an earlier one, which may have run on another node."""

from hashbench.execution.nested import longest_trial
from hashbench.execution.ranked_again import by_distance
from hashbench.records.store import Store
from hashbench.records.trial_spec import PlannedTrial


def files_of_earlier(planned: PlannedTrial, store: Store) -> dict[str, bytes]:
    """Record and state, and for another ranking codes, of the trial whose method this one takes over, by their names.

    Empty where it takes over none, or there is no state: then it is fitted by itself.

    Args:
        planned: the trial.
        store: where records are kept.
    """
    same_codes = by_distance(planned)
    other = same_codes or longest_trial(planned)
    if other is None or (state := store.kept_state(other)) is None:
        return {}
    record, codes = store.record_path(other), state.with_suffix(".npz")
    files = [record, state, *([codes] if same_codes and codes.is_file() else [])]
    return {file.name: file.read_bytes() for file in files}

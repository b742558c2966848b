"""What verbs share that use the fitted method of a record."""

from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from hashbench.cli import options

if TYPE_CHECKING:
    from hashbench.replay.fitted import FittedMethod


def open_fitted(record: str, given: Mapping[str, Any]) -> "tuple[FittedMethod, list[str]]":
    """The fitted method of a record, and what changed since it was made, of which a line is on standard error too.

    Args:
        record: the record's file, or the beginning of its key.
        given: results, device, weights and offline, as the options of that name.
    """
    from hashbench.errors import UsageError
    from hashbench.execution.stored_trial import StoredTrial, changes_since
    from hashbench.features.weights import Weights, parse_weights
    from hashbench.planning.fingerprint import listed
    from hashbench.records.lookup import find_records
    from hashbench.replay.fitted import FittedMethod
    from hashbench.util.device import pick_device
    from hashbench.util.progress import log_to_stderr

    (file,) = find_records([record], Path(given["results"]))
    files = Weights(parse_weights(given["weights"]), bool(given["offline"]), log_to_stderr)
    stored = StoredTrial.read(file)
    fitted = FittedMethod(stored, pick_device(given["device"]), files)
    try:
        since = changes_since(stored)
    except UsageError:  # its data set is not here, which encoding does not need
        since = []
    if since:
        options.name_fault(f"note: {listed(since)} since record {stored.record['key'][:6]} was made")
    return fitted, since

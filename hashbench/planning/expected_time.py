"""How long trials will take, by the records of earlier ones of the same kind."""

import json
from collections import defaultdict
from collections.abc import Iterable
from statistics import median
from typing import Any

from hashbench.records.store import Record
from hashbench.records.trial_spec import PlannedTrial

ONCE = ("audit", "features", "maps", "neighbours", "compile")  # phases whose work the cache keeps for later trials
APART = ("seed", "repetition", "features_weights", "backbones")  # of an identity: they make no difference to the time
LIKE = ("method", "protocol", "features", "limit", "parameters")  # what trials of one kind have in common


class ExpectedTime:
    """Seconds that trials may be expected to take, by records that ended well on the same kind of device.

    The median of the records of the same trial in other repetitions; where there are none, of the same method with the
    same parameters, data and features at other code lengths. A phase that is done once for all trials does not count.

    Args:
        records: of the result folder.
    """

    def __init__(self, records: Iterable[Record]) -> None:
        self._same: dict[str, list[float]] = defaultdict(list)
        self._like: dict[str, list[float]] = defaultdict(list)
        for record in records:
            if record["status"] == "ok" and record["seconds"]:
                took = sum(seconds for phase, seconds in record["seconds"].items() if phase not in ONCE and seconds)
                same, like = _kinds(record["trial"], record["fingerprint"]["device"])
                self._same[same].append(took)
                self._like[like].append(took)

    def of(self, planned: PlannedTrial) -> float | None:
        """Seconds that a trial may take; None where no earlier one was of its kind."""
        same, like = _kinds(planned.trial.identity(), planned.fingerprint["device"])
        took = self._same.get(same) or self._like.get(like)
        return median(took) if took else None


def _kinds(trial: dict[str, Any], device: str) -> tuple[str, str]:
    """What a trial has in common with its repetitions, and with other code lengths."""
    same = {name: value for name, value in trial.items() if name not in APART}
    like = {name: trial.get(name) for name in LIKE}
    return json.dumps([same, device], sort_keys=True), json.dumps([like, device], sort_keys=True)

"""Shards: a plan in parts, for jobs that run at once and need not know of each other."""

import hashlib
import json
import re
from dataclasses import dataclass

from hashbench.errors import UsageError
from hashbench.plugins.hyperparameters import PRECISION
from hashbench.records.trial_spec import PlannedTrial

OF_THE_DEVICE = ("features_dtype",)  # of a trial's identity: what "auto" becomes, which may differ from job to job


@dataclass(frozen=True)
class Shard:
    """One of the parts into which trials fall by what they are, whatever else is planned.

    Trials that share a training are in one shard: rankings of the same codes, and lengths of nested ones.

    Attributes:
        number: from 1 to ``count``.
        count: how many parts there are.
    """

    number: int
    count: int

    def has(self, planned: PlannedTrial) -> bool:
        """Whether a trial belongs to it."""
        identity = planned.trial.identity()
        left_out = {"ranking", *OF_THE_DEVICE, *(["bits"] if planned.nested else [])}
        parameters = {name: value for name, value in identity["parameters"].items() if name != PRECISION}
        asked = {name: value for name, value in identity.items() if name not in left_out} | {"parameters": parameters}
        digest = hashlib.sha256(json.dumps(asked, sort_keys=True).encode()).digest()
        return int.from_bytes(digest[:8]) % self.count == self.number - 1

    def __str__(self) -> str:
        return f"{self.number}/{self.count}"


def parse_shard(text: str) -> Shard:
    """The shard "i/n", i from 1 to n.

    Raises:
        UsageError: the text has another form, or i is out of range.
    """
    match = re.fullmatch(r"(\d{1,9})/(\d{1,9})", text.strip(), flags=re.ASCII)
    if match is None or not 1 <= int(match[1]) <= int(match[2]):
        raise UsageError(f"shard is {text!r}, wanted i/n with i from 1 to n, say 2/8 for the second of eight")
    return Shard(int(match[1]), int(match[2]))

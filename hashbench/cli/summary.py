"""What became of trials, in a few lines that name failures first."""

from collections import Counter
from collections.abc import Mapping, Sequence
from typing import Any

from hashbench.records.store import ENDED_WELL
from hashbench.records.trial_spec import TrialSpec
from hashbench.reporting.plain_text import plain

MOST_NAMED = 10  # of failures, and of skipped trials
LONGEST = 300  # characters of a reason


def summary(records: Sequence[Mapping[str, Any]], option: str) -> list[str]:
    """A line for each trial that failed or was skipped, the first ten of each, then how many of each status there are.

    Args:
        records: of the trials.
        option: how `hashbench show` is told their folder, " --results DIR"; nothing for the default one.
    """
    failed = [record for record in records if record["status"] not in ENDED_WELL]
    skipped = [record for record in records if record["status"] == "skipped"]
    lines = [*_named(failed), *_named(skipped)]
    if failed:
        lines.append(
            f"{len(failed)} of {len(records)} trials failed; hashbench show {failed[0]['key']}{option} has the end of "
            "its log"
        )
    elif records:
        lines.append(counts_text(Counter(record["status"] for record in records)))
    return lines


def _named(records: Sequence[Mapping[str, Any]]) -> list[str]:
    lines = [f"{record['status']:<8} {trial_name(record)}: {reason(record)}" for record in records[:MOST_NAMED]]
    return [*lines, f"... and {len(records) - MOST_NAMED:,} more"] if len(records) > MOST_NAMED else lines


def counts_text(statuses: Mapping[str, int]) -> str:
    """How many trials have each status, failures first: "97 trials: 2 failed, 95 ok"."""
    ordered = sorted(statuses.items(), key=lambda item: (item[0] in ENDED_WELL, item))
    counts = ", ".join(f"{count:,} {status}" for status, count in ordered)
    total = sum(statuses.values())
    return f"{total:,} {'trial' if total == 1 else 'trials'}" + (f": {counts}" if counts else "")


def trial_name(record: Mapping[str, Any]) -> str:
    """A record's trial as progress and plans have it."""
    changed = (f"{name}={value}" for name, value in record["variant"].items())
    return plain(", ".join([str(TrialSpec(**record["trial"])), *changed]), LONGEST)


def reason(record: Mapping[str, Any]) -> str:
    """Why a trial failed and in which phase, in one line."""
    error = record["error"] or {}
    first = (str(error.get("message") or "").strip().splitlines() or ["no reason was recorded"])[0]
    phase = f" (in {error['phase']})" if error.get("phase") else ""
    return plain(f"{first}{phase}", LONGEST)

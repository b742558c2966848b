"""Two sets of results, cell by cell, on the same queries."""

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np

from hashbench.errors import UsageError, unknown
from hashbench.evaluation.headline import HEADLINE, headline_of
from hashbench.records.outdated import FindOutdated, none_outdated
from hashbench.records.per_query import PerQuery, mean_over_repetitions, read_per_query
from hashbench.records.results import Results, results
from hashbench.records.store import load_record
from hashbench.records.trial_spec import REFERENCES
from hashbench.reporting.comparison.result import ComparedCell, Comparison, Verdict
from hashbench.reporting.identity import Identity, Match, match
from hashbench.reporting.regression.baseline_file import is_baseline
from hashbench.reporting.repetitions import (
    Repetitions,
    Run,
    failure_reason,
    left_out_reason,
    outdated_reason,
    repetitions,
)
from hashbench.reporting.statistics import SIGNIFICANCE, Paired, holm, paired_bootstraps

_ROUNDING = 1e-12  # of AP, which must not decide


@dataclass(frozen=True)
class _Pair:
    """Per-query AP of both sides of a match, averaged over runs; or the reason why there is none."""

    match: Match
    first: PerQuery | None = None
    second: PerQuery | None = None
    runs: tuple[int, int] = (0, 0)
    same_runs: bool = False
    reason: str = ""
    headline: str = HEADLINE
    verdict: Verdict | None = None
    """Of B, whatever the figures say, unless they are worse."""

    @property
    def reference(self) -> bool:
        """Whether both are the same reference row."""
        one = self.match
        return bool(one.first and one.second and one.first.method == one.second.method in REFERENCES)

    @property
    def equal(self) -> bool:
        """Whether all AP are the same, but for what rounding makes of a mean over 3 runs and one over 2."""
        assert self.first is not None
        assert self.second is not None
        first, second = self.first.average_precision, self.second.average_precision
        return np.allclose(first, second, rtol=0, atol=_ROUNDING, equal_nan=True)


def compare(
    first: str | Path,
    second: str | Path,
    find_outdated: FindOutdated = none_outdated,
    allow_stale: bool = False,
) -> Comparison:
    """Compare the results in ``second`` with those in ``first``, two result folders or two records' .json files.

    Sources, versions and machines may differ. Of cells that have repetitions in common
    (the same root seed and number) those are averaged, of others all. A record's file is compared with a record's
    file whatever their methods and code lengths, as long as both belong to the same table.

    Args:
        first: A, which may be of older code.
        second: B, which is judged: cells whose trials failed, or that today's code would not make, fail.
        find_outdated: finds records that today's code would not make; those of single files are remarked only.
        allow_stale: compare outdated cells of B like others, with a remark.

    Raises:
        UsageError: a side cannot be read, is a file beside a folder, or is no result at all.
    """
    sides = [_read(Path(side)) for side in (first, second)]
    single = [Path(side).is_file() for side in (first, second)]
    if single[0] != single[1]:
        raise UsageError(f"{first} and {second} are a folder and a file, wanted two result folders or two records")
    faults = tuple(fault for side in sides for fault in side.faults)
    if all(single):
        base, head = (repetitions(side, find_outdated(side)) for side in sides)
        pairs = [_remarked(_pair(one, base, head), base, head) for one in _match_single(base, head)]
    else:
        base, head = repetitions(sides[0]), repetitions(sides[1], find_outdated(sides[1]))
        pairs = [_held_to_today(_pair(one, base, head), base, head, allow_stale) for one in match(base, head)]
    return Comparison(str(first), str(second), tuple(_judged(pairs)), faults)


def compare_methods(
    folder: str | Path,
    methods: tuple[str, str],
    find_outdated: FindOutdated = none_outdated,
    allow_stale: bool = False,
) -> Comparison:
    """Compare two methods of one result folder, over all root seeds and repetitions of each.

    Args:
        folder: the results.
        methods: two rows, by method or, where a method has several, by label ("bgan [epochs=4]").
        find_outdated: finds records that today's code would not make; cells that have some fail.
        allow_stale: compare them like others, with a remark.

    Raises:
        UsageError: the folder is not there, or a name means no row or several.
    """
    results = _read(Path(folder))
    cells = repetitions(results, find_outdated(results))
    first, second = (_of_method(cells, name) for name in methods)
    ends = {(one.table, one.bits): one for one in second}
    starts = {(one.table, one.bits): one for one in first}
    matches = [Match(starts.get(place), ends.get(place)) for place in {**starts, **ends}]
    pairs = [
        _held_to_today(_pair(one, cells, cells, all_runs=True), cells, cells, allow_stale)
        for one in sorted(matches, key=lambda one: one.either.order)
    ]
    names = [f"{name} in {folder}" for name in methods]
    return Comparison(names[0], names[1], tuple(_judged(pairs)), results.faults)


def _of_method(cells: Iterable[Identity], name: str) -> list[Identity]:
    """The cells of the row that is meant, one for each table and code length."""
    by_label: dict[str, list[Identity]] = {}
    for one in cells:
        by_label.setdefault(one.row, []).append(one)
    labels = [label for label in by_label if _parts(label) == _parts(name)]
    labels = labels or [label for label, own in by_label.items() if own[0].method == name]
    if not labels:
        raise unknown("method in these results", name, by_label)
    if len(labels) > 1:
        raise UsageError(f"{name!r} means {len(labels)} rows, wanted one of {', '.join(map(repr, sorted(labels)))}")
    (label,) = labels
    own = by_label[label]
    if len({(one.table, one.bits) for one in own}) < len(own):
        raise UsageError(
            f"{label!r} has rows of other defaults or weights in one table, which their names cannot tell apart; move "
            "the records of one away"
        )
    return own


def _parts(label: str) -> list[str]:
    """A label's method and parameters, in one order: leaderboards have them as they were given."""
    return sorted(re.findall(r"[^\s,;\[\]]+", label))


def _remarked(pair: _Pair, *sides: Mapping[Identity, Repetitions]) -> _Pair:
    """A pair of single records, with a remark on those that today's code would not make."""
    remarks = [
        f"{name} is {why}"
        for name, side in zip("AB", sides, strict=True)
        for cell in side.values()
        if (why := outdated_reason(cell))
    ]
    return replace(pair, reason="; ".join(filter(None, (pair.reason, *remarks))))


def _held_to_today(
    pair: _Pair, base: Mapping[Identity, Repetitions], head: Mapping[Identity, Repetitions], allow_stale: bool
) -> _Pair:
    """The pair with the verdict on B, where today's code would not make it or some of its trials failed."""
    one = pair.match
    if one.second is None:
        return pair
    cell = head[one.second]
    why = outdated_reason(cell)
    if why and not allow_stale:
        reason = "; ".join(filter(None, ("" if one.first else pair.reason, f"B: {why.reason}")))
        return replace(pair, first=None, second=None, verdict=why.kind, reason=reason)
    remarks = [pair.reason, f"B is judged though {why}" if why else ""]
    failed = [record for record in cell.failed if record["status"] != "skipped"]
    # What A has and B skips is lost; what neither has, or A never had, is no fault.
    lost = bool(cell.failed and not cell.runs and one.first and base[one.first].runs)
    if failure_reason(cell) not in pair.reason:
        remarks.append(f"B: {failure_reason(cell)}")
    reason = "; ".join(filter(None, remarks))
    return replace(pair, reason=reason, verdict="failed" if failed or lost else None)


def _read(side: Path) -> Results:
    if side.is_file():
        if is_baseline(side):
            raise UsageError(f"{side} is a baseline, without AP per query; hashbench check --baseline compares with it")
        record = load_record(side)
        if "trial" not in record:
            raise UsageError(f"{side} is no record of a trial; name one in the folder records/ of a result folder")
        return Results((record,), files={record["key"]: side})
    if not side.is_dir():
        raise UsageError(f"no result folder or record {str(side)!r}; hashbench run --results makes one")
    return results(side)


def _match_single(base: Iterable[Identity], head: Iterable[Identity]) -> list[Match]:
    (first,), (second,) = base, head
    return [Match(first, second, tuple(first.table.differences(second.table)))]


def _pair(
    one: Match,
    base: Mapping[Identity, Repetitions],
    head: Mapping[Identity, Repetitions],
    all_runs: bool = False,
) -> _Pair:
    """``all_runs`` are averaged of each side, else those that both have, where they have some."""
    if one.first is None or one.second is None:
        side = "A" if one.first is None else "B"
        return _Pair(one, reason=f"not in {side}")
    first, second = base[one.first], head[one.second]
    if one.why:
        return _Pair(one, reason="; ".join(one.why))
    for cell, side in ((first, "A"), (second, "B")):
        if not cell.runs:
            return _Pair(one, reason=f"{side} has none: {failure_reason(cell)}")
    common = [] if all_runs else sorted(first.runs.keys() & second.runs.keys())
    runs = (common or sorted(first.runs), common or sorted(second.runs))
    sizes, same = (len(runs[0]), len(runs[1])), bool(common)
    try:
        averages = [_average(cell, chosen) for cell, chosen in zip((first, second), runs, strict=True)]
    except UsageError as fault:
        return _Pair(one, reason=str(fault))
    if not averages[0].on_the_same_queries(averages[1]):
        return _Pair(one, reason="other queries")
    if not np.isfinite(averages[0].average_precision + averages[1].average_precision).any():
        return _Pair(one, reason="no query is answered by both")
    headline = headline_of(second.runs[runs[1][0]]["protocol_card"])
    return _Pair(one, averages[0], averages[1], sizes, same, _remarks(one, first, second), headline)


def _average(cell: Repetitions, runs: list[Run]) -> PerQuery:
    per_query = []
    for run in runs:
        headline = headline_of(cell.runs[run]["protocol_card"])
        arrays = read_per_query(cell.files[run], headline)
        if arrays is None:
            raise UsageError(f"no {'AP' if headline == HEADLINE else headline} per query beside {cell.files[run]}")
        per_query.append(arrays)
    average = mean_over_repetitions(per_query)
    if average is None:
        raise UsageError(f"repetitions of {cell.identity.label} have different queries")
    return average


def _remarks(one: Match, first: Repetitions, second: Repetitions) -> str:
    assert one.first is not None
    assert one.second is not None
    sides = (("A", first), ("B", second))
    remarks = [f"{side}: {failure_reason(cell)}" for side, cell in sides if cell.failed]
    remarks += [f"{side}: {left_out_reason(cell)}" for side, cell in sides if cell.left_out]
    if one.first.name == one.second.name and not one.first.row_differences(one.second):
        defaults = one.first.changed_defaults(one.second)
        remarks += [f"defaults changed: {defaults}"] if defaults else []
    return "; ".join(remarks)


def _judged(pairs: list[_Pair]) -> list[ComparedCell]:
    """The verdicts; p is adjusted for all cells of methods that differ.

    References describe the data and not a method, and where all AP are the same nothing is tested; counting them
    would hide what is worse.
    """
    both = [(pair, pair.first, pair.second) for pair in pairs if pair.first and pair.second]
    bootstraps = paired_bootstraps((second.average_precision, first.average_precision) for _, first, second in both)
    tested = [at for at, (pair, _, _) in enumerate(both) if not pair.reference and not pair.equal]
    adjusted = dict(zip(tested, holm([bootstraps[at].p for at in tested]), strict=True))
    compared = iter(
        _compared(pair, first, second, bootstraps[at], adjusted.get(at))
        for at, (pair, first, second) in enumerate(both)
    )
    return [next(compared) if pair.first and pair.second else _not_compared(pair) for pair in pairs]


def _not_compared(pair: _Pair) -> ComparedCell:
    one = pair.match
    verdict: Verdict = "incomparable" if one.first and one.second else "missing"
    return ComparedCell(one.first, one.second, pair.verdict or verdict, pair.reason)


def _compared(pair: _Pair, first: PerQuery, second: PerQuery, paired: Paired, p: float | None) -> ComparedCell:
    """``p`` is the adjusted one, None where it was not tested."""
    verdict: Verdict = "no evidence"
    if pair.reference:
        verdict = "reference"
    elif p is None:
        verdict, p = "equal", 1.0
    elif p < SIGNIFICANCE:
        verdict = "better" if paired.difference > 0 else "worse"
    if pair.verdict and verdict != "worse":
        verdict = pair.verdict
    answered = np.isfinite(first.average_precision + second.average_precision)
    means = (float(side.average_precision[answered].mean()) for side in (first, second))
    return ComparedCell(
        pair.match.first,
        pair.match.second,
        verdict,
        pair.reason,
        (next(means), next(means)),
        paired,
        p,
        pair.runs,
        pair.same_runs,
        pair.headline,
    )

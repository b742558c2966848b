"""``hb.check`` and ``hb.compare``: results are judged as what today's code makes, or does not."""

from collections.abc import Sequence
from pathlib import Path

from hashbench.errors import UsageError
from hashbench.planning.currency import absent_plugin, outdated_records
from hashbench.planning.grid import split_list
from hashbench.plugins.registry import METHODS
from hashbench.records.results import results as read
from hashbench.records.submitted import SUBMITTED
from hashbench.records.trial_spec import EXTERNAL, REFERENCES
from hashbench.reporting.comparison import compare as comparison
from hashbench.reporting.comparison.result import Comparison
from hashbench.reporting.regression import rates
from hashbench.reporting.regression.baseline import Baseline, make_baseline
from hashbench.reporting.regression.baseline_file import read_baseline
from hashbench.reporting.regression.gate import Judging, judge
from hashbench.reporting.regression.rate_report import RateReport
from hashbench.reporting.regression.report import Report
from hashbench.util.numbers import whole_number


def check(
    baseline: str | Path = "results/baseline.json",
    folder: str | Path = "results",
    *,
    repeats: int | None = None,
    allow_stale: bool = False,
) -> Report:
    """Judge a result folder by a baseline file.

    Args:
        baseline: the file.
        folder: the results.
        repeats: how many repetitions a cell needs where the baseline has as many; None for all of the baseline's.
        allow_stale: judge also results that today's code would not make, which fail otherwise.

    Raises:
        UsageError: the baseline is missing or malformed, the folder is not there or a file, or ``repeats`` is below 1.
    """
    repeats = None if repeats is None else whole_number("repeats", repeats, 1)
    content, results = read_baseline(Path(baseline)), read(folder)
    judging = Judging(outdated_records(results), _absent_methods(content), allow_stale, repeats)
    return judge(content, results, (str(baseline), str(folder)), judging)


def new_baseline(folder: str | Path, *, allow_stale: bool = False) -> Baseline:
    """A baseline of all finished cells of a result folder.

    Raises:
        UsageError: see :func:`hashbench.reporting.regression.baseline.make_baseline`; the folder is not there.
    """
    results = read(folder)
    return make_baseline(results, outdated_records(results), allow_stale)


def check_rates(
    base: str | Path, head: str | Path, slower: float = rates.SLOWER, *, allow_stale: bool = False
) -> RateReport:
    """Whether rates in the result folder ``head``, made by today's code, fall behind those in ``base``.

    See :func:`hashbench.reporting.regression.rates.check_rates`.
    """
    return rates.check_rates(base, head, slower, outdated_records, allow_stale)


def compare(
    first: str | Path,
    second: str | Path | None = None,
    *,
    methods: str | Sequence[str] | None = None,
    allow_stale: bool = False,
) -> Comparison:
    """Compare the results in ``second``, made by today's code, with those in ``first``, which may be of older code.

    Args:
        first: a result folder, or a record's .json file.
        second: the same; None to compare two methods of ``first``.
        methods: two rows of ``first``, over all their seeds: "itq,mine" or ["itq", "bgan [epochs=4]"].
        allow_stale: compare also results that today's code would not make.

    See :func:`hashbench.reporting.comparison.compare.compare` and ``compare_methods`` beside it.

    Raises:
        UsageError: a folder is not there, a name means no row or several, or neither ``second`` nor ``methods`` is
            given, or both.
    """
    if (second is None) == (methods is None):
        raise UsageError("name two folders or records, A and B, or one folder and two of its methods (--methods A,B)")
    if second is not None:
        return comparison.compare(first, second, outdated_records, allow_stale)
    names = split_list(methods, brackets=True) if isinstance(methods, str) else tuple(methods or ())
    if len(set(names)) != 2 or len(names) != 2:
        raise UsageError(f"methods is {methods!r}, wanted two rows such as 'itq,mine'")
    return comparison.compare_methods(first, (names[0], names[1]), outdated_records, allow_stale)


def _absent_methods(baseline: Baseline) -> dict[str, str]:
    """Why methods of a baseline are not here, by name; those of codes from elsewhere need not be."""
    names = {cell.identity.method for cell in baseline.cells if not _is_external(cell.identity.facts())}
    reasons = {name: absent_plugin(METHODS, name) for name in sorted(names - set(REFERENCES))}
    return {name: reason for name, reason in reasons.items() if reason}


def _is_external(facts: dict[str, object]) -> bool:
    parameters = facts["parameters"]
    return isinstance(parameters, dict) and parameters.get("codes") in (EXTERNAL, SUBMITTED)

"""``hb.plot``: a matplotlib figure of results."""

from collections.abc import Collection, Sequence
from dataclasses import replace
from pathlib import Path

from matplotlib.figure import Figure

from hashbench.errors import UsageError
from hashbench.records.results import Results
from hashbench.records.results import results as read
from hashbench.reporting.figures.choice import choose_methods, choose_tables, names
from hashbench.reporting.figures.kinds import draw, kind_named
from hashbench.reporting.figures.style import row_styles
from hashbench.reporting.leaderboard.selection import selected
from hashbench.reporting.leaderboard.tables import tables


def plot(
    results: Results | str | Path = "results",
    kind: str = "precision-recall",
    protocol: str | None = None,
    methods: Sequence[str] | str | None = None,
    *,
    metric: str | None = None,
    bits: Collection[int] = (),
    title: bool = True,
) -> Figure:
    """A figure of one table: ``hb.plot("results", "map-by-bits", methods=["bgan", "itq"]).savefig("map.pdf")``.

    Args:
        results: what :func:`hashbench.results` or :func:`hashbench.run` returned, or a result folder.
        kind: "precision-recall", "map-by-bits", "precision-at-k", "throughput" or "training".
        protocol: which table, where there are several: a data set, a protocol, a table's whole name, or a glob.
        methods: show these rows alone, by method or label, or a glob; they keep the style they have among all.
        metric: what to show, of those in records ("map@5000"), by default the headline; curves have their own.
        bits: show these code lengths alone.
        title: with a heading and a note above the panels.

    Raises:
        UsageError: unknown kind, method, metric or protocol; several tables, which are named; nothing to draw.
    """
    lacking = kind_named(kind).lacking
    records = results if isinstance(results, Results) else read(results)
    shown = tables(replace(selected(records, bits=bits), files={}), metric=metric)  # figures compare no queries
    if not shown:
        where = "these results" if isinstance(results, Results) else repr(str(results))
        raise UsageError(f"no records in {where} to draw; make some with hashbench run")
    styles = row_styles(shown)
    if protocol is not None:
        shown = choose_tables(shown, [protocol])
    if methods is not None:
        shown = choose_methods(shown, [methods] if isinstance(methods, str) else methods)
    if len(shown) > 1:
        raise UsageError(f"{len(shown)} tables to draw; name one by protocol=: {'; '.join(map(repr, names(shown)))}")
    figure = draw(kind, shown[0], styles, title)
    if figure is None:
        raise UsageError(f"{kind} of {names(shown)[0]}: nothing to draw, {lacking}")
    return figure

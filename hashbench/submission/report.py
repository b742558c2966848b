"""What became of a submission, as Markdown for a comment: the figures, what changed, flags, tables and tied ranks."""

from collections import defaultdict
from collections.abc import Mapping, Sequence
from pathlib import Path

from hashbench.records.results import results
from hashbench.reporting.leaderboard.beside import beside, folder_names
from hashbench.reporting.leaderboard.caption import title
from hashbench.reporting.leaderboard.markdown import escaped, overview
from hashbench.reporting.leaderboard.table import Table
from hashbench.reporting.leaderboard.tables import tables
from hashbench.reporting.metric_names import HEADLINE_NAME
from hashbench.reporting.plain_text import markdown_table, plain
from hashbench.submission.accept import Accepted, flag


def change(accepted: Accepted) -> str:
    """What a submission changed of the tables: "new", "as before" or "was 0.612"."""
    if accepted.before is None:
        return "new"
    return "as before" if accepted.before == accepted.headline else f"was {accepted.before:.3f}"


def report(file: Path, accepted: Sequence[Accepted], folder: Path, others: Sequence[Path] = ()) -> str:
    """Markdown on a submission that was scored.

    Args:
        file: the archive.
        accepted: its entries.
        folder: the result folder of submissions.
        others: result folders whose rows stand beside.

    Raises:
        UsageError: one of ``others`` is not there.
    """
    named: Mapping[str, Path] = folder_names([folder, *others])
    together = beside(results(folder), {name: results(each) for name, each in list(named.items())[1:]})
    keys = {each.record["key"] for each in accepted}
    made = [table for table in tables(together.results, current=together.own) if _has(table, keys)]
    head = ["method", "paper", "saw", "bits", "protocol", HEADLINE_NAME, "change"]
    rows = [
        [
            escaped(plain(each.entry.method)),
            escaped(plain(each.entry.paper)),
            each.entry.information,
            str(each.entry.bits),
            each.entry.protocol,
            f"{each.headline:.3f}",
            change(each),
        ]
        for each in accepted
    ]
    parts = [
        f"# Submission {escaped(file.name)}: submitted, not reproduced",
        "Sums and item numbers are as they should be. The figures were computed here from the codes, with the "
        "protocols' labels; method, paper and what it saw are what the submission says.",
        markdown_table(head, rows, [False, False, False, True, False, True, False]),
        *_flags(accepted),
    ]
    for table in made:
        parts += [f"## {escaped(title(table))}", *overview(table), *ties(table)]
    return "\n\n".join(parts) + "\n"


def ties(table: Table) -> list[str]:
    """A line on each rank that several rows share."""
    by_rank = defaultdict(list)
    for row in table.ranked:
        if row.rank is not None:
            by_rank[row.rank].append(escaped(row.label))
    shared = [f"* rank {rank}: {', '.join(labels)}" for rank, labels in sorted(by_rank.items()) if len(labels) > 1]
    return ["Tied, since nothing tells them apart on these queries:\n\n" + "\n".join(shared)] if shared else []


def _flags(accepted: Sequence[Accepted]) -> list[str]:
    lines = [
        f"* **flagged**: {escaped(str(each.entry))}: {flag(each.class_codes)}" for each in accepted if each.flagged
    ]
    return ["\n".join(lines)] if lines else []


def _has(table: Table, keys: set[str]) -> bool:
    return any(record["key"] in keys for record in table.records())

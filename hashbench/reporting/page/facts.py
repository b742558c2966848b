"""The facts above a table: what a reader needs before the first number."""

from collections.abc import Iterator, Sequence

from hashbench.evaluation.headline import HEADLINE
from hashbench.reporting.leaderboard.caption import RANKINGS, chance_text
from hashbench.reporting.leaderboard.table import Cell, Table
from hashbench.reporting.metric_names import HEADLINE_NAME, metric_name


def facts(table: Table) -> Iterator[tuple[str, str]]:
    """Terms and texts; the caption has them in full."""
    key, card = table.key, table.card
    relevance = card.get("relevance")
    if relevance:
        labels = "; by labels, for the other metrics, the same class or a shared label" if card["classes"] else ""
        yield "Relevant", f"the nearest neighbours of the float vectors by {relevance['distance']}{labels}"
        yield "Headline", metric_name(table.metric)
    elif table.metric == HEADLINE:
        yield "Headline", f"{HEADLINE_NAME}: cut-off after 1,000 items"
        yield "Denominator", "“hits”: relevant items among those 1,000"
        yield "Ties", "exact expectation over all their orders"
    else:
        yield "Headline", metric_name(table.metric)
    if key.ranking:
        yield "Ranking", RANKINGS[key.ranking]
    yield "Seeds", _seeds([cell for row in table.methods for cell in row.cells.values()])
    weights = f", weights {key.weights[:8]}" if key.weights else ""
    yield "Features", f"{key.features}{weights}"
    yield "Labels", "used in training (supervised)" if key.supervised else "not seen in training (unsupervised)"
    sizes = card["sizes"]
    train = key.limit or sizes["train"]
    trained = f", {train:,} for training" if train else ""  # not known of codes that are of no protocol
    yield "Items", f"{sizes['query']:,} queries, {sizes['database']:,} in the database{trained}"
    if table.metric == HEADLINE:
        yield "Chance", chance_text(table)


def _seeds(cells: Sequence[Cell]) -> str:
    counts = sorted({len(cell.ok) for cell in cells if cell.ok})
    if not counts:
        return "none ended well"
    if counts == [1]:
        return "1 per cell, so no spread is known"
    spread = f"{counts[0]}–{counts[-1]}" if len(counts) > 1 else f"{counts[0]}"
    return f"{spread} per cell{'; 1 where deterministic' if counts[0] == 1 else ''}"

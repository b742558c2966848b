"""What stands under a table: everything a number needs to be quoted."""

from collections.abc import Iterator
from typing import Any

from hashbench.records.store import Record
from hashbench.reporting.table import Cell, Row, Table

STALE_MARK = "†"
_PARTS = {"query": "query", "database": "database", "train": "training"}


def title(table: Table) -> str:
    """Headline metric, protocol and features of a table."""
    ground = table.ground
    limit = f", first {ground.limit:,} training items" if ground.limit else ""
    kind = ", supervised" if ground.supervised else ""
    seed = f", seed {ground.seed}" if ground.seed else ""
    dtype = f" in {ground.dtype}" if ground.dtype != "float32" else ""
    weights = f" of weights {ground.weights[:8]}" if table.same_but_weights else ""
    return f"mAP@1000 on {ground.protocol}, features {ground.features}{weights}{dtype}{limit}{seed}{kind}"


def caption(table: Table) -> list[str]:
    """Sentences on cut-off, denominator, ties, protocol card, chance, repetitions, presets and leaks."""
    return list(_sentences(table))


def failures(table: Table) -> list[str]:
    """A line for every trial of the table that failed or was skipped, with its reason."""
    lines = []
    for row in (*table.ranked, *table.unranked, *table.references):
        for bits, cell in sorted(row.cells.items(), key=lambda item: item[0] or 0):
            lines += [_failure(row, bits, record) for record in cell.troubled]
    return lines


def _failure(row: Row, bits: int | None, record: Record) -> str:
    error = record["error"]
    where = f" in {error['phase']}" if error["phase"] else ""
    kind = f"{error['exception']}: " if error["exception"] and record["status"] == "failed" else ""
    at = f" {bits} bits" if bits else ""
    message = error["message"].partition("\n")[0]
    return f"{row.label}{at} #{record['trial']['repetition']}: {record['status']}{where}: {kind}{message}"


def _sentences(table: Table) -> Iterator[str]:
    records = [record for record in table.records() if record["status"] == "ok"]
    yield (
        "mAP@1000 with the denominator 'hits' (relevant items found in the top 1,000), "
        "ties by exact expectation over all their orders."
    )
    if not records:
        return
    card = records[0]["protocol_card"]
    sizes = card["sizes"]
    train = table.ground.limit or sizes["train"]
    yield (
        f"{sizes['query']:,} queries, {sizes['database']:,} database and {train:,} training items; "
        f"chance {records[0]['metrics']['chance']:.3f}; protocol card {card['id']}; "
        f"metrics version {table.ground.metric_version}."
    )
    if table.ground.weights:
        yield f"Weights of {table.ground.features}: sha256 {table.ground.weights[:16]}."
    trained_on = {item for record in records for item in record["trial"]["backbones"].items()}
    for net, weights in sorted(trained_on):
        if weights != table.ground.weights:
            yield f"Weights of the encoder {net}: sha256 {weights[:16]}."
    yield from _about_items(card)
    unanswerable = records[0]["queries"]["unanswerable"]
    if unanswerable:
        yield f"{unanswerable:,} queries without any relevant database item are left out of the means."
    leaked = card["leaks"] or {}
    if any(leaked.values()):
        yield (
            f"Leaks by image content: {leaked['query_in_database']} queries are also in the database, "
            f"{leaked['query_in_train']} in the training set."
        )
    yield from _about_cells(table)


def _about_items(card: dict[str, Any]) -> Iterator[str]:
    if any(card["missing"].values()):
        counts = ", ".join(f"{count:,} {_PARTS[name]}" for name, count in card["missing"].items() if count)
        yield f"Not the full protocol: the images of {counts} items are missing."
    if card["unlabelled"]["database"]:
        yield f"{card['unlabelled']['database']:,} database items have no label and are distractors."


def _about_cells(table: Table) -> Iterator[str]:
    rows = (*table.ranked, *table.unranked)
    repetitions = sorted({len(cell.ok) for row in rows for cell in row.cells.values() if cell.ok})
    if repetitions and repetitions[-1] > 1:
        spread = "-".join(str(n) for n in dict.fromkeys((repetitions[0], repetitions[-1])))
        yield f"Mean ± standard deviation over {spread} repetitions (deterministic methods are run once)."
    presets = sorted({f"{row.method}: {row.preset}" for row in rows if row.preset})
    if presets:
        yield f"Presets: {', '.join(presets)}."
    if table.unranked:
        yield "Rows without a rank lack cells."
    if any(cell.stale for row in (*rows, *table.references) for cell in row.cells.values()):
        yield f"{STALE_MARK} made from sources that have changed since."
    yield "reference-float: cosine ranking of the float features, centred; reference-random: random codes, the floor."


def value(cell: Cell, metric: str) -> str:
    """A cell as text: mean, with standard deviation where there are several repetitions; – where there is none."""
    mean, deviation = cell.mean(metric), cell.deviation(metric)
    if mean is None:
        return cell.troubled[0]["status"] if cell.troubled else "–"
    spread = f" ± {deviation:.3f}" if deviation is not None else ""
    return f"{mean:z.3f}{spread}{STALE_MARK if cell.stale else ''}"

"""Title, caption and failures of a table: everything a reader needs to quote a number."""

import math
from collections.abc import Iterable, Iterator, Sized
from typing import Any

from hashbench.evaluation.headline import HEADLINE, NEIGHBOURS_CURVE_K
from hashbench.records.store import Record
from hashbench.records.submitted import CODES, SUBMITTED, is_submitted
from hashbench.records.trial_spec import EXTERNAL_DATASET, PRODUCT_QUANTISER_BYTES
from hashbench.reporting.leaderboard.cell_text import SHOWN_PERCENT, STALE_MARK, TIED_MARK
from hashbench.reporting.leaderboard.table import Cell, Row, Table
from hashbench.reporting.metric_names import HEADLINE_NAME, metric_name
from hashbench.reporting.multiple_comparisons import MIN_REPETITIONS
from hashbench.reporting.plain_text import NONE, counted, machine_text, plain
from hashbench.reporting.statistics import MIN_QUERIES, SIGNIFICANCE
from hashbench.util.threads import crowded

MOST_NAMED_ROWS = 6
STALE = f"{STALE_MARK} made from sources that have changed since."
MULTIPLE = f"how many times {NEIGHBOURS_CURVE_K} candidates hold {SHOWN_PERCENT} %"
_PARTS = {"query": "query", "database": "database", "train": "training"}
_REFERENCES = {
    "reference-float": "cosine ranking of the float features, centred",
    "reference-onehot": "the classes that a linear classifier of the features predicts, a bit for each class",
    "reference-random": "random codes, the floor",
}
_BY_NEIGHBOURS = {
    **_REFERENCES,
    "reference-float": "ranking of the float vectors by their own distance",
    "reference-float16": "float queries against vectors kept in half precision",
    "reference-int8": "against vectors kept in 256 steps a dimension",
    "reference-pq": f"against vectors kept in {PRODUCT_QUANTISER_BYTES} bytes, faiss's product quantiser",
}
RANKINGS = {
    "asymmetric": "asymmetric: the query real, by its product with the code in -1 and +1",
    "estimator": "estimator: by distances that the method estimates from the code and factors beside it",
}
_DISTANCES = {"l2": "Euclidean distance", "cosine": "cosine", "ip": "inner product"}


def title(table: Table) -> str:
    """The headline metric and the name of a table."""
    return f"{metric_name(table.metric)} on {table.name}"


def caption(table: Table, times: bool = True) -> list[str]:
    """Sentences on cut-off, denominator, ties, protocol card, chance, repetitions, presets and leaks.

    Args:
        table: what they are about.
        times: times and rates stand in it as well.
    """
    return [*_sentences(table), *(_about_times(table) if times else ())]


def chance_text(table: Table) -> str:
    """The headline's value at chance, from the first record that has it."""
    levels = (record["metrics"].get("chance") for record in table.records() if record["metrics"])
    return next((f"{chance:.3f}" for chance in levels if chance is not None and math.isfinite(chance)), NONE)


def failures(table: Table) -> list[str]:
    """A line for every trial of the table that failed or was skipped, with its reason."""
    lines = []
    for row in table.rows:
        for bits, cell in row.by_bits():
            lines += [_failure(row, bits, record) for record in cell.failed]
    return lines


def _failure(row: Row, bits: int | None, record: Record) -> str:
    error = record["error"]
    where = f" in {error['phase']}" if error["phase"] else ""
    kind = f"{error['exception']}: " if error["exception"] and record["status"] == "failed" else ""
    at = f" {bits} bits" if bits else ""
    message = plain(error["message"].partition("\n")[0])
    return f"{row.label}{at} #{record['trial']['repetition']}: {record['status']}{where}: {kind}{message}"


def _sentences(table: Table) -> Iterator[str]:
    records = [record for record in table.records() if record["status"] == "ok"]
    yield _definition(table)
    if table.key.ranking:
        yield f"Ranking {RANKINGS[table.key.ranking]}; no Hamming distances."
    if not records:
        return
    card = records[0]["protocol_card"]
    sizes = card["sizes"]
    train = table.key.limit or sizes["train"]
    trained = f" and {train:,} training" if train else ""  # not known of codes that are of no protocol
    yield (
        f"{sizes['query']:,} queries, {sizes['database']:,} database{trained} items; "
        f"{_chance_of(table)}protocol card {card['id']}; "
        f"metrics version {table.key.metric_version}."
    )
    if table.key.weights:
        yield f"Weights of {table.key.features}: sha256 {table.key.weights[:16]}."
    trained_on = {item for record in records for item in record["trial"]["backbones"].items()}
    for net, weights in sorted(trained_on):
        if weights != table.key.weights:
            yield f"Weights of the encoder {net}: sha256 {weights[:16]}."
    yield from _remarks(records)
    yield from _about_items(card)
    unanswerable = records[0]["queries"]["unanswerable"]
    if unanswerable:
        yield f"{unanswerable:,} queries without any relevant database item are left out of the means."
    yield from _about_leaks(records)
    elsewhere = [record["trial"] for record in records if "scored" in record["fingerprint"] and not record["reference"]]
    if any(not is_submitted(trial) for trial in elsewhere):
        yield "codes=external: codes made elsewhere and scored here; how they were trained was not seen."
    if any(is_submitted(trial) for trial in elsewhere):
        yield (
            f"{CODES}={SUBMITTED}: codes that others submitted, scored here with the protocol's labels; method, "
            "features and what it saw are what its card says, and nobody here has trained it."
        )
    yield from _about_cells(table)


def _remarks(records: list[Record]) -> Iterator[str]:
    """What methods have to say of their rows, each remark once."""
    rows: dict[str, dict[str, None]] = {}
    for record in records:
        if record["remark"]:
            named = record["named_variant"]
            row = record["trial"]["method"] + (f" ({named})" if named else "")
            rows.setdefault(plain(record["remark"]), {})[plain(row)] = None
    for remark, of in sorted(rows.items()):
        yield f"{', '.join(sorted(of))}: {remark}."


def _about_leaks(records: list[Record]) -> Iterator[str]:
    """Which queries are also in the database; of codes from elsewhere it may be known of some records alone."""
    cards = [record["protocol_card"] for record in records]
    card = next((card for card in cards if card["leaks"]), cards[0])
    leaked = card["leaks"]
    if "left_out" in card:
        yield (
            f"Leave one out: {card['left_out']:,} queries are also in the database, and each one's own item is left "
            "out of its ranking."
        )
    elif leaked is None and records[0]["trial"]["dataset"] == EXTERNAL_DATASET:
        yield "Whether queries are also in the database is not known: the codes came without item numbers."
    elif leaked and leaked["query_in_train"] is None:
        if leaked["query_in_database"]:
            yield f"{leaked['query_in_database']:,} queries are also in the database: each finds itself."
    elif leaked and any(leaked.values()):
        by = "the numbers of the vectors" if card.get("vectors") else "image content"
        yield (
            f"Leaks by {by}: {leaked['query_in_database']} queries are also in the database, "
            f"{leaked['query_in_train']} in the training set."
        )


def _definition(table: Table) -> str:
    """What the metric is."""
    if table.by_neighbours and table.metric == table.headline:
        distance = _DISTANCES[table.card["relevance"]["distance"]]
        return (
            f"{metric_name(table.metric)}: share of the {NEIGHBOURS_CURVE_K} nearest float vectors by {distance} among "
            f"the first {NEIGHBOURS_CURVE_K} of the code, ties by exact expectation over all their orders; m: "
            f"{MULTIPLE} of them, to be ranked anew by the float vectors."
        )
    if table.metric == HEADLINE:
        return (
            f"{HEADLINE_NAME} with the denominator 'hits' (relevant items found in the top 1,000), "
            "ties by exact expectation over all their orders."
        )
    if table.declared_metric is None:
        return f"{metric_name(table.metric)}."
    lower = "; lower is better" if table.less_is_better else ""
    return f"{metric_name(table.metric)}: {table.declared_metric.formula}{lower}."


def _chance_of(table: Table) -> str:
    return f"chance {chance_text(table)}; " if table.metric == HEADLINE else ""


def few_codes(table: Table) -> list[str]:
    """A line for each cell whose codes are too few to tell the classes of its items apart, constant ones among them."""
    lines = []
    for row in table.methods:
        for bits, cell in row.by_bits():
            counts = [record["diagnostics"]["unique_codes"] for record in cell.ok if _counted(record)]
            if bits is not None and counts and min(counts) < min(_classes(table), 2**bits):
                items = table.card["sizes"]["database"]
                codes = counted(min(counts), "different code")
                lines.append(f"{row.label} {bits} bits: {codes} of {items:,} database items.")
    return lines


def _counted(record: Record) -> bool:
    return (record["diagnostics"] or {}).get("unique_codes") is not None


def _classes(table: Table) -> int:
    return max(table.card["classes"] or 0, 2)


def _about_items(card: dict[str, Any]) -> Iterator[str]:
    if any(card["missing"].values()):
        counts = ", ".join(f"{count:,} {_PARTS[name]}" for name, count in card["missing"].items() if count)
        yield f"Not the full protocol: the images of {counts} items are missing."
    if card["unlabelled"]["database"] and card["classes"]:
        yield f"{card['unlabelled']['database']:,} database items have no label and are distractors."
    vectors = card.get("vectors")
    if vectors:
        yield f"Vectors of {vectors['dimension']:,} dimensions, {vectors['dtype']}."
        if vectors["zero"]:
            yield f"{vectors['zero']:,} vectors are zero."


def _about_cells(table: Table) -> Iterator[str]:
    if any(cell.ok for _, cell in _cells(table)):
        yield _repetitions(table.methods)
    if table.smallest_difference:
        yield from _about_comparisons(table)
    compared = table.metric == table.headline
    alone = sum(cell.mean(table.metric) != table.best(bits) and cell.vs_best is None for bits, cell in _whole(table))
    if not compared:
        bold = "Bold: best of its column. " if len(table.methods) > 1 else ""
        headline = metric_name(table.headline)
        yield f"{bold}Ranks by the means alone: records have {headline} per query; other metrics are not tested."
    elif alone:
        yield (
            f"{alone:,} cell{' was' if alone == 1 else 's were'} not compared with the best: there is no "
            f"{'figure' if table.by_neighbours else 'AP'} per query beside a record, or it is of other queries."
        )
    presets = sorted({f"{row.method}: {row.preset}" for row in table.methods if row.preset})
    if presets:
        yield f"Presets: {', '.join(presets)}."
    if table.unranked:
        partly = any(cell.failed and cell.mean(table.metric) is not None for _, cell in _cells(table))
        without = "; cells of which one failed are not compared" if partly else ""
        yield f"Rows that lack cells, or of which a repetition failed, have no rank{without}."
    if any(row.rank is None for row in table.ranked):
        yield "Nor has a complete row a rank while such a row is better in the cells that both have."
    if any(cell.stale for row in table.rows for cell in row.cells.values()):
        yield STALE
    for kind, count in sorted(table.other_devices.items()):
        records = counted(count, "record")
        yield f"Left out: {records} of {kind}, where another kind of device has as many repetitions or more."
    shown = {row.method for row in table.references}
    about = _BY_NEIGHBOURS if table.by_neighbours else _REFERENCES
    references = [f"{name}: {words}" for name, words in about.items() if name in shown]
    if references:
        yield f"{'; '.join(references)}."


def _about_times(table: Table) -> Iterator[str]:
    if table.hardware:
        others = "; cells without rates were measured on other machines, or not at all" if table.other_hardware else ""
        yield f"Rates were measured on {machine_text(table.hardware)}{others}."
    yield from _about_other_work(table)


def _about_other_work(table: Table) -> Iterator[str]:
    """On times on a CPU that say little, since other programs, or other trials of the run, took its cores meanwhile."""
    cells = [cell for row in table.methods for cell in row.cells.values()]
    fits = [record["environment"] for cell in cells for record in cell.ok if "fit" in record["seconds"]]
    crowded_fits = [(each["hardware"], each["other_cores"]) for each in fits if _crowded(each)]
    if crowded_fits:
        yield (
            f"The time{' of' if len(crowded_fits) == 1 else 's of'} {_of(crowded_fits, fits, 'training')} "
            f"{'says' if len(crowded_fits) == 1 else 'say'} little: other work took {_most(crowded_fits)} meanwhile."
        )
    rates = [each for cell in cells for each in cell.throughputs]
    crowded_rates = [(each["hardware"], each["other_cores"]) for each in rates if _crowded(each)]
    if crowded_rates:
        yield (
            f"The rates of {_of(crowded_rates, rates, 'trial')} are too low: other work took {_most(crowded_rates)} "
            "meanwhile; hashbench measure measures them again."
        )


def _crowded(facts: Record) -> bool:
    """Whether a record's environment, or a throughput file, says that there were too few cores."""
    hardware = facts["hardware"]
    return hardware["device"] == "cpu" and crowded(facts.get("other_cores"), hardware["threads"], hardware["cores"])


def _of(some: Sized, every: Sized, noun: str) -> str:
    """How many of all: "3 of 9 trainings", "all 9 trainings", "1 training" where there is no other."""
    total = counted(len(every), noun)
    if len(some) < len(every):
        return f"{len(some):,} of {total}"
    return total if len(every) == 1 else f"all {total}"


def _most(found: list[tuple[Record, float]]) -> str:
    hardware, others = max(found, key=lambda each: each[1])
    return f"up to {others:.1f} of {counted(hardware['cores'], 'core')}"


def _about_comparisons(table: Table) -> Iterator[str]:
    """What marks and ranks mean, of what they hold, and how fine they are."""
    yield (
        f"Bold: best of its column; {TIED_MARK}: cannot be told apart from it on the same queries (all pairs of rows "
        f"in all columns at once, so that chance tells any apart in {100 * SIGNIFICANCE:g} % of tables; bootstrap over "
        f"{_resampled(table)}; p ≥ {SIGNIFICANCE:g})."
    )
    mean = " in the mean over columns" if len(table.columns) > 1 else ""
    yield f"Rank: 1 + the number of better rows{mean} that a row can be told apart from; equal ranks are tied."
    known = [
        (f"{size:.3f}", str(bits))
        for bits, size in zip(table.columns, table.smallest_difference, strict=True)
        if size is not None
    ]
    if known:
        sizes, columns = (", ".join(texts) for texts in zip(*known, strict=True))
        yield f"Smallest difference that could have been told apart (median pair): {sizes} at {columns} bits."
    else:
        yield f"With fewer than {MIN_QUERIES} queries nothing can be told apart."


def _resampled(table: Table) -> str:
    """What was drawn anew, and what the comparison is therefore about."""
    few = table.fewer_runs
    if not few:
        return "queries and repetitions"
    if all(len(cell.ok) < MIN_REPETITIONS for _, cell in _whole(table)):
        return "queries, not over repetitions: it holds of these trainings, not of these methods"
    names = ", ".join(few) if len(few) <= MOST_NAMED_ROWS else f"{len(few)} rows"
    return (
        f"queries, and over repetitions where a cell has {MIN_REPETITIONS} or more: of {names}, with fewer, it holds "
        f"of these trainings, not of {'this method' if len(few) == 1 else 'these methods'}"
    )


def _cells(table: Table) -> Iterator[tuple[int, Cell]]:
    return ((bits, row.cell(bits)) for row in table.methods for bits in table.columns)


def _whole(table: Table) -> Iterator[tuple[int, Cell]]:
    """The cells that may be compared."""
    return ((bits, cell) for bits, cell in _cells(table) if cell.whole(table.metric))


def _repetitions(rows: Iterable[Row]) -> str:
    """How many repetitions the cells are means of, by name where few rows differ."""
    names: dict[int, list[str]] = {}
    for row in rows:
        for count in {len(cell.ok) for cell in row.cells.values() if cell.ok}:
            names.setdefault(count, []).append(row.label)
    if set(names) <= {1}:
        return "One repetition of each: the spread over seeds is not known."
    spread = "Mean ± standard deviation over repetitions, each with a seed of its own"
    if len(names) == 1:
        return f"{spread}: {min(names)}."
    several = {label for count in names if count > 1 for label in names[count]}
    once = " (deterministic methods are run once)" if set(names.get(1, ())) - several else ""
    if max(map(len, names.values())) > MOST_NAMED_ROWS:
        return f"{spread}: {min(names)} to {max(names)}{once}."
    counts = "; ".join(f"{count} of {', '.join(names[count])}" for count in sorted(names, reverse=True))
    return f"{spread}: {counts}{once}."

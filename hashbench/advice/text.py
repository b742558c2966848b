"""The answer in words: the verdict in the first line, what it rests on, the table."""

import textwrap
from collections.abc import Iterator

from hashbench.advice.result import Advice, CodeResult, Interval
from hashbench.advice.tables import chosen_table, legend, table
from hashbench.advice.words import interval, milliseconds, percent, seconds
from hashbench.reporting.plain_text import aligned, plain
from hashbench.util.progress import duration
from hashbench.util.sizes import size

WIDTH = 80


def verdict(advice: Advice) -> str:
    """The answer in one line."""
    best, kept = advice.best, f"{percent(advice.share)} of the {advice.k} nearest"
    usual = _usual(advice)
    if advice.reached:
        return (
            f"{best.name}, {_length(best)}, keeps {kept} when m = {best.confirmed_m} times {advice.k} candidates are "
            f"rescored ({interval(best.confirmed)}){_where(advice)}{usual}"
        )
    limit = f"m = {advice.most}" if advice.candidates else f"m up to {advice.most}"
    if best.confirmed is not None and best.confirmed.low >= advice.share and best.m_all is not None:
        return (
            f"not reached for all {advice.database:,} vectors: {best.name}, {_length(best)}, keeps {kept} of a sample "
            f"of {advice.sample:,} with m = {best.confirmed_m} ({interval(best.confirmed)}), and needs about m = "
            f"{best.m_all.value:.0f} for all, wanted {limit}{usual}"
        )
    return (
        f"not reached: no code tried is confirmed to keep {kept} with {limit}; the best, {best.name}, {_length(best)}, "
        f"keeps {interval(best.confirmed)} with m = {best.confirmed_m}{usual}"
    )


def _where(advice: Advice) -> str:
    """That the figures are of a sample, where they are."""
    if advice.sample == advice.database:
        return ""
    return f" in a sample of {advice.sample:,}{_for_all(advice.best, 'm = ')}"


def _for_all(each: CodeResult, unit: str = "") -> str:
    """The m of the whole collection, where it is another one."""
    found = each.m_all
    if found is None or each.m is None or round(found.value) == each.m:
        return ""
    how = "at most about" if _unknown(found, each.m) else "about"
    return f", {how} {unit}{found.value:.0f} for all"


def _unknown(found: Interval, m: int) -> bool:
    """Whether the samples do not tell how m grows: all is possible from none to the most there can be."""
    return found.low <= m and found.value >= found.high > m


def _usual(advice: Advice) -> str:
    """What becomes of the code that a vector database makes where nothing is set."""
    usual, best = advice.usual, advice.best
    if usual is None or usual is best:
        return ""
    same = (usual.name, usual.bits) == (best.name, best.bits)
    name = "by Hamming distance it" if same else f"{usual.name}, {_length(usual)},"
    at = advice.candidates or 10
    if usual.m is None or (advice.candidates and usual.m > advice.candidates):
        return f"; {name} fails: {usual.recall[advice.most - 1]:.3f} at m = {advice.most}"
    return f"; {name} needs m = {usual.m}{_for_all(usual)} ({usual.recall[at - 1]:.3f} at m = {at})"


def facts(advice: Advice) -> list[tuple[str, str]]:
    """What the verdict rests on: a heading and a sentence each."""
    best = advice.best
    return [
        ("code", f"{code(best)}; trained on {advice.trained_on:,} vectors in {seconds(best.fit_seconds)}"),
        ("recall", _recall(advice, best)),
        (
            "memory",
            f"{best.bytes_per_vector:,} bytes a vector, {size(best.bytes_per_vector * advice.vectors)} for all "
            f"{advice.vectors:,}; rescoring needs the float vectors too, on disk: "
            + size(advice.float_bytes * advice.vectors),
        ),
        ("latency", _latency(advice, best)),
        (
            "float",
            f"a search of all {advice.dtype} vectors keeps all neighbours: {advice.float_bytes:,} bytes a vector, "
            f"{milliseconds(advice.float_latency)} a query among {advice.sample:,}",
        ),
        ("runner-up", _runner_up(advice)),
        ("sample", _sample(advice)),
        ("growth", _growth(advice, best)),
        ("queries", _queries(advice)),
        *([("repeated", _repeated(advice.queries_in_database))] if advice.queries_in_database else []),
        ("not tried", "; ".join(advice.untried) or "nothing of what was planned"),
        (
            "time",
            f"{duration(advice.seconds)} of {duration(advice.budget)}, on {advice.device}",
        ),
    ]


def lines(advice: Advice) -> Iterator[str]:
    """All of it, no line of text or of the table longer than 80; verdict and command are a line each."""
    yield plain(verdict(advice), 2000)
    yield ""
    rows = facts(advice)
    indent = max(len(heading) for heading, _ in rows) + 4
    for heading, sentence in rows:
        yield from textwrap.wrap(
            plain(sentence, 2000),
            WIDTH,
            initial_indent=f"  {heading}".ljust(indent),
            subsequent_indent=" " * indent,
            break_on_hyphens=False,
        )
    yield ""
    yield "This command makes the code:"
    yield f"  {plain(advice.best.command, 2000)}"
    if len(advice.pairs) > 1:
        head, chosen = chosen_table(advice)
        yield from ("", "The smallest codes and the fewest candidates, on the confirming queries:")
        yield from aligned([head[:-2], *(cells[:-2] for cells in chosen)], "lrlrrr")
    head, rows_ = table(advice)
    yield from ("", "All that was tried:")
    yield from aligned([head, *rows_], "lrlr")
    yield from textwrap.wrap(legend(advice), WIDTH)


def code(each: CodeResult) -> str:
    """A code with its ranking."""
    how = {
        "hamming": "by Hamming distance",
        "asymmetric": "with the real query against bits, <project(q), b>",
        "estimator": "by distances estimated from bits and factors",
    }[each.ranking]
    return f"{each.name}, {each.bits:,} bits, ranked {how}"


def _length(each: CodeResult) -> str:
    return f"{each.bits:,} bits" + (" (query real)" if each.ranking == "asymmetric" else "")


def _recall(advice: Advice, each: CodeResult) -> str:
    found = each.confirmed
    wide = found is not None and found.low < advice.share <= found.value
    narrower = "; more queries would narrow the interval, which is all that is missing" if wide else ""
    together = "; the intervals of the codes below hold together" if len(advice.pairs) > 1 else ""
    return (
        f"{interval(each.confirmed)} with m = {each.confirmed_m}, interval of 95 %, on {advice.confirming:,} queries; "
        f"{advice.choosing:,} others chose{together}{narrower}"
    )


def _latency(advice: Advice, each: CodeResult) -> str:
    found = each.latency
    if found is None:
        return "not measured"
    return (
        f"of one query among {advice.sample:,} vectors, median (5 to 95 %): encode {milliseconds(found.encode)}, "
        f"search {milliseconds(found.search)}, rescore {milliseconds(found.rescore)} from memory; all vectors are "
        f"encoded in {seconds(advice.vectors / each.encoded_per_second)}"
    )


def _runner_up(advice: Advice) -> str:
    if advice.runner_up is None:
        return "none: no other code was confirmed" if advice.reached else "none"
    each = advice.codes[advice.runner_up]
    return (
        f"{code(each)}: {each.bytes_per_vector:,} bytes a vector, m = {each.confirmed_m}, {interval(each.confirmed)}"
        + (f", search {milliseconds(each.latency.search)}" if each.latency else "")
    )


def _sample(advice: Advice) -> str:
    if advice.sample == advice.database:
        which = "" if advice.database == advice.vectors else " that are no queries"
        return f"all {advice.sample:,} vectors{which}; neighbours by {advice.distance}"
    return f"{advice.sample:,} of {advice.database:,} vectors, drawn; neighbours by {advice.distance}"


def _queries(advice: Advice) -> str:
    if advice.queries.startswith("--queries"):
        return f"{advice.queries}; the answer is for queries like these"
    return (
        f"{advice.queries}; queries of another distribution (texts that look for images, say) may need another code "
        "and more candidates: give some with --queries"
    )


def _repeated(queries: int) -> str:
    """What it means that queries are also in the database."""
    who = "1 query is" if queries == 1 else f"{queries:,} queries are"
    return (
        f"{who} also in the database, with the same numbers: part of the neighbours kept is then the query itself, "
        "which flatters the recall; give queries that are not in it with --queries FILE"
    )


def _growth(advice: Advice, each: CodeResult) -> str:
    """How m grows."""
    if advice.smaller_sample is None:
        return "m grows with the collection; there was one sample, so how fast is not measured"
    sizes = [f"{size:,}" for size, _ in each.m_measured]
    if not any(m for _, m in each.m_measured):
        return f"no m up to {advice.most} has {percent(advice.share)} on average among {' or '.join(sizes)} vectors"
    measured = " and ".join(f"{m or f'above {advice.most}'} among {size:,}" for size, m in each.m_measured)
    first, last = (m or advice.most + 1 for _, m in each.m_measured)
    grows = "m grows with the collection" + (" as a rule, but not here" if last < first else "")
    text = f"{grows}: {measured} vectors have {percent(advice.share)} on average"
    if each.m_all is None:
        why = "these are all" if advice.sample == advice.database else f"no m up to {advice.most} was found"
        return f"{text}; {why}, so nothing is extrapolated"
    if each.m is not None and _unknown(each.m_all, each.m):
        return (
            f"{text}; so these two do not tell, and for all {advice.database:,} it is at most about "
            f"{each.m_all.value:.0f}, the same share of all; a longer --budget has a larger sample"
        )
    return (
        f"{text}; for all {advice.database:,} about {each.m_all.value:.0f} ({each.m_all.low:.0f} to "
        f"{each.m_all.high:.0f}), extrapolated from the two as a power of their number"
    )

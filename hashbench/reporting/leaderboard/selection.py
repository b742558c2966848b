"""Which records a report is about."""

from collections.abc import Collection, Iterable
from fnmatch import fnmatchcase

from hashbench.errors import UsageError
from hashbench.records.results import Results
from hashbench.records.store import Record
from hashbench.records.trial_spec import ONE_HOT_CLASSES


def code_lengths(text: str | None) -> tuple[int, ...]:
    """The numbers of a list such as ``16,32``; none where it was not given.

    Raises:
        UsageError: one is no positive whole number.
    """
    words = [word.strip() for word in (text or "").split(",") if word.strip()]
    for word in words:
        if not (word.isascii() and word.isdigit() and int(word)):
            raise UsageError(f"--bits has {word!r}, wanted code lengths such as 16,32")
    return tuple(int(word) for word in words)


def selected(
    results: Results,
    methods: Iterable[str] = ("*",),
    datasets: Iterable[str] = ("*",),
    features: Iterable[str] = ("*",),
    bits: Collection[int] = (),
) -> Results:
    """The records whose method, data set or protocol, and features match a name or glob of each list.

    ``bits`` are the code lengths wanted, all where there are none; what has no code length, or one that nobody chose,
    stays.

    References are no methods: theirs stay with every selection.
    """
    wanted = [list(names) for names in (methods, datasets, features)]
    return results.select(
        frozenset(record["key"] for record in results.records if _matches(record, *wanted) and _has(record, bits))
    )


def _matches(record: Record, methods: list[str], datasets: list[str], features: list[str]) -> bool:
    trial = record["trial"]
    return (
        (record["reference"] or _any(methods, trial["method"]))
        and _any(datasets, trial["dataset"], trial["protocol"])
        and _any(features, trial["features"])
    )


def _has(record: Record, bits: Collection[int]) -> bool:
    trial = record["trial"]
    return not bits or trial["bits"] in (None, *bits) or trial["method"] == ONE_HOT_CLASSES


def _any(patterns: list[str], *names: str) -> bool:
    return any(fnmatchcase(name, pattern.strip()) for pattern in patterns for name in names)

"""The text that ``data verify`` prints of an audit."""

from typing import Any

from hashbench.errors import NAMED, first_broken
from hashbench.reporting.plain_text import aligned, plain

LINE = 4_000  # characters at most
PARTS = {"query": "queries", "database": "database", "train": "train"}


def lines(audit: dict[str, Any]) -> list[str]:
    """The lines that ``data verify`` prints.

    Args:
        audit: the facts of an :class:`hashbench.data.audit.Audit`, with "kept_in" and "missing_in", its files.
    """
    return [
        f"{audit['protocol']}: {plain(audit['title'])}, protocol card {audit['card']}",
        f"  {plain(audit['source'])}",
        "",
        *_items(audit),
        "",
        *([*_labels(audit["labels"], audit["sizes"]), ""] if audit["labels"] else []),
        *_findings(audit),
        "",
        *[f"  sha256 of {name:<8}  {value}" for name, value in audit["sums"].items()],
        f"  kept in {audit['kept_in']}",
    ]


def _items(audit: dict[str, Any]) -> list[str]:
    rows: list[tuple[str, ...]] = [("", "on the list", "of these unlabelled", "image missing", "left")]
    for name, heading in {"all": "all items", **PARTS}.items():
        left = audit["sizes"].get(name, audit["listed"][name] - audit["missing"][name])
        counts = (audit["listed"][name], audit["unlabelled"][name], audit["missing"][name], left)
        rows.append((heading, *(f"{count:,}" for count in counts)))
    return aligned(rows, "lr")


def _labels(labels: dict[str, dict[str, int]], sizes: dict[str, int]) -> list[str]:
    rows: list[tuple[str, ...]] = [
        ("label", *(f"{heading} with it" for heading in PARTS.values()), "share of database")
    ]
    for label, counts in labels.items():
        share = counts["database"] / sizes["database"] if sizes["database"] else 0.0
        rows.append((plain(label), *(f"{counts[name]:,}" for name in PARTS), f"{share:.1%}"))
    return aligned(rows, "lr")


def _findings(audit: dict[str, Any]) -> list[str]:
    findings = _by_labels(audit) if audit["labels"] else []
    for kind, duplicates in audit["duplicates"].items():
        pairs = [" = ".join(map(plain, pair)) for pair in duplicates["first"]]
        findings.append(f"  same {audit['items']}, {kind.replace('_', ' ')}: {_examples(duplicates['count'], pairs)}")
    return findings + _missing(audit) + _broken(audit) + [f"  {plain(note)}" for note in audit["notes"]]


def _by_labels(audit: dict[str, Any]) -> list[str]:
    chance, unanswerable = audit["chance"], audit["unanswerable"]
    named = _examples(unanswerable["count"], list(map(plain, unanswerable["first"])))
    return [
        "  no query has a relevant item among the images on disk" if chance is None else _chance(chance),
        f"  queries without a relevant item: {named}; {unanswerable['listed']:,} of those on the list",
    ]


def _missing(audit: dict[str, Any]) -> list[str]:
    """The first of the missing images, the file that names all, and why they may be missing."""
    names, causes = audit["missing_images"]["names"], audit["missing_images"]["causes"]
    if not names:
        return []
    first = [plain(name) for name in names[:NAMED]]
    found = [f"  missing images: {_examples(len(names), first)}; all are named in {audit['missing_in']}"]
    for cause in causes:
        example = f"{plain(cause['listed'])} on the list, {plain(cause['on_disk'])} on disk"
        found.append(f"  likely cause for {cause['count']:,} of them: {cause['cause']} ({example})")
    return found


def _broken(audit: dict[str, Any]) -> list[str]:
    broken = audit["broken_images"]
    return [f"  images that cannot be decoded: {len(broken):,}, {plain(first_broken(broken), LINE)}"] if broken else []


def _chance(chance: dict[str, float]) -> str:
    return "  by chance: " + ", ".join(f"{name.replace('map', 'mAP')} {value:.3f}" for name, value in chance.items())


def _examples(count: int, names: list[str]) -> str:
    return f"{count:,} ({', '.join(names)}{', ...' if count > len(names) else ''})" if names else f"{count:,}"

"""Texts that several reports share: made fit to print, aligned, rates and machines in words."""

from collections.abc import Mapping, Sequence
from typing import Any

NONE = "–"
LONGEST = 300


def plain(text: str, longest: int = LONGEST) -> str:
    """One line without control characters and lone surrogates, those spelt as escapes; cut where it is long."""
    shown = "".join(c if c.isprintable() else c.encode("unicode_escape").decode() for c in text[:longest])
    return shown if len(text) <= longest else f"{shown}... ({len(text):,} characters)"


def counted(number: int, noun: str) -> str:
    """A number with its noun: "1 core", "2,000 cores"."""
    return f"{number:,} {noun}{'' if number == 1 else 's'}"


def aligned(rows: Sequence[Sequence[str]], sides: str) -> list[str]:
    """Indented lines with columns of one width each.

    Args:
        rows: cells, the same number in each row.
        sides: "l" or "r" for each column; the last one holds for those that follow.
    """
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    sides = sides.ljust(len(widths), sides[-1])
    lines = []
    for row in rows:
        cells = (
            cell.ljust(width) if side == "l" else cell.rjust(width)
            for cell, width, side in zip(row, widths, sides, strict=True)
        )
        lines.append(("  " + "  ".join(cells)).rstrip())
    return lines


def markdown_table(head: Sequence[str], rows: Sequence[Sequence[str]], numbers: Sequence[bool]) -> str:
    """A Markdown table; columns of ``numbers`` are aligned at the right."""
    rule = ["---:" if number else "---" for number in numbers]
    return "\n".join(f"| {' | '.join(cells)} |" for cells in (head, rule, *rows))


def rate_text(rate: float | None) -> str:
    """Three significant figures with thousands separated; – where there is none."""
    if rate is None:
        return NONE
    digits = max(0, 2 - len(str(int(rate))) + 1)
    return f"{float(f'{rate:.3g}'):,.{digits}f}"


def machine_text(hardware: Mapping[str, Any], brief: bool = False) -> str:
    """A hardware fingerprint in words, without its id.

    Args:
        hardware: as records and throughput files have it.
        brief: only what did the work, the GPUs or the processor with its threads.
    """
    cpu, threads, device = hardware["cpu"], counted(hardware["threads"], "thread"), hardware["device"]
    gpus = ", ".join(hardware["gpus"])
    if brief:
        return gpus if gpus and device != "cpu" else f"{cpu}, {threads}"
    cores = counted(hardware["cores"], "core")
    return f"{cpu}, {cores}, {threads}, device {device}{f' ({gpus})' if gpus else ''}"

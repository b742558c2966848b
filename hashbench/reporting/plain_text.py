"""Text from records made fit to print: no control characters, no endless lines."""

LONGEST = 300


def plain(text: str, longest: int = LONGEST) -> str:
    """One line without control characters and lone surrogates, those spelt as escapes; cut where it is long."""
    shown = "".join(c if c.isprintable() else c.encode("unicode_escape").decode() for c in text[:longest])
    return shown if len(text) <= longest else f"{shown}... ({len(text):,} characters)"

"""Text from records made fit to print: no control characters, no endless lines."""

LONGEST = 300


def plain(text: str, longest: int = LONGEST) -> str:
    """One line without control characters and lone surrogates, those spelt as escapes; its middle cut where long."""
    if len(text) > longest:
        text = f"{text[: longest - longest // 3]} ... {text[len(text) - longest // 3 :]}"
    return "".join(c if c.isprintable() else c.encode("unicode_escape").decode() for c in text)

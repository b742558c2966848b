"""Options NAME=TEXT that may be given several times."""

from collections.abc import Iterable

from hashbench.errors import UsageError


def named_texts(option: str, texts: Iterable[str], wanted: str, example: str) -> dict[str, str]:
    """Texts by name, from ``texts`` such as "itq=ITQ"; the first "=" divides, and of one name the last text holds.

    Args:
        option: as it is written on the command line.
        texts: what was given.
        wanted: name and text in capitals, for the message: "NAME=TEXT".
        example: one that is right.

    Raises:
        UsageError: a text has no name before "=" or nothing behind it.
    """
    named = {}
    for given in texts:
        name, sign, text = (part.strip() for part in given.partition("="))
        if not (name and sign and text):
            raise UsageError(f"{option} has {given!r}, wanted {wanted}, say {example!r}")
        named[name] = text
    return named

"""How methods write their names: the capitals are those of the class, the words those of the file's name."""

from collections.abc import Iterable

from hashbench.errors import UsageError
from hashbench.plugins.registry import METHODS


def spellings(names: Iterable[str]) -> dict[str, str]:
    """The names as text, by name: "rabitq" of the class RaBitQ is "RaBitQ", "pca_rr" of PCARR is "PCA-RR".

    Names whose class has other letters ("agh" of AnchorGraphHashing) are left out, and those of no method here.
    """
    known = METHODS.names()
    found = {}
    for name in names:
        if name in known:
            try:
                written = METHODS.get(name).__name__
            except UsageError:
                continue  # a broken plugin: its records can be shown
            if written.lower() == name.replace("_", ""):
                found[name] = _in_words(written, name)
    return found


def _in_words(written: str, name: str) -> str:
    words, start = [], 0
    for word in name.split("_"):
        words.append(written[start : start + len(word)])
        start += len(word)
    if all(word.isupper() for word in words):
        return "-".join(words)
    return " ".join([words[0], *(word if word.isupper() else word.lower() for word in words[1:])])

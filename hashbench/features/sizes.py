"""Sizes in the names of features: the 128 of "squeezenet1_1@128"."""

from hashbench.errors import UsageError


def asked_size(spec: str, sizes: range) -> int | None:
    """The side in pixels that ``spec`` asks for behind its "@", or None where it names no size.

    Args:
        spec: "NAME" or "NAME@SIZE".
        sizes: which may be asked for; empty where the features have one of their own.

    Raises:
        UsageError: another size, or none may be asked for.
    """
    name, at, size = spec.partition("@")
    if not at:
        return None
    if not sizes:
        raise UsageError(f"features {spec!r}: {name} has a size of its own; write {name!r}")
    if not (size.isascii() and size.isdigit() and size[0] != "0" and int(size) in sizes):  # one spelling each
        example = 128 if 128 in sizes else sizes[0]
        raise UsageError(
            f"features {spec!r}: size is {size!r}, wanted {sizes[0]} to {sizes[-1]} pixels, as in '{name}@{example}'"
        )
    return int(size)

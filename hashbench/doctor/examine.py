"""Looks at everything, one part after the other; a part that breaks is a fault with its error."""

from collections.abc import Callable, Iterable, Iterator
from pathlib import Path

from hashbench.doctor.finding import Finding
from hashbench.doctor.requirements import extras, requirements
from hashbench.errors import UsageError, in_words


def examine(results: Path, data: str | None = None, online: bool = False) -> list[Finding]:
    """What this machine has and lacks for runs.

    Where a library is missing that everything needs, only that is found.

    Args:
        results: the result folder of a run.
        data: the folder of the data sets; None as in a run.
        online: ask a host for one file's headers.
    """
    found = list(_safe("libraries", requirements))
    if any(each.state == "fault" for each in found):
        return found
    found += _safe("extras", extras)
    from hashbench.doctor.folders import datasets, folders, weights  # what they import was looked at above
    from hashbench.doctor.machine import machine

    found += _safe("machine", machine)
    found += _safe("folders", lambda: folders(results))
    found += _safe("data sets", lambda: datasets(data))
    found += _safe("features", weights)
    if online:
        from hashbench.doctor.network import network_access

        found += _safe("network", lambda: [network_access()])
    return found


def works(found: Iterable[Finding]) -> bool:
    """Whether the default run would work."""
    return all(each.state != "fault" for each in found)


def _safe(about: str, look: Callable[[], Iterable[Finding]]) -> Iterator[Finding]:
    try:
        yield from look()
    except UsageError as error:  # which names the way out
        yield Finding(about, "fault", str(error))
    except Exception as error:  # whatever a broken installation raises: the rest is still looked at
        yield Finding(about, "fault", in_words(error), "install hashbench and what it needs into a new environment")

"""Sweeps: several values for a hyper-parameter, "10,50", mean a trial for each."""

import itertools
import math
from collections.abc import Mapping
from typing import Any

from hashbench.errors import UsageError
from hashbench.planning.grid import check_trials, split_list
from hashbench.plugins.hyperparameters import resolve


def combinations(name: str, method: type[Any], given: Mapping[str, Any]) -> list[dict[str, Any]]:
    """The settings that ``given`` asks for: one, or each combination where parameters have several values.

    Text has several values where commas separate them ("10,50", "[1.0],[1.0,2.0]"), unless it is one value as a whole:
    "1.0,2.0" for a tuple. A comma in brackets or in double quotes separates nothing. A list of values is as good.

    Args:
        name: the method's name, for messages.
        method: its class.
        given: values, or text from the command line, by parameter.

    Raises:
        UsageError: unknown parameter, a value of another type, or more combinations than a run may have trials.
    """
    choices = {key: _values(name, method, key, value) for key, value in given.items()}
    check_trials(math.prod(map(len, choices.values())), f"the sweep of {name} ({', '.join(choices)})")
    return [dict(zip(choices, values, strict=True)) for values in itertools.product(*choices.values())]


def _values(name: str, method: type[Any], key: str, given: Any) -> list[Any]:
    parts = _parts(given)
    try:
        whole = resolve(name, method, {key: given})[key]
        if len(parts) < 2 or not isinstance(whole, str):
            return [whole]
    except UsageError:
        if len(parts) < 2:
            raise
    check_trials(len(parts), f"the sweep of {name} ({key})")
    several = [resolve(name, method, {key: part})[key] for part in parts]
    return list({repr(value): value for value in several}.values())


def _parts(given: Any) -> list[Any]:
    if isinstance(given, str):
        return list(split_list(given, brackets=True))
    return list(given) if isinstance(given, (list, tuple)) else [given]

"""Hyper-parameters: read from a method's constructor, converted to their types, completed with defaults."""

import ast
import inspect
import math
import types
import typing
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal, Union, get_args, get_origin, get_type_hints

import numpy as np
import torch

from hashbench.errors import UsageError, unknown
from hashbench.util.device import training_dtype

PRECISION, AUTO = "precision", "auto"
UNKNOWN = "unknown"  # value of a parameter in a record that does not say it


@dataclass(frozen=True)
class Parameter:
    """A hyper-parameter: its name, its annotation and its default."""

    name: str
    type: Any
    default: Any

    def type_name(self) -> str:
        """The annotation as it is written in source code."""
        return self.type.__name__ if isinstance(self.type, type) else str(self.type).replace("typing.", "")


def declared(method: type[Any]) -> dict[str, Parameter]:
    """The parameters of ``method.__init__`` after ``bits``, by name.

    Raises:
        UsageError: a parameter lacks a type or a default, so it could not be recorded.
    """
    hints = get_type_hints(method.__init__)
    parameters = {}
    for name, parameter in list(inspect.signature(method.__init__).parameters.items())[2:]:
        if name not in hints or parameter.default is inspect.Parameter.empty:
            raise UsageError(f"parameter {name!r} of {method.__name__} needs a type and a default")
        parameters[name] = Parameter(name, hints[name], parameter.default)
    return parameters


def resolve(name: str, method: type[Any], overrides: Mapping[str, Any]) -> dict[str, Any]:
    """All parameters with their values: defaults, replaced by ``overrides`` (values, or text from the command line).

    Raises:
        UsageError: unknown parameter, one under a former name, or a value of another type.
    """
    parameters = declared(method)
    values = {key: parameter.default for key, parameter in parameters.items()}
    for key, value in overrides.items():
        if key in method.renamed:
            raise UsageError(f"parameter {name}.{key} has a new name: {name}.{method.renamed[key]}")
        if key not in parameters:
            raise unknown(f"parameter of {name}", key, parameters)
        try:
            values[key] = _convert(value, parameters[key].type)
        except (ValueError, SyntaxError, TypeError, OverflowError):
            raise UsageError(
                f"parameter {name}.{key} is {value!r}, wanted {parameters[key].type_name()} "
                f"(default {parameters[key].default!r})"
            ) from None
    return values


def resolve_for_run(
    method: type[Any], parameters: Mapping[str, Any], features: str, device: torch.device
) -> dict[str, Any]:
    """All parameters, those resolved that depend on the trial's features or on its device.

    A parameter called "precision" whose value is "auto" becomes the dtype that networks train in on ``device``.
    """
    values: dict[str, Any] = method.resolve(dict(parameters), features)
    if values.get(PRECISION) == AUTO:
        values[PRECISION] = str(training_dtype(device)).removeprefix("torch.")
    return values


def current_names(method: type[Any], parameters: Mapping[str, Any]) -> dict[str, Any]:
    """A record's parameters under the names that they have today."""
    return {method.renamed.get(name, name): value for name, value in parameters.items()}


def resolve_recorded(name: str, method: type[Any], parameters: Mapping[str, Any]) -> dict[str, Any]:
    """All parameters with the values of a record, which may have them under former names; unknown ones by default.

    Raises:
        UsageError: see :func:`resolve`.
    """
    known = {key: value for key, value in current_names(method, parameters).items() if value != UNKNOWN}
    return resolve(name, method, known)


def _convert(value: Any, wanted: Any) -> Any:
    """``value`` as ``wanted``: bool, int, float, str, None, Literal, tuple, list or a union of these."""
    if isinstance(value, np.generic):
        value = value.item()
    origin, inner = get_origin(wanted), get_args(wanted)
    if origin in (Union, types.UnionType):
        return _union(value, inner)
    if origin is Literal:
        return _choice(value, {str(choice): choice for choice in inner})
    if origin in (tuple, list):
        return _sequence(value, origin, inner)
    if wanted is type(None):
        return _choice(value, {"None": None, "none": None})
    if wanted is bool:
        return _choice(str(value).lower(), {"true": True, "false": False, "yes": True, "no": False})
    if wanted in (int, float):
        return _number(value, wanted)
    if wanted is str and isinstance(value, str):
        return value
    return _reject(value)


def _choice(value: Any, words: dict[str, Any]) -> Any:
    return words[str(value)] if str(value) in words else _reject(value)


def _reject(value: Any) -> typing.NoReturn:
    raise ValueError(value)


def _number(value: Any, wanted: type[int] | type[float]) -> int | float:
    if isinstance(value, bool) or (wanted is int and isinstance(value, float) and not value.is_integer()):
        _reject(value)
    number = wanted(value)
    return number if math.isfinite(number) else _reject(value)


def _union(value: Any, choices: tuple[Any, ...]) -> Any:
    for choice in sorted(choices, key=lambda c: c is str):
        try:
            return _convert(value, choice)
        except (ValueError, SyntaxError, TypeError):
            continue
    return _reject(value)


def _sequence(value: Any, kind: type, inner: tuple[Any, ...]) -> Any:
    parts = ast.literal_eval(value) if isinstance(value, str) else value
    if not isinstance(parts, (tuple, list)):
        parts = (parts,)
    types_of = [inner[0]] * len(parts) if kind is list or inner[-1] is Ellipsis else list(inner)
    if len(types_of) != len(parts):
        _reject(value)
    return kind(_convert(part, wanted) for part, wanted in zip(parts, types_of, strict=True))

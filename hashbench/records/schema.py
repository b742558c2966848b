"""The JSON Schemas of the files that other programs rely on; they ship in the package."""

import json
from collections.abc import Mapping
from functools import cache
from importlib.resources import files
from typing import Any, Literal, Union

from msgspec import UNSET, Struct, UnsetType, defstruct

FORMAT = 4
_TYPES = {"string": str, "integer": int, "number": float | None, "boolean": bool, "null": None}


def schema(name: str) -> dict[str, Any]:
    """The schema called "record" or "throughput"."""
    content: dict[str, Any] = json.loads(files("hashbench.records").joinpath(f"{name}.schema.json").read_text())
    return content


@cache
def model(name: str) -> type[Struct]:
    """The model that files of that schema are checked against when they are read: keys and types.

    Numbers may be null, since NaN is read as null. Patterns, ranges and names beside those of the schema are not
    checked, nor names of metrics: records of other versions have others.
    """
    content = schema(name)
    table: type[Struct] = _type(content, content.get("$defs", {}))
    return table


def _type(part: Mapping[str, Any], definitions: Mapping[str, Any]) -> Any:
    if "$ref" in part:
        return _type(definitions[part["$ref"].rpartition("/")[2]], definitions)
    if "anyOf" in part:
        return Union[tuple(_type(one, definitions) for one in part["anyOf"])]  # noqa: UP007 - made of a list
    if "enum" in part or "const" in part:
        return Literal[tuple(part.get("enum", [part.get("const")]))]
    if "type" not in part:
        return Any
    names = [part["type"]] if isinstance(part["type"], str) else part["type"]
    return Union[tuple(_named_type(name, part, definitions) for name in names)]  # noqa: UP007 - made of a list


def _named_type(name: str, part: Mapping[str, Any], definitions: Mapping[str, Any]) -> Any:
    if name == "array":
        return list[_type(part["items"], definitions)]  # type: ignore[misc]
    if name != "object":
        return _TYPES[name]
    properties, names = part.get("properties", {}), part.get("required", [])
    if not properties and not names:
        return dict[str, _type(part.get("additionalProperties", {}), definitions)]  # type: ignore[misc]
    rest = part.get("additionalProperties", {})
    required = {key: _type(properties.get(key, rest), definitions) for key in names}
    others = {key: _type(value, definitions) for key, value in properties.items() if key not in required}
    optional = [(key, Union[kind, UnsetType], UNSET) for key, kind in others.items()]  # noqa: UP007 - it may be a text
    return defstruct("Table", [*required.items(), *optional])

"""Checks documents from users and other programs against a model; an error is one line."""

import reprlib
import sys
import tomllib
from collections.abc import Iterator
from pathlib import Path
from types import NoneType, UnionType
from typing import Annotated, Any, Literal, TypeVar, Union, get_args, get_origin

import msgspec
from msgspec import Meta

from hashbench.errors import UsageError, unknown
from hashbench.util.numbers import BILLION

Text = Annotated[str, Meta(min_length=1, description="a text in quotes")]
Count = Annotated[int, Meta(ge=1, le=BILLION, description=f"a whole number from 1 to {BILLION}")]
_LARGEST = sys.float_info.max  # neither NaN nor infinity is at most this
Number = Annotated[float, Meta(ge=-_LARGEST, le=_LARGEST, description="a number")]
NotNegative = Annotated[float, Meta(ge=0, le=_LARGEST, description="a number of at least 0")]

Model = TypeVar("Model")

SHOWN_CHARACTERS = 80
_WORDS = {
    str: "a text in quotes",
    int: "a whole number",
    float: "a number",
    bool: "true or false",
    NoneType: "null",
    list: "a list",
    tuple: "a list",
    dict: "a table",
}


def read_toml(file: Path, name: str, way_out: str) -> dict[str, Any]:
    """The content of a TOML file.

    Args:
        file: the file.
        name: what a message calls it.
        way_out: advice at the end of a message.

    Raises:
        UsageError: it cannot be read, or is no TOML.
    """
    try:
        return tomllib.loads(file.read_text(encoding="utf-8-sig"))
    except OSError as error:
        raise UsageError(f"{name} cannot be read ({error.strerror}); {way_out}") from None
    except (ValueError, RecursionError) as error:
        raise UsageError(f"{name} is not a TOML file ({error}); {way_out}") from None


def checked(content: Any, model: type[Model], name: str, way_out: str = "") -> Model:
    """``content``, as TOML and JSON are decoded, as an instance of ``model``.

    Args:
        content: dictionaries, lists and plain values.
        model: a :class:`msgspec.Struct`; a :class:`msgspec.Meta` with a description is the wanted value in messages.
        name: what a message calls the document.
        way_out: advice at the end of a message, beside "wanted ...".

    Raises:
        UsageError: a key is missing or unknown, or a value is of another kind; the line has the path of the value in
            the document ("runs[1].bits[0]"), the value and what was wanted.
    """
    try:
        return msgspec.convert(content, model)
    except msgspec.ValidationError as error:
        fault = _fault(error, content, model, name, "")
        raise UsageError(f"{fault}; {way_out}" if way_out else fault) from None


def _fault(error: msgspec.ValidationError, content: Any, kind: Any, name: str, path: str) -> str:
    """The error in ``content``, or in the first value inside it that does not fit."""
    for step, value, wanted in _values(content, kind):
        try:
            msgspec.convert(value, wanted)
        except msgspec.ValidationError as inner:
            return _fault(inner, value, wanted, name, (path + step).lstrip("."))
    where = f"{name}: {path}" if path else name
    model = next(filter(_is_model, _kinds(kind)), None)
    if model is None or not isinstance(content, dict):
        return f"{where} is {_shown(reprlib.repr(content))}, wanted {in_words(kind)}"
    fields = {field.encode_name: field for field in msgspec.structs.fields(model)}
    if model.__struct_config__.forbid_unknown_fields:
        for key in content:
            if key not in fields:
                return f"{where}: {unknown('key', key, fields)}"
    for key, field in fields.items():
        if field.required and key not in content:
            return f"{where} lacks {key}, wanted {in_words(field.type)}"
    return f"{where}: {error.__cause__ or error}"


def _values(content: Any, kind: Any) -> Iterator[tuple[str, Any, Any]]:
    """Each value inside a table or list: the step of the path that leads to it, the value, and its wanted type."""
    for one in _kinds(kind):
        container = get_origin(one) or one
        if isinstance(content, dict) and _is_model(one):
            for field in msgspec.structs.fields(one):
                if field.encode_name in content:
                    yield f".{field.encode_name}", content[field.encode_name], field.type
        elif isinstance(content, dict) and container is dict:
            for key, value in content.items():
                yield f".{_shown(key if key.isprintable() else repr(key))}", value, get_args(one)[1]
        elif isinstance(content, list) and container in (list, tuple):
            for index, value in enumerate(content):
                yield f"[{index}]", value, get_args(one)[0]


def _kinds(kind: Any) -> list[Any]:
    """The types that a value may have: those of a union, without what is annotated to them."""
    if get_origin(kind) is Annotated:
        return _kinds(kind.__origin__)
    if get_origin(kind) in (Union, UnionType):
        return [one for part in get_args(kind) for one in _kinds(part)]
    return [kind]


def _is_model(kind: Any) -> bool:
    return isinstance(kind, type) and issubclass(kind, msgspec.Struct)


def in_words(kind: Any) -> str:
    """A type in plain words: its description where it has one."""
    origin = get_origin(kind)
    if origin is Annotated:
        described = [meta.description for meta in kind.__metadata__ if isinstance(meta, Meta) and meta.description]
        return described[-1] if described else in_words(kind.__origin__)
    if origin in (Union, UnionType):
        return " or ".join(in_words(one) for one in get_args(kind) if one is not msgspec.UnsetType)
    if origin is Literal:
        return " or ".join(map(repr, get_args(kind)))
    return "a table" if _is_model(kind) else _WORDS.get(origin or kind, "a value")


def _shown(text: str) -> str:
    cut = text[:SHOWN_CHARACTERS]
    return cut if len(text) <= SHOWN_CHARACTERS else f"{cut}... ({len(text):,} characters)"

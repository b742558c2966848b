"""Ways in which a file goes wrong on its way to a reader: damaged bytes, another encoding, lines and values of another
kind, something else in its place."""

import json
import re
import zipfile
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np

TOKENS = (
    *(b"\x00", b"\xff\xfe", b"\xef\xbb\xbf", b"\r\n", b"\n\n", b"\x1b[31m", b";", b",", b"|", b"\t", b'"', b"'", b"["),
    *(b"{", b"NaN", b"Infinity", b"-1", b"0", b"1e400", b"1e308", b"true", b"null", b"None", b"99999999999999999999"),
    *(
        b"../../",
        b"/etc/passwd",
        b"~",
        b"%s",
        b"\xc3\x28",
        b"\xed\xa0\x80",
        "é".encode(),
        "e\u0301".encode(),
        b"a" * 300,
    ),
)
NUMBERS = (b"0", b"-1", b"1", b"1.5", b"1e400", b"NaN", b"9223372036854775808", b"1000000000000", b"true", b'""', b"[]")
VALUES: tuple[Any, ...] = (
    None,
    -1,
    0,
    1,
    0.5,
    1e308,
    -1e308,
    10**20,
    True,
    "",
    "x",
    "a\nb",
    "<b>",
    "é\u0301",
    [],
    {},
    [0],
    {"a": 1},
)
REPEATS = 1_000
PART_BYTES = 8_192
INSIDE = 0.7  # of damages to an archive are to what is in it

Rng = np.random.Generator
Mutation = Callable[[bytes, Rng], bytes]


def _flip(data: bytes, rng: Rng) -> bytes:
    cells = bytearray(data)
    for _ in range(int(rng.integers(1, 5))):
        cells[int(rng.integers(len(cells)))] ^= 1 << int(rng.integers(8))
    return bytes(cells)


def _cut(data: bytes, rng: Rng) -> bytes:
    return data[: int(rng.integers(len(data)))]


def _drop(data: bytes, rng: Rng) -> bytes:
    start, stop = _span(data, rng)
    return data[:start] + data[stop:]


def _double(data: bytes, rng: Rng) -> bytes:
    start, stop = _span(data, rng)
    return data[:stop] + data[start:]


def _noise(data: bytes, rng: Rng) -> bytes:
    start, stop = _span(data, rng)
    return data[:start] + rng.bytes(min(stop - start, 64)) + data[stop:]


def _token(data: bytes, rng: Rng) -> bytes:
    place = int(rng.integers(len(data) + 1))
    return data[:place] + TOKENS[int(rng.integers(len(TOKENS)))] + data[place:]


def _number(data: bytes, rng: Rng) -> bytes:
    found = list(re.finditer(rb"(?<![\w.])-?\d+(\.\d+)?", data))
    if not found:
        return _token(data, rng)
    match = found[int(rng.integers(len(found)))]
    return data[: match.start()] + NUMBERS[int(rng.integers(len(NUMBERS)))] + data[match.end() :]


def _word(data: bytes, rng: Rng) -> bytes:
    """One word in place of another one of the file."""
    found = list(re.finditer(rb"\w+", data))
    if len(found) < 2:
        return _token(data, rng)
    old, new = (found[int(place)] for place in rng.choice(len(found), 2, replace=False))
    return data[: old.start()] + new.group() + data[old.end() :]


def _lines(data: bytes, rng: Rng) -> bytes:
    lines = data.splitlines(keepends=True)
    place, action = int(rng.integers(len(lines))), int(rng.integers(4))
    if action == 0:
        return b"".join(lines[:place] + lines[place + 1 :])
    if action == 1:
        return b"".join([*lines[:place], lines[place], *lines[place:]])
    if action == 2:
        return b"".join([lines[int(line)] for line in rng.permutation(len(lines))])
    return b"".join([*lines[:place], *[lines[place]] * REPEATS, *lines[place:]])


def _encoding(data: bytes, rng: Rng) -> bytes:
    text = data.decode("utf-8", "replace")
    name = ("utf-16", "utf-16-le", "utf-32", "utf-8-sig", "cp1252", "utf-7")[int(rng.integers(6))]
    return text.encode(name, "replace")


def _endings(data: bytes, rng: Rng) -> bytes:
    return data.replace(b"\n", (b"\r\n", b"\r", b"\x00", b"\n\n")[int(rng.integers(4))])


def _nested(data: bytes, rng: Rng) -> bytes:
    place = int(rng.integers(len(data) + 1))
    return data[:place] + (b"[" if rng.random() < 0.5 else b'{"a":') * REPEATS * 20 + data[place:]


def _value(data: bytes, rng: Rng) -> bytes:
    """One value of a JSON document in place of itself, gone, or of another length."""
    try:
        document = json.loads(data)
    except ValueError:
        return _word(data, rng)
    places = list(_places(document))
    if not places:
        return _token(data, rng)
    holder, key = places[int(rng.integers(len(places)))]
    action = int(rng.integers(4))
    if action == 0:
        del holder[key]
    elif action == 1 and isinstance(holder[key], list):
        holder[key] = holder[key][: len(holder[key]) // 2] if rng.random() < 0.5 else holder[key] * 2
    elif action == 2:
        other, name = places[int(rng.integers(len(places)))]
        holder[key] = json.loads(json.dumps(other[name]))
    else:
        holder[key] = VALUES[int(rng.integers(len(VALUES)))]
    return json.dumps(document, indent=1).encode()


def _places(value: Any) -> Iterator[tuple[Any, Any]]:
    """Each value inside, as what holds it and its key there."""
    steps = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    for key, inner in steps:
        yield value, key
        yield from _places(inner)


def _other(_data: bytes, rng: Rng) -> bytes:
    return (
        b"",
        b"\n",
        b"<!DOCTYPE html><html><body>404 Not Found</body></html>\n",
        b"version https://git-lfs.github.com/spec/v1\noid sha256:00\nsize 12\n",
        b"\x89PNG\r\n\x1a\n" + rng.bytes(50),
        b"PK\x03\x04" + rng.bytes(50),
        b"\x80\x04\x95" + b"cposix\nsystem\n(S'touch harm'\ntR.",  # a pickle that does harm where it is loaded
        b"null",
        b"[]",
        b"{}",
        rng.bytes(200),
    )[int(rng.integers(11))]


MUTATIONS: dict[str, Mutation] = {
    "bits flipped": _flip,
    "cut short": _cut,
    "span dropped": _drop,
    "span doubled": _double,
    "noise": _noise,
    "token inserted": _token,
    "number replaced": _number,
    "word replaced": _word,
    "lines moved": _lines,
    "encoding": _encoding,
    "line endings": _endings,
    "nested deeply": _nested,
    "value replaced": _value,
    "another file": _other,
}
PLACES = ("folder", "dangling link", "link to itself", "gone")
KINDS = (*MUTATIONS, *PLACES)


def damage(file: Path, kind: str, rng: Rng) -> None:
    """Put a mutation of the given kind in the place of ``file``."""
    if kind in MUTATIONS:
        if zipfile.is_zipfile(file) and rng.random() < INSIDE:
            _damage_member(file, MUTATIONS[kind], rng)
        else:
            file.write_bytes(_mutated(file.read_bytes(), MUTATIONS[kind], rng))
        return
    file.unlink()
    if kind == "folder":
        file.mkdir()
    elif kind == "dangling link":
        file.symlink_to(file.with_name("nowhere"))
    elif kind == "link to itself":
        file.symlink_to(file.name)


def _mutated(data: bytes, mutation: Mutation, rng: Rng) -> bytes:
    if not data:
        return data
    start, stop = _part(len(data), rng)
    return data[:start] + mutation(data[start:stop], rng) + data[stop:]


def _damage_member(file: Path, mutation: Mutation, rng: Rng) -> None:
    """Damage one member of an archive (.npz, .pth) whose checksums are right all the same."""
    with zipfile.ZipFile(file) as archive:
        members = {info.filename: archive.read(info) for info in archive.infolist()}
    name = list(members)[int(rng.integers(len(members)))]
    members[name] = _mutated(members[name], mutation, rng)
    with zipfile.ZipFile(file, "w") as archive:
        for member, data in members.items():
            archive.writestr(member, data)


def _part(size: int, rng: Rng) -> tuple[int, int]:
    """The part that is damaged: all of a small file, else its head or its end, where formats say what is where."""
    if size <= 2 * PART_BYTES:
        return 0, size
    return (0, PART_BYTES) if rng.random() < 0.5 else (size - PART_BYTES, size)


def _span(data: bytes, rng: Rng) -> tuple[int, int]:
    start = int(rng.integers(len(data)))
    return start, min(len(data), start + 1 + int(rng.geometric(0.02)))

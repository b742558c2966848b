"""The card of a submission: what is claimed of the codes in it, and sizes and sums of its files."""

from pathlib import Path
from typing import Annotated, Any, Literal

import msgspec
from msgspec import Meta, Struct

from hashbench.codes import MAX_BITS
from hashbench.errors import UsageError
from hashbench.util.documents import checked

CARD_FILE = "card.json"
FORMAT = 1
LARGEST_CARD = 4 << 20  # bytes
LARGEST = 1 << 30  # bytes of all files of a submission
WAY_OUT = "hashbench submit packs such files"
_LINE = r"^[^\x00-\x1f\x7f-\x9f\u2028\u2029]+$"

Line = Annotated[str, Meta(min_length=1, max_length=300, pattern=_LINE, description="a line of 1 to 300 characters")]
Name = Annotated[str, Meta(min_length=1, max_length=80, pattern=_LINE, description="1 to 80 printable characters")]
Sum = Annotated[str, Meta(pattern="^[0-9a-f]{64}$", description="a sha256 of 64 hexadecimal digits")]
Protocol = Annotated[str, Meta(pattern=r"^[\w.-]+/[\w.-]+$", description='a protocol such as "cifar10/bgan"')]
Bytes = Annotated[int, Meta(ge=1, le=LARGEST, description=f"a number of bytes from 1 to {LARGEST:,}")]
Whole = Annotated[int, Meta(ge=0, le=2**53, description="a whole number of 0 or more")]
Bits = Annotated[int, Meta(ge=1, le=MAX_BITS, description=f"a code length from 1 to {MAX_BITS}")]


class PackedFile(Struct, frozen=True, forbid_unknown_fields=True):
    """A file of the submission: its name in the archive, its size and its sum."""

    file: Name
    bytes: Bytes
    sha256: Sum


class Pair(Struct, frozen=True, forbid_unknown_fields=True):
    """What there is of queries and of the database."""

    query: PackedFile
    database: PackedFile


class Entry(Struct, frozen=True, forbid_unknown_fields=True):
    """The codes of one training, and what is claimed of it.

    Attributes:
        method: its name in tables.
        paper: authors, title, venue and year; "unpublished" where there is none.
        information: what the method saw.
        parameters: all hyper-parameters.
        changed: those that differ from its defaults, which the label of its row names.
        preset, bits, repetition, seed, limit: as in records.
        protocol: of queries and database.
        protocol_card: id of the protocol card.
        features, features_dtype, features_weights, backbones: what the codes were made from, as in records.
        codes: uint8 [n, ceil(bits / 8)], the first bit of a byte the highest, padding zero.
        items: the data set's item numbers of the same rows, int64, little-endian.
    """

    method: Name
    paper: Line
    information: Literal["images", "external knowledge", "class names", "captions", "labels"]
    parameters: dict[str, Any]
    changed: dict[str, Any]
    preset: Name | None
    bits: Bits
    repetition: Whole
    seed: Whole
    limit: Annotated[int, Meta(ge=1)] | None
    protocol: Protocol
    protocol_card: Name
    features: Name
    features_dtype: Name
    features_weights: Name | None
    backbones: dict[str, str]
    codes: Pair
    items: Pair

    def __str__(self) -> str:
        repetition = f" #{self.repetition}" if self.repetition else ""
        return f"{self.method} {self.bits} bits on {self.protocol}{repetition}"

    @property
    def width(self) -> int:
        """Bytes of a code."""
        return -(-self.bits // 8)


class Card(Struct, frozen=True, forbid_unknown_fields=True):
    """What a submission says of itself."""

    format: Literal[1]
    hashbench: Name
    entries: Annotated[list[Entry], Meta(min_length=1, max_length=10_000, description="a list of 1 to 10,000 tables")]

    def files(self) -> dict[str, PackedFile]:
        """All files by name; entries may share some."""
        pairs = [pair for entry in self.entries for pair in (entry.codes, entry.items)]
        return {each.file: each for pair in pairs for each in (pair.query, pair.database)}


def read_card(content: bytes, archive: Path) -> Card:
    """The card in these bytes.

    Raises:
        UsageError: it is no JSON, is of another format, or a part is missing, unknown or of another kind.
    """
    name = f"{archive}: {CARD_FILE}"
    try:
        decoded = msgspec.json.decode(content)
    except (msgspec.DecodeError, RecursionError) as error:
        raise UsageError(f"{name} is no JSON ({error}); {WAY_OUT}") from None
    if isinstance(decoded, dict) and decoded.get("format") != FORMAT:
        raise UsageError(f"{name} is of format {decoded.get('format')!r}, wanted {FORMAT}; {WAY_OUT}")
    card = checked(decoded, Card, name, WAY_OUT)
    for pair in (pair for entry in card.entries for pair in (entry.codes, entry.items)):
        for each in (pair.query, pair.database):
            if card.files()[each.file] != each:
                raise UsageError(f"{name} has two sizes or sums for {each.file!r}; {WAY_OUT}")
    return card


def card_bytes(card: Card) -> bytes:
    """The card as JSON, readable."""
    return msgspec.json.format(msgspec.json.encode(card), indent=1) + b"\n"

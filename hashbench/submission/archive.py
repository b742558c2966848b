"""The archive of a submission, a zip: written the same for the same content, and read with nothing taken on trust.

Nothing in it is unpacked to disk, run or unpickled: its files are a JSON document and bytes of known length.
"""

import hashlib
import stat
import zipfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

from hashbench.data.archives import DAMAGE_ERRORS, points_outside
from hashbench.errors import UsageError
from hashbench.submission.card import CARD_FILE, LARGEST, LARGEST_CARD, WAY_OUT, Card, PackedFile, read_card
from hashbench.util.files import replacing

_SLACK_BYTES = 1 << 16  # of headers, beside what the files' own sizes allow
_MEMBER_BYTES = 1 << 10  # of a member's headers
_EPOCH = (1980, 1, 1, 0, 0, 0)


def write_archive(file: Path, contents: Mapping[str, bytes]) -> None:
    """Write a zip of these files; the same content gives the same bytes.

    Raises:
        StorageError: the folder cannot be written.
    """
    with replacing(file) as work, zipfile.ZipFile(work, "w", zipfile.ZIP_DEFLATED, compresslevel=9) as packed:
        for name, content in sorted(contents.items()):
            member = zipfile.ZipInfo(name, _EPOCH)
            member.external_attr = (stat.S_IFREG | 0o644) << 16
            member.compress_type = zipfile.ZIP_DEFLATED
            packed.writestr(member, content)


class Archive:
    """An opened submission: its card, and its files as they are asked for.

    Attributes:
        file: where it lies.
        card: what it says of itself.
    """

    def __init__(self, file: Path, packed: zipfile.ZipFile) -> None:
        self.file, self._packed = file, packed
        self._members = _checked_members(file, packed)
        self.card = read_card(self._read(CARD_FILE, LARGEST_CARD), file)
        _check_sizes(file, self._members, self.card)

    def content(self, wanted: PackedFile) -> bytes:
        """The bytes of one of its files, of the size and the sum that the card says.

        Raises:
            UsageError: they are others.
        """
        content = self._read(wanted.file, wanted.bytes)
        found = hashlib.sha256(content).hexdigest()
        if found != wanted.sha256:
            raise UsageError(
                f"{self.file}: {wanted.file!r} has sha256 {found[:16]}, its card says {wanted.sha256[:16]}; pack it "
                "anew with hashbench submit, and compare what was sent"
            )
        return content

    def _read(self, name: str, most: int) -> bytes:
        with _damage_named(self.file), self._packed.open(self._members[name]) as stream:
            content = stream.read(most + 1)
        if len(content) > most:
            raise UsageError(f"{self.file}: {name!r} has more than the {most:,} bytes that are allowed; {WAY_OUT}")
        return content


@contextmanager
def opened(file: Path) -> Iterator[Archive]:
    """A submission to read from.

    Raises:
        UsageError: it is no zip, is damaged, has members that point outside, are no plain files, or that the card does
            not name, or is bigger than its card says.
    """
    try:
        size = file.stat().st_size
    except OSError as error:
        raise UsageError(f"{file} cannot be read ({error.strerror}); name a file of hashbench submit") from None
    if size > LARGEST:
        raise UsageError(f"{file} has {size:,} bytes, wanted at most {LARGEST:,}; submit its methods one by one")
    with _damage_named(file), zipfile.ZipFile(file) as packed:
        yield Archive(file, packed)


@contextmanager
def _damage_named(file: Path) -> Iterator[None]:
    try:
        yield
    except (*DAMAGE_ERRORS, OSError, NotImplementedError) as error:
        raise UsageError(f"{file} is damaged or no zip ({error}); get it anew, or {WAY_OUT}") from None


def _checked_members(file: Path, packed: zipfile.ZipFile) -> dict[str, zipfile.ZipInfo]:
    members: dict[str, zipfile.ZipInfo] = {}
    for member in packed.infolist():
        name = member.filename
        if points_outside(name):
            raise UsageError(f"{file} has a file that points outside of its folder: {name!r}; nothing was read")
        if stat.S_IFMT(member.external_attr >> 16) not in (0, stat.S_IFREG) or member.is_dir():
            raise UsageError(f"{file} has {name!r}, which is no plain file; {WAY_OUT}")
        if name in members:
            raise UsageError(f"{file} has {name!r} twice; {WAY_OUT}")
        members[name] = member
    if CARD_FILE not in members:
        raise UsageError(f"{file} has no {CARD_FILE}, so it is no submission; {WAY_OUT}")
    return members


def _check_sizes(file: Path, members: Mapping[str, zipfile.ZipInfo], card: Card) -> None:
    """Check that the archive holds what its card names, in these sizes, and no more."""
    named = card.files()
    for name in sorted(members.keys() - named.keys() - {CARD_FILE}):
        raise UsageError(f"{file} is bigger than its card says: {name!r} is not on it; {WAY_OUT}")
    for name, wanted in named.items():
        if name not in members:
            raise UsageError(f"{file} has no {name!r}, which its card names; {WAY_OUT}")
        if members[name].file_size != wanted.bytes:
            size = members[name].file_size
            raise UsageError(f"{file}: {name!r} has {size:,} bytes, its card says {wanted.bytes:,}; {WAY_OUT}")
    total = members[CARD_FILE].file_size + sum(wanted.bytes for wanted in named.values())
    if total > LARGEST:
        raise UsageError(f"{file} holds {total:,} bytes, wanted at most {LARGEST:,}; submit its methods one by one")
    size, most = file.stat().st_size, total + total // 1000 + _MEMBER_BYTES * len(members) + _SLACK_BYTES
    if size > most:
        raise UsageError(f"{file} is bigger than its card says: {size:,} bytes, for files of {total:,}; {WAY_OUT}")

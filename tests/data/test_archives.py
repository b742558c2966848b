"""Archives are unpacked whole, or refused with one line before anything is written."""

import io
import stat
import tarfile
import zipfile
from collections.abc import Callable
from pathlib import Path

import pytest

from hashbench.data.archives import unpack
from hashbench.errors import UsageError

Member = tuple[str, bytes]
GOOD: list[Member] = [("set/a.txt", b"first"), ("set/deep/b.txt", bytes(range(256)) * 40)]


def write_zip(file: Path, members: list[Member]) -> Path:
    with zipfile.ZipFile(file, "w", zipfile.ZIP_DEFLATED) as packed:
        for name, content in members:
            packed.writestr(name, content)
    return file


def write_tar(file: Path, members: list[Member], mode: str = "w:gz") -> Path:
    with tarfile.open(file, mode) as tar:  # type: ignore[call-overload]
        for name, content in members:
            member = tarfile.TarInfo(name)
            member.size = len(content)
            tar.addfile(member, io.BytesIO(content))
    return file


def write_plain_tar(file: Path, members: list[Member]) -> Path:
    return write_tar(file, members, "w")


WRITERS = pytest.mark.parametrize("write", [write_zip, write_tar, write_plain_tar])
Writer = Callable[[Path, list[Member]], Path]


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "folder").mkdir()
    return tmp_path / "folder"


@WRITERS
def test_every_member_is_unpacked(tmp_path: Path, folder: Path, write: Writer) -> None:
    unpack(write(tmp_path / "archive", GOOD), folder)
    unpacked = {file.relative_to(folder).as_posix(): file.read_bytes() for file in folder.rglob("*") if file.is_file()}
    assert unpacked == dict(GOOD)


def test_a_tar_is_unpacked_by_a_python_without_filters(
    tmp_path: Path, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As Python 3.11.0 to 3.11.3, where extractall does not know the word."""
    extract_all = tarfile.TarFile.extractall

    def older(tar: tarfile.TarFile, path: Path) -> None:
        extract_all(tar, path)

    monkeypatch.delattr(tarfile, "data_filter", raising=False)
    monkeypatch.setattr(tarfile.TarFile, "extractall", older)
    unpack(write_tar(tmp_path / "archive", GOOD), folder)
    assert (folder / "set/a.txt").read_bytes() == b"first"


@WRITERS
@pytest.mark.parametrize("name", ["../out.txt", "set/../../out.txt", "/out.txt", "..\\out.txt", "C:\\out.txt", "C:out"])
def test_a_member_that_points_outside_is_named_and_nothing_is_written(
    tmp_path: Path, folder: Path, write: Writer, name: str
) -> None:
    archive = write(tmp_path / "archive", [*GOOD, (name, b"evil")])
    with pytest.raises(UsageError) as caught:
        unpack(archive, folder)
    assert str(caught.value) == (
        f"the archive {archive} has a member that points outside: {name!r}; nothing was unpacked"
    )
    assert list(folder.iterdir()) == []
    assert sorted(path.name for path in tmp_path.iterdir()) == ["archive", "folder"]


def test_names_with_dots_are_no_way_out(tmp_path: Path, folder: Path) -> None:
    unpack(write_zip(tmp_path / "a.zip", [("set/..a/b..txt", b"fine"), ("./c", b"fine")]), folder)
    assert (folder / "set" / "..a" / "b..txt").read_bytes() == b"fine"


@pytest.mark.parametrize("kind", [tarfile.SYMTYPE, tarfile.LNKTYPE, tarfile.CHRTYPE, tarfile.FIFOTYPE])
def test_links_and_devices_in_a_tar_are_refused(tmp_path: Path, folder: Path, kind: bytes) -> None:
    with tarfile.open(tmp_path / "a.tar", "w") as tar:
        tar.addfile(tarfile.TarInfo("before"))
        member = tarfile.TarInfo("set/odd")
        member.type, member.linkname = kind, "before"
        tar.addfile(member)
    with pytest.raises(UsageError, match=r"a\.tar has a member that is neither file nor folder: 'set/odd'"):
        unpack(tmp_path / "a.tar", folder)
    assert list(folder.iterdir()) == []


def test_links_in_a_zip_are_refused(tmp_path: Path, folder: Path) -> None:
    link = zipfile.ZipInfo("set/odd")
    link.create_system, link.external_attr = 3, (stat.S_IFLNK | 0o777) << 16
    with zipfile.ZipFile(tmp_path / "a.zip", "w") as packed:
        packed.writestr("before", b"")
        packed.writestr(link, "/etc/passwd")
    with pytest.raises(UsageError, match=r"a\.zip has a member that is neither file nor folder: 'set/odd'"):
        unpack(tmp_path / "a.zip", folder)
    assert list(folder.iterdir()) == []


def flipped(content: bytes) -> bytes:
    middle = len(content) // 2
    return content[:middle] + bytes([content[middle] ^ 255]) + content[middle + 1 :]


@pytest.mark.parametrize("write", [write_zip, write_tar])
@pytest.mark.parametrize("damage", [lambda content: content[:-60], flipped, lambda _: b"404 not found", lambda _: b""])
def test_a_damaged_archive_is_named_in_one_line(
    tmp_path: Path, folder: Path, write: Writer, damage: Callable[[bytes], bytes]
) -> None:
    archive = write(tmp_path / "archive", GOOD)
    archive.write_bytes(damage(archive.read_bytes()))
    with pytest.raises(UsageError, match=r"archive is damaged or no zip or tar \(.+\); get it anew") as caught:
        unpack(archive, folder)
    assert "\n" not in str(caught.value)


def test_the_sum_at_the_end_of_a_tar_gz_is_checked(tmp_path: Path, folder: Path) -> None:
    archive = write_tar(tmp_path / "a.tar.gz", GOOD)
    content = bytearray(archive.read_bytes())
    content[-8] ^= 1  # the lowest byte of the sum
    archive.write_bytes(content)
    with pytest.raises(UsageError, match=r"a\.tar\.gz is damaged .*CRC"):
        unpack(archive, folder)
    assert list(folder.iterdir()) == []


def test_an_encrypted_zip_is_refused_in_one_line(tmp_path: Path, folder: Path) -> None:
    content = bytearray(write_zip(tmp_path / "a.zip", GOOD[:1]).read_bytes())
    content[6] |= 1  # the flag, in the member's own header and in the directory
    content[content.index(b"PK\1\2") + 8] |= 1
    (tmp_path / "a.zip").write_bytes(content)
    with pytest.raises(UsageError, match=r"a\.zip is damaged or no zip or tar \(.*encrypted"):
        unpack(tmp_path / "a.zip", folder)


def test_a_folder_that_cannot_be_written_is_named(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("in the way")
    archive = write_zip(tmp_path / "a.zip", GOOD)
    with pytest.raises(UsageError, match=rf"a\.zip cannot be unpacked into {tmp_path / 'file'} \("):
        unpack(archive, tmp_path / "file")

"""Damaged TOML files, CSV files and lists: each is read, or refused in one line, and none writes outside its folder."""

import random
from pathlib import Path

import pytest

from hashbench.data.audit import audit
from hashbench.data.protocol_card import make_card
from hashbench.data.spec import open_dataset, protocol_id
from hashbench.errors import UsageError
from tests.datasets.nuswide_files import write_image

LONGEST = 1_500  # characters of a message
FILES = 240  # mutated ones in all
BITS = (
    b"\0",
    b"\xff",
    b"\xef\xbb\xbf",
    b"\xff\xfe",
    b"..",
    b"/",
    b"\\",
    b"'",
    b'"',
    b";",
    b",",
    b"|",
    b"\t",
    b"\r",
    b"\n",
)
WORDS = (
    b"0",
    b"1",
    b"-1",
    b"1e400",
    b"9" * 400,
    b"[",
    b"]",
    b"{",
    b"}",
    b"=",
    b"#",
    "é".encode(),
    b" " * 50,
    b"x" * 300,
)
CSV = b"path,labels,split\n0.jpg,owl;jay,query\n1.jpg,jay,train+database\n2.jpg,owl,train+database\n3.jpg,,database\n"
LISTS = {
    "database.txt": b"0.jpg 0\n1.jpg 17\n2.jpg 3\n",
    "test.txt": b"3.jpg 17\n",
    "train_img.txt": b"1.jpg\n2.jpg\n",
    "train_label.txt": b"17\n3\n",
}
KINDS = {
    "csv": b'name = "birds"\nimages = "."\ncsv = "labels.csv"\ncutoff = 5\n',
    "lists": b'lists = "."\nlabels = "class-numbers"\nclasses = "names.txt"\n',
}
NAMES = b"".join(b"bird %d\n" % number for number in range(18))


def mutated(text: bytes, rng: random.Random) -> bytes:
    """The text after one to four changes."""
    content = bytearray(text)
    for _ in range(rng.randint(1, 4)):
        at = rng.randrange(len(content) + 1)
        match rng.randrange(5):
            case 0:
                content[at:at] = rng.choice(BITS + WORDS)
            case 1:
                del content[at : at + rng.randint(1, 12)]
            case 2:
                content[at : at + 1] = bytes([rng.randrange(256)])
            case 3:
                content[at:at] = content[: rng.randint(1, 60)]
            case 4:
                content[at:] = b""
    return bytes(content)


@pytest.mark.parametrize("kind", KINDS)
def test_damaged_files_are_read_or_refused_in_one_line(
    tmp_path: Path, kind: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HASHBENCH_CACHE", str(tmp_path / "cache"))
    rng, folder = random.Random(kind), tmp_path / "set"
    for number in range(4):
        write_image(folder / f"{number}.jpg", 60 * number)
    whole = {"set.toml": KINDS[kind], **({"labels.csv": CSV} if kind == "csv" else {**LISTS, "names.txt": NAMES})}
    read, refusals = 0, list[str]()
    for _ in range(FILES // len(KINDS)):
        victim = rng.choice(list(whole))
        for name, text in whole.items():
            (folder / name).write_bytes(mutated(text, rng) if name == victim else text)
        try:
            dataset = open_dataset(f"folder:{folder}/set.toml", tmp_path)
            card, split = make_card(dataset, protocol_id("folder:x", dataset))
            audit(dataset, card, split, tmp_path / "cache")
            read += 1
        except UsageError as error:
            refusals.append(str(error))
    assert read
    assert refusals
    assert [line for line in refusals if "\n" in line or len(line) > LONGEST] == []
    assert sorted(entry.name for entry in tmp_path.iterdir()) == ["cache", "set"]
    assert {entry.name for entry in folder.iterdir()} == {*whole, *(f"{number}.jpg" for number in range(4))}

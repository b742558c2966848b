"""Accepting: everything is checked before anything is written, and scores are those of the codes."""

import shutil
import struct
import zipfile
from collections.abc import Callable
from pathlib import Path

import jsonschema
import numpy as np
import pytest

from hashbench.errors import UsageError
from hashbench.records.results import results as read
from hashbench.records.schema import schema
from hashbench.reporting.leaderboard.caption import caption
from hashbench.reporting.leaderboard.tables import tables
from hashbench.submission.accept import accept
from tests.submission.packing import CardFields, Contents, card, contents, entry, put, repacked

Change = Callable[[Contents, CardFields], None]


def test_scores_are_those_of_the_codes_and_stand_apart_from_runs(archive: Path, results: Path, tmp_path: Path) -> None:
    accepted = accept(archive, tmp_path / "pub", device="cpu")
    assert [path.name for path in (tmp_path / "pub").iterdir()] == ["submitted"]
    scored = {record["trial"]["method"]: record for record in read(results).records}
    for each in accepted:
        jsonschema.validate(each.record, schema("record"))
        assert each.record["metrics"] == scored[each.entry.method]["metrics"]
        assert each.record["variant"]["codes"] == "submitted, not reproduced"
        assert each.before is None
    assert {row.label for table in tables(read(tmp_path / "pub/submitted")) for row in table.methods} == {
        "mine [codes=submitted, not reproduced]",
        "classes [codes=submitted, not reproduced]",
    }


def test_codes_that_equal_the_classes_are_flagged_in_record_and_table(archive: Path, tmp_path: Path) -> None:
    accepted = {each.entry.method: each for each in accept(archive, tmp_path / "pub", device="cpu")}
    assert (accepted["classes"].flagged, accepted["mine"].flagged) == (True, False)
    line = "100% of its items have the one code of their classes; codes alone prove no method"
    assert accepted["classes"].record["remark"] == line
    captions = [" ".join(caption(table)) for table in tables(read(tmp_path / "pub/submitted"))]
    assert [f"classes: {line}." in text for text in captions] == [False, True]
    assert all("codes that others submitted, scored here" in text for text in captions)


def test_the_same_submission_again_changes_nothing_and_says_so(archive: Path, tmp_path: Path) -> None:
    first = accept(archive, tmp_path / "pub", device="cpu")
    again = accept(archive, tmp_path / "pub", device="cpu")
    assert [each.before for each in again] == [each.headline for each in first]
    assert len(read(tmp_path / "pub/submitted")) == 4  # two methods, and the floor of each table


def test_labels_and_figures_of_the_file_are_never_read(archive: Path, tmp_path: Path) -> None:
    def claims(_: Contents, fields: CardFields) -> None:
        entry(fields)["parameters"] |= {"map@1000": 0.99, "codes": "trained"}

    changed = repacked(archive, tmp_path / "mine.zip", claims)
    (mine,) = [each for each in accept(changed, tmp_path / "pub", device="cpu") if each.entry.method == "mine"]
    assert mine.headline < 0.2
    assert mine.record["trial"]["parameters"]["codes"] == "submitted, not reproduced"


def other_byte(found: Contents, fields: CardFields) -> None:
    name = entry(fields)["codes"]["query"]["file"]
    found[name] = bytes([found[name][0] ^ 16]) + found[name][1:]


def other_items(found: Contents, fields: CardFields) -> None:
    numbers = np.frombuffer(found[entry(fields)["items"]["query"]["file"]], dtype="<i8").copy()
    numbers[-1] = 99_999
    put(found, fields, "items", "query", numbers.tobytes())


def fewer_items(found: Contents, fields: CardFields) -> None:
    put(found, fields, "items", "query", found[entry(fields)["items"]["query"]["file"]][:-8])
    put(found, fields, "codes", "query", found[entry(fields)["codes"]["query"]["file"]][:-2])


def twice_an_item(found: Contents, fields: CardFields) -> None:
    numbers = np.frombuffer(found[entry(fields)["items"]["query"]["file"]], dtype="<i8").copy()
    numbers[1] = numbers[0]
    put(found, fields, "items", "query", numbers.tobytes())


def half_an_item(found: Contents, fields: CardFields) -> None:
    put(found, fields, "items", "query", found[entry(fields)["items"]["query"]["file"]][:-1])


def longer_file(found: Contents, fields: CardFields) -> None:
    found[entry(fields)["codes"]["query"]["file"]] += b"x"


def another_file(found: Contents, _: CardFields) -> None:
    found["images/cat.jpg"] = b"x"


def lost_file(found: Contents, fields: CardFields) -> None:
    del found[entry(fields)["codes"]["query"]["file"]]


def outside(found: Contents, _: CardFields) -> None:
    found["../evil.bin"] = b"x"


def absolute(found: Contents, _: CardFields) -> None:
    found["/etc/evil"] = b"x"


def on_windows(found: Contents, _: CardFields) -> None:
    found["C:\\evil"] = b"x"


def padding(found: Contents, fields: CardFields) -> None:
    content = bytearray(found[entry(fields)["codes"]["query"]["file"]])
    content[1] |= 1
    put(found, fields, "codes", "query", bytes(content))


def fewer_codes(found: Contents, fields: CardFields) -> None:
    put(found, fields, "codes", "query", found[entry(fields)["codes"]["query"]["file"]][:-2])


def put_field(name: str, value: object) -> Change:
    def change(_: Contents, fields: CardFields) -> None:
        entry(fields)[name] = value

    return change


def twice_an_entry(_: Contents, fields: CardFields) -> None:
    fields["entries"].append(entry(fields))


def next_format(_: Contents, fields: CardFields) -> None:
    fields["format"] = 2


def two_sums(_: Contents, fields: CardFields) -> None:
    fields["entries"][0]["items"]["query"] = {**fields["entries"][0]["items"]["query"], "bytes": 7}


REFUSED: dict[Change, str] = {
    other_byte: r"'codes/\w+\.bin' has sha256 \w{16}, its card says \w{16}; pack it anew",
    other_items: r"mine 12 bits on .*: query_items has item 99999, which digits/holdout-200 does not have there",
    fewer_items: r"mine 12 bits .*: query_codes have 199 rows, digits/holdout-200 has 200 items there",
    twice_an_item: r"mine 12 bits .*: query_items has \d+ 2 times, wanted each item once",
    half_an_item: r"mine 12 bits .*: query_items have 1,599 bytes, wanted 8 for each item",
    longer_file: r"'codes/\w+\.bin' has 401 bytes, its card says 400",
    another_file: r"is bigger than its card says: 'images/cat.jpg' is not on it",
    lost_file: r"has no 'codes/\w+\.bin', which its card names",
    outside: r"has a file that points outside of its folder: '\.\./evil\.bin'; nothing was read",
    absolute: r"has a file that points outside of its folder: '/etc/evil'; nothing was read",
    on_windows: r"has a file that points outside of its folder: 'C:.*evil'; nothing was read",
    padding: r"mine 12 bits .*: codes: padding bits behind bit 12 are set, wanted zeros",
    fewer_codes: r"mine 12 bits .*: query_codes have 398 bytes, wanted 2 for each of the 200 items",
    put_field("protocol_card", "0" * 16): r"is of the protocol card 0{16}, here it is c3bc9b15972ad5fe",
    put_field("protocol", "digits/none"): r"mine 12 bits .*: no protocol digits/none",
    put_field("protocol", "*/*"): r"entries\[1\].protocol is '\*/\*', wanted a protocol such as",
    put_field("protocol", "folder:/etc/passwd"): r"entries\[1\].protocol is 'folder:/etc/passwd', wanted a protocol",
    put_field("method", "reference-float"): r"has the name of a reference trial; choose another",
    put_field("method", "mine\n# won"): r"entries\[1\].method is .*, wanted 1 to 80 printable characters",
    put_field("bits", 4097): r"entries\[1\].bits is 4097, wanted a code length from 1 to 4096",
    put_field("information", "nothing"): r"entries\[1\].information is 'nothing', wanted 'images' or",
    put_field("labels", [1]): r"entries\[1\]: no key named 'labels'",
    twice_an_entry: r"mine 12 bits on digits/holdout-200 is there twice; submit each once",
    next_format: r"card.json is of format 2, wanted 1",
    two_sums: r"card.json has two sizes or sums for 'items/",
}


@pytest.mark.parametrize("change", REFUSED, ids=lambda change: change.__qualname__)
def test_a_faulty_submission_is_refused_with_a_line_and_nothing_is_written(
    change: Change, archive: Path, tmp_path: Path
) -> None:
    changed = repacked(archive, tmp_path / "mine.zip", change)
    with pytest.raises(UsageError, match=REFUSED[change]) as refused:
        accept(changed, tmp_path / "pub", device="cpu")
    assert str(refused.value).startswith(str(changed))
    assert not (tmp_path / "pub").exists()


def test_an_archive_with_more_bytes_than_its_files_need_is_refused(archive: Path, tmp_path: Path) -> None:
    longer = tmp_path / "mine.zip"
    longer.write_bytes(b"\0" * 200_000 + archive.read_bytes())
    with pytest.raises(UsageError, match=r"is bigger than its card says: 2\d\d,\d{3} bytes, for files of \d+,\d{3}"):
        accept(longer, tmp_path / "pub", device="cpu")


def test_an_archive_whose_directory_lies_about_sizes_is_refused(archive: Path, tmp_path: Path) -> None:
    found = contents(archive)
    name = entry(card(found))["codes"]["database"]["file"]
    size = len(found[name])
    found[name] = found[name] * 1000
    bomb = repacked(archive, tmp_path / "mine.zip", lambda files, _: files.update(found))
    content = bytearray(bomb.read_bytes())
    place = content.rindex(name.encode()) - 46
    content[place + 24 : place + 28] = struct.pack("<I", size)
    bomb.write_bytes(bytes(content))
    with pytest.raises(UsageError, match=r"mine\.zip is damaged or no zip|more than the|has sha256"):
        accept(bomb, tmp_path / "pub", device="cpu")


@pytest.mark.parametrize("content", [b"", b"PK\x05\x06", b"no zip at all", b"\x80\x04K\x01."])
def test_what_is_no_zip_is_refused(content: bytes, tmp_path: Path) -> None:
    file = tmp_path / "mine.zip"
    file.write_bytes(content)
    with pytest.raises(UsageError, match=r"mine\.zip is damaged or no zip"):
        accept(file, tmp_path / "pub", device="cpu")


def test_links_and_doubles_are_refused(archive: Path, tmp_path: Path) -> None:
    linked, doubled = tmp_path / "linked.zip", tmp_path / "doubled.zip"
    for file in (linked, doubled):
        shutil.copy(archive, file)
    link = zipfile.ZipInfo("codes/link.bin")
    link.external_attr = 0o120777 << 16
    with zipfile.ZipFile(linked, "a") as packed:
        packed.writestr(link, "/etc/passwd")
    with zipfile.ZipFile(doubled, "a") as packed, pytest.warns(UserWarning, match="Duplicate"):
        packed.writestr("card.json", "{}")
    with pytest.raises(UsageError, match=r"has 'codes/link\.bin', which is no plain file"):
        accept(linked, tmp_path / "pub", device="cpu")
    with pytest.raises(UsageError, match=r"has 'card\.json' twice"):
        accept(doubled, tmp_path / "pub", device="cpu")


def test_a_zip_without_a_card_is_no_submission(tmp_path: Path) -> None:
    with zipfile.ZipFile(tmp_path / "mine.zip", "w") as packed:
        packed.writestr("codes.npz", b"x")
    with pytest.raises(UsageError, match=r"has no card\.json, so it is no submission"):
        accept(tmp_path / "mine.zip", tmp_path / "pub", device="cpu")

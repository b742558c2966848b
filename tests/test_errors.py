"""Messages for the user stay one line, whatever they quote."""

import pickle

import pytest

from hashbench.errors import UsageError, one_line


@pytest.mark.parametrize(
    ("text", "line"),
    [
        ("a\nb\r\n", "a\\nb\\r\\n"),
        ("\x1b[31mred\x9b", "\\x1b[31mred\\x9b"),
        ("two\u2028lines", "two\\u2028lines"),
        ("naïve 照片.jpg 'it''s'", "naïve 照片.jpg 'it''s'"),
    ],
)
def test_control_characters_are_escaped_and_all_else_stays(text: str, line: str) -> None:
    assert one_line(text) == line
    assert str(UsageError(text)) == line


def test_a_long_value_is_cut_and_its_length_said() -> None:
    message = str(UsageError(f"labels.csv:2: split is {'x' * 100_000!r}, wanted query"))
    assert len(message) < 400
    assert message.startswith("labels.csv:2: split is 'xxx")
    assert message.endswith("... (100,003 characters) wanted query")


def test_a_path_of_many_folders_stays_whole() -> None:
    path = "/" + "/".join(["folder"] * 50)
    assert str(UsageError(f"{path} is not there")) == f"{path} is not there"


def test_an_error_survives_the_way_from_another_process() -> None:
    error = pickle.loads(pickle.dumps(UsageError("no method named 'x'")))
    assert str(error) == "no method named 'x'"

"""The leaderboard as CSV: a column says what its numbers count."""

from hashbench.records.results import Results
from hashbench.reporting.leaderboard.csv_file import lines
from hashbench.reporting.leaderboard.tables import tables
from tests.reporting.figures.test_figures_of_vectors import HARDWARE
from tests.reporting.made_records import make_record

RATES = {"median": 100.0, "q1": 100.0, "q3": 100.0}


def encode_columns(kind: str, **card: object) -> dict[str, object]:
    """The columns of encoding of a row whose rates are ``kind``."""
    record = make_record("itq", 16, 0.5, card=card)
    encode = {"images_per_s": None, "features_per_s": None, kind: RATES}
    measured = {"key": record["key"], "hardware": HARDWARE, "encode": encode, "search": {}}
    (line,) = lines(tables(Results((record,), (measured,))))
    return {name: value for name, value in line.items() if name.startswith("encode")}


def test_vectors_per_second_do_not_stand_under_images_per_second() -> None:
    assert encode_columns("images_per_s") == {"encode_images_per_s": 100.0}
    assert encode_columns("features_per_s", vectors={"zero": 0}) == {
        "encode_images_per_s": None,
        "encode_vectors_per_s": 100.0,
    }

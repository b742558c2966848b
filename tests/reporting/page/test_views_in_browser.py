"""Views of the page that put rows together anew: code lengths, relevance, features; links to them and files."""

import csv
import io
import json
import re
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from hashbench.records.results import results
from hashbench.records.store import Record
from hashbench.records.trial_spec import FLOAT_FEATURES
from hashbench.reporting.leaderboard.tables import tables
from hashbench.reporting.page import html
from tests.reporting.made_records import make_record, write_records
from tests.reporting.page.view import View, drawn, opened

pytestmark = pytest.mark.slow

BITS = (16, 32, 64)
QUERIES = np.random.default_rng(0).beta(0.5, 1, 200)
NOISE = np.random.default_rng(1).normal(0, 0.1, (5, 200))
# How much better than the queries are hard, by code length: a and b cross at 64 bits, e lacks 64 bits.
ROWS = {
    "a": {16: 0.30, 32: 0.31, 64: 0.32},
    "b": {16: 0.295, 32: 0.305, 64: 0.42},
    "c": {16: 0.20, 32: 0.2, 64: 0.2},
    "=d": {16: 0.1, 32: 0.2, 64: 0.1},
    "e": {16: 0.4, 32: 0.41},
}
NEIGHBOURS = {"relevance": {"kind": "neighbours", "distance": "l2", "k": 100}, "id": "d" * 16}


def _records() -> Iterator[tuple[Record, Any]]:
    for number, (method, better) in enumerate(ROWS.items()):
        for bits, more in better.items():
            values = QUERIES + more + NOISE[number]
            yield make_record(method, bits, float(values.mean())), values
    for method, value in (("a", 0.3), ("c", 0.35)):
        other = make_record(method, 16, value)
        other["trial"]["features"] = "gist"
        yield other, None
    sizes = (("a", 16, 0.4, 2), ("b", 16, 0.3, 2), ("b", 64, 0.6, 8), (FLOAT_FEATURES, None, 1.0, 512))
    for method, length, recall, size in sizes:
        record = make_record(method, length, 0.55 if method == "b" else 0.5, protocol="vectors/all", card=NEIGHBOURS)
        record |= {"bytes_per_item": size, "reference": method == FLOAT_FEATURES}
        record["metrics"] |= {"neighbours/recall@10": recall, "neighbours/m@95": 7.0}
        yield record, None


# What browsers of 2020 did not have.
WITHOUT_NEWER = """
for (const [owner, names] of [
  [globalThis, ['structuredClone']], [Map, ['groupBy']], [Object, ['groupBy', 'hasOwn']], [Array, ['fromAsync']],
  [Array.prototype, ['at', 'findLast', 'findLastIndex', 'toSorted', 'toReversed', 'toSpliced', 'with']],
  [String.prototype, ['at']],
  [Set.prototype, ['union', 'intersection', 'difference', 'symmetricDifference', 'isSubsetOf', 'isDisjointFrom']],
]) names.forEach((name) => delete owner[name]);
"""


@pytest.fixture(scope="module")
def file(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("views") / "results"
    records, values = zip(*_records(), strict=True)
    content = results(write_records(folder, records, values).root)
    target = folder / "leaderboard.html"
    target.write_text(html(tables(content), content), encoding="utf-8")
    return target


@pytest.fixture
def visit(browser: Any, file: Path) -> Iterator[Callable[..., View]]:
    views = []

    def visited(address: str = "", **options: Any) -> View:
        views.append(opened(browser, file.as_uri() + address, options))
        return views[-1]

    yield visited
    for view in views:
        assert view.errors == []
        view.page.context.close()


def board(view: View, title: str = "digits/holdout-200 features pixels") -> Any:
    return view.page.locator("section.table", has=view.page.get_by_role("heading", name=title, exact=True))


def ranks(section: Any) -> list[tuple[str, str]]:
    """Labels with their ranks, from the top, of the rows that are shown."""
    rows = section.locator("tr[data-row]:visible")
    texts = [row.locator(".place, .label").all_inner_texts() for row in rows.all()]
    return [(label, rank) for rank, label in texts]


def brackets(section: Any) -> list[set[str]]:
    """The labels that each bracket joins."""
    joined: dict[tuple[str, int], set[str]] = {}
    count: dict[str, int] = {}
    for row in section.locator("tbody.ranked tr[data-row]:visible").all():
        for lane in row.locator(".lane").all():
            number, kinds = lane.get_attribute("data-lane"), lane.get_attribute("class").split()
            count[number] = count.get(number, 0) + ("first" in kinds)
            if "member" in kinds:
                joined.setdefault((number, count[number]), set()).add(row.locator(".label").inner_text())
    return list(joined.values())


def test_rows_that_are_complete_in_the_chosen_columns_are_ranked_there(visit: Callable[..., View]) -> None:
    section = board(visit())
    assert ranks(section)[:5] == [("b", "–"), ("a", "–"), ("c", "–"), ("=d", "–"), ("e", "–")]
    section = board(visit("#bits=16,32"))
    assert ranks(section)[:5] == [("e", "1"), ("a", "2"), ("b", "2"), ("c", "4"), ("=d", "4")]
    assert section.locator("tbody.unranked").is_hidden()
    assert "told apart in the same direction at each of them" in section.locator(".ranked-by").inner_text()


def test_rows_that_cannot_be_told_apart_are_joined_by_a_bracket(visit: Callable[..., View]) -> None:
    view = visit("#bits=16,32")
    assert brackets(board(view)) == [{"a", "b"}, {"c", "=d"}]
    titles = [cell.get_attribute("title") for cell in board(view).locator("tbody.ranked td.rank").all()]
    assert titles == [None, *(f"Cannot be told apart from {other}" for other in ("b", "a", "=d", "c"))]
    view.page.get_by_role("searchbox", name="Methods").fill("a,c,=d")
    assert brackets(board(view)) == [{"c", "=d"}]
    board(view).locator("th[data-sort='16'] button").click()
    assert brackets(board(view)) == []
    assert board(visit("#bits=32")).locator(".ties-key").is_visible()


@pytest.mark.parametrize("width", [1280, 390])
def test_brackets_stand_beside_the_ranks_and_not_on_them(visit: Callable[..., View], width: int) -> None:
    section = board(visit("#bits=16,32", viewport={"width": width, "height": 800}))
    rows = [row for row in section.locator("tbody.ranked tr[data-row]:visible").all() if row.locator(".lane").count()]
    assert len(rows) == 4
    for row in rows:
        place, label = (row.locator(name).bounding_box() for name in (".place", ".label"))
        for lane in row.locator(".lane").all():
            assert place["x"] + place["width"] <= lane.bounding_box()["x"]
            assert lane.bounding_box()["x"] + lane.bounding_box()["width"] <= label["x"]


def test_one_chosen_column_has_the_ranks_of_its_own_comparisons(visit: Callable[..., View]) -> None:
    assert ranks(board(visit("#bits=16")))[:5] == [("e", "1"), ("a", "2"), ("b", "2"), ("c", "4"), ("=d", "5")]
    assert ranks(board(visit("#bits=64")))[:4] == [("b", "1"), ("a", "2"), ("c", "3"), ("=d", "4")]


def test_the_kinds_of_relevance_are_chosen_for_all_tables_and_never_mixed(visit: Callable[..., View]) -> None:
    view = visit()
    shown = view.page.locator("section.table:visible caption .what")
    assert shown.all_inner_texts() == ["mAP@1000", "mAP@1000", "neighbours' recall@10"]
    relevant = view.page.locator("#relevance")
    relevant.select_option("neighbours")
    assert shown.all_inner_texts() == ["neighbours' recall@10"]
    relevant.select_option("labels")
    assert shown.all_inner_texts() == ["mAP@1000"] * 3
    section = board(view, "vectors/all features pixels")
    assert [label for label, _ in ranks(section)[:2]] == ["b", "a"]
    assert "items of the same class" in section.locator("caption").inner_text()
    assert "not tested" in section.locator(".ranked-by").inner_text()
    view.page.get_by_label("Shown").select_option("neighbours/recall@10")
    assert relevant.input_value() == ""


def test_recall_is_drawn_against_bytes_where_neighbours_are_relevant(visit: Callable[..., View]) -> None:
    view = visit()
    drawn(view)
    titles = view.page.locator("figure:visible h4").all_inner_texts()
    assert titles.count("Neighbours' recall@10 against bytes per item") == 1
    figure = view.page.locator("figure", has_text="against bytes per item").locator("visible=true")
    figure.locator("summary").click()
    figure.locator("tbody").wait_for()
    rows = figure.locator("tbody tr").all_inner_texts()
    assert [re.sub(r"\s+", " ", row) for row in rows] == [
        "b 2 bytes (16 bits): neighbours' recall@10 0.300",
        "b 8 bytes (64 bits): neighbours' recall@10 0.600",
        "a 2 bytes (16 bits): neighbours' recall@10 0.400",
        f"{FLOAT_FEATURES} 512 bytes: neighbours' recall@10 1.000",
    ]


def test_features_are_compared_at_a_fixed_method(visit: Callable[..., View]) -> None:
    view = visit()
    view.page.get_by_label("features", exact=True).check(force=True)
    view.page.get_by_label("Of the method").select_option("c")
    assert view.page.locator("section.table:visible").count() == 0
    rows = view.page.locator("#by-features tbody tr").all_inner_texts()
    assert [row.split()[:2] for row in rows] == [["1", "pixels"], ["–", "gist"]]
    view.page.get_by_label("16", exact=True).check(force=True)
    for bits in ("32", "64"):
        view.page.get_by_label(bits, exact=True).first.uncheck(force=True)
    rows = view.page.locator("#by-features tbody tr").all_inner_texts()
    c = float((QUERIES + 0.2 + NOISE[2]).mean())
    assert [row.split()[:2] for row in rows] == [["1", "pixels"], ["2", "gist"]]
    assert f"{c:.3f}" in rows[0]
    again = visit(view.evaluate("location.hash"))
    assert again.page.locator("#by-features tbody tr").all_inner_texts() == rows
    again.page.locator("#by-features button.cell").last.click()
    assert "gist" in again.page.locator("#record").inner_text()


def test_a_browser_without_newer_functions_shows_all_of_it(visit: Callable[..., View]) -> None:
    view = visit("#bits=16,32")
    view.page.add_init_script(WITHOUT_NEWER)
    view.page.reload()
    assert view.evaluate("Map.groupBy === undefined && [].at === undefined")
    assert view.errors == []
    drawn(view)
    assert brackets(board(view)) == [{"a", "b"}, {"c", "=d"}]
    board(view).locator("button.cell").first.click()
    view.page.keyboard.press("Escape")
    view.page.get_by_label("features", exact=True).check(force=True)
    assert view.page.locator("#by-features tbody tr").count() == 2
    assert downloaded(view, "CSV")


def test_a_view_survives_the_list_of_tables_and_is_copied_as_a_link(visit: Callable[..., View]) -> None:
    view = visit("#bits=16", permissions=["clipboard-read", "clipboard-write"])
    view.page.locator(".contents a").last.click()
    assert board(view).locator("th[data-bits]:visible").all_inner_texts() == ["16 bits"]
    view.page.get_by_role("button", name="Copy link").click()
    view.page.get_by_role("button", name="Copied").wait_for()
    link = view.evaluate("navigator.clipboard.readText()")
    assert "bits=16&table=" in link
    other = visit("#" + link.partition("#")[2])
    other.page.wait_for_function("() => scrollY > 0")
    assert board(other).locator("th[data-bits]:visible").all_inner_texts() == ["16 bits"]


def downloaded(view: View, name: str) -> str:
    with view.page.expect_download() as started:
        view.page.get_by_role("button", name=name, exact=True).click()
    assert started.value.suggested_filename == f"leaderboard.{name.lower()}"
    return Path(started.value.path()).read_text()


def test_what_is_shown_is_a_file_to_keep(visit: Callable[..., View]) -> None:
    view = visit("#bits=16,32&features=pixels&methods=e,d,float")
    lines = list(csv.DictReader(io.StringIO(downloaded(view, "CSV"))))
    shown = [(line["protocol"], line["row"], line["bits"], line["rank"]) for line in lines]
    rows = [("e", "1"), ("'=d", "4")]  # a spreadsheet takes it for text
    assert shown[:4] == [("digits/holdout-200", row, bits, rank) for row, rank in rows for bits in ("16", "32")]
    assert lines[0]["best"] == "true"
    assert float(lines[0]["mean"]) == pytest.approx((QUERIES + 0.4 + NOISE[4]).mean(), abs=1e-9)
    assert (lines[0]["measure"], lines[0]["relevance"], lines[0]["card"]) == ("map@1000", "labels", "c" * 16)
    whole = json.loads(downloaded(view, "JSON"))
    assert [cell["row"] for cell in whole["cells"]] == [line["row"].lstrip("'") for line in lines]
    assert whole["view"] == view.evaluate("location.hash")
    assert {measure["id"] for measure in whole["measures"]} == {line["measure"] for line in lines}


@pytest.mark.parametrize("address", ["", "#view=features", "#relevance=neighbours"])
def test_every_table_of_a_phone_scrolls_in_a_box_of_its_own(visit: Callable[..., View], address: str) -> None:
    view = visit(address, viewport={"width": 390, "height": 844}, is_mobile=True, has_touch=True)
    assert view.evaluate("document.documentElement.scrollWidth") <= 390
    view.evaluate("document.querySelectorAll('table').forEach((table) => { table.style.minWidth = '900px'; })")
    tables_shown = "[...document.querySelectorAll('table')].filter((table) => table.offsetParent)"
    boxes = f"{tables_shown}.map((table) => table.parentNode)"
    assert view.evaluate(f"{boxes}.every((box) => box.scrollWidth > box.clientWidth && box.clientWidth < 390)")
    assert view.evaluate(f"{boxes}.every((box) => getComputedStyle(box).backgroundImage.includes('gradient'))")
    assert view.evaluate("document.documentElement.scrollWidth") <= 390

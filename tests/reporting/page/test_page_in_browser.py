"""The HTML page in a headless Chromium: opened from disk, used by mouse, keyboard and on a phone."""

import copy
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from hashbench.records.results import results
from hashbench.records.store import to_json
from hashbench.records.trial_spec import RANDOM_CODES
from hashbench.reporting.leaderboard.tables import tables
from hashbench.reporting.page import html
from tests.reporting.made_records import failed, make_record
from tests.reporting.many_records import write_many
from tests.reporting.page.view import View, drawn
from tests.reporting.page.view import opened as opened_at

playwright = pytest.importorskip("playwright.sync_api", reason="playwright is not installed (pip install '.[dev]')")

pytestmark = pytest.mark.slow

HOSTILE = "<script>window.hit = 1</script><img src=x onerror='window.hit = 1'>"
PHONE = {"width": 390, "height": 844}
METHODS = 12


@pytest.fixture(scope="module")
def file(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A page of two tables: twelve methods, then one with a hostile name, a failure and other features."""
    folder = tmp_path_factory.mktemp("page") / "results"
    write_many(folder, METHODS, 3, bits=(16, 32, 64))
    hostile = make_record("itq", 16, 0.5, protocol="digits/other")
    hostile["trial"] |= {"method": HOSTILE, "features": "gist"}
    hostile["provenance"]["command"] = f"hashbench run --methods '{HOSTILE}'"
    broken = copy.deepcopy(hostile)
    broken |= {"key": "e" * 16}
    broken["trial"]["bits"] = 32
    broken = failed(broken)
    broken["error"]["message"] = "out of luck " * 100_000
    between = copy.deepcopy(hostile)  # to three decimals .356, by way of six .3555 and .355
    between |= {"key": "d" * 16}
    between["trial"]["method"] = "between"
    between["metrics"]["map@1000"] = 0.35550012
    for record in (hostile, broken, between):
        (folder / f"records/{record['key']}.json").write_bytes(to_json(record))
    content = results(folder)
    target = folder / "leaderboard.html"
    target.write_text(html(tables(content), content), encoding="utf-8")
    return target


@pytest.fixture
def visit(browser: Any, file: Path) -> Iterator[Callable[..., View]]:
    """Opens the page at an address, in a new context with these options."""
    contexts = []

    def opened(address: str = "", **options: Any) -> View:
        view = opened_at(browser, file.as_uri() + address, options)
        contexts.append(view.page.context)
        return view

    yield opened
    for context in contexts:
        context.close()


@pytest.fixture
def view(visit: Callable[..., View]) -> Iterator[View]:
    page = visit()
    yield page
    assert page.errors == []


def test_it_opens_from_disk_without_errors_and_asks_for_nothing_else(view: View, file: Path) -> None:
    drawn(view)
    asked = [url for url in view.grids if not url.startswith("data:")]
    assert asked == [file.as_uri()]
    assert view.evaluate("getComputedStyle(document.querySelector('.filters')).display") == "flex"


def test_a_hostile_name_is_shown_and_not_executed(view: View) -> None:
    drawn(view)
    row = view.page.locator("th[scope=row]", has_text="window.hit")
    assert HOSTILE in row.first.inner_text()
    row.locator("xpath=..").locator("button.cell").first.click()
    assert HOSTILE in view.page.locator("#record-title").inner_text()
    assert HOSTILE in view.page.locator("#record pre").inner_text()
    assert view.evaluate("window.hit") is None
    assert view.page.locator("main img, dialog img").count() == 0


def test_a_long_error_is_shortened_in_the_page_and_in_the_dialog(view: View) -> None:
    assert len(view.page.locator(".failures li").inner_text()) < 1_000
    view.page.get_by_role("button", name="timeout").click()
    assert "(1,200,000 characters)" in view.page.locator(".troubles").inner_text()


def test_the_figures_of_the_script_are_those_that_the_page_came_with(visit: Callable[..., View]) -> None:
    bare = visit(java_script_enabled=False)
    live = visit()
    cells = "table.board tbody"
    plain, scripted = (each.page.locator(cells).all_inner_texts() for each in (bare, live))
    assert [text.split() for text in plain] == [text.split() for text in scripted]
    assert bare.page.locator("noscript").inner_text().startswith("Sorting")


def test_columns_sort_by_click_and_by_key_and_say_so(view: View) -> None:
    board = view.page.locator("table.board").first
    ranks = [int(text) for text in view.column(1)[:METHODS]]  # rows that cannot be told apart share one
    assert ranks == sorted(ranks)
    assert (ranks[0], len(set(ranks)) > METHODS / 2) == (1, True)
    head = board.locator("th[data-sort='32'] button")
    head.click()
    values = view.numbers(4)
    assert values == sorted(values, reverse=True)
    assert len(values) == METHODS
    assert board.locator("th[aria-sort]").evaluate_all("nodes => nodes.map(n => n.dataset.sort + n.ariaSort)") == [
        "32descending"
    ]
    head.focus()
    view.page.keyboard.press("Enter")
    assert view.numbers(4) == sorted(values)
    assert board.locator("th[data-sort='32']").get_attribute("aria-sort") == "ascending"
    assert "ascending" in view.page.locator("#live").inner_text()
    board.locator("th[data-sort='method'] button").click()
    assert view.column(2)[:METHODS] == sorted(view.column(2)[:METHODS])


def test_filters_leave_what_was_asked_for_and_count_it(view: View) -> None:
    count = view.page.locator("#count")
    assert count.inner_text() == f"{METHODS + 2} rows, 3 code lengths, 2 tables"
    view.page.get_by_role("searchbox", name="Methods").fill("method01, METHOD02")
    assert count.inner_text() == "2 rows, 3 code lengths, 2 tables"
    assert {name[:8] for name in view.column(2)} == {"method01", "method02"}
    view.page.get_by_label("16", exact=True).uncheck(force=True)
    assert view.page.locator("table.board").first.locator("th[data-bits]:visible").all_inner_texts() == [
        "32 bits",
        "64 bits",
    ]
    view.page.locator("#features").select_option("gist")
    assert view.page.locator("section.table:visible").count() == 1
    assert view.page.locator("#nothing").is_visible()
    view.page.get_by_role("button", name="Show all").click()
    assert count.inner_text() == f"{METHODS + 2} rows, 3 code lengths, 2 tables"
    assert view.page.get_by_role("searchbox", name="Methods").input_value() == ""


def test_another_measure_fills_the_table_and_the_figures(view: View) -> None:
    drawn(view)
    view.page.get_by_label("Shown").select_option("cost:fit")
    assert " s ± " in view.column(3)[0].replace("\xa0", " ")
    assert view.page.locator("caption").first.inner_text().startswith("training time")
    best = view.page.locator("section.table").first.locator("td.best[data-bits='16'] .number").inner_text()
    assert float(best.split()[0]) == min(view.numbers(3))
    playwright.expect(view.page.locator("figure h4").first).to_have_text("Training time by code length")


def test_a_view_is_in_its_address(visit: Callable[..., View], view: View) -> None:
    view.page.get_by_role("searchbox", name="Methods").fill("method03")
    view.page.get_by_label("Shown").select_option("map@all")
    view.page.locator("th[data-sort='64'] button").first.click()
    address = view.evaluate("location.hash")
    other = visit(address)
    assert other.page.get_by_role("searchbox", name="Methods").input_value() == "method03"
    assert other.column(2)[0] == "method03"
    assert other.page.locator("caption .what").first.inner_text() == "mAP@all"
    assert other.page.locator("[aria-sort=descending]").first.get_attribute("data-sort") == "64"


def test_the_record_behind_a_cell_is_reached_and_left_by_keyboard_alone(view: View, file: Path) -> None:
    page = view.page
    for _ in range(60):
        page.keyboard.press("Tab")
        if view.evaluate("document.activeElement.matches('button.cell')"):
            break
    page.keyboard.press("Enter")
    dialog = page.get_by_role("dialog")
    assert dialog.is_visible()
    for _ in range(12):
        page.keyboard.press("Tab")
        assert view.evaluate(
            "document.activeElement === document.body || document.activeElement.closest('dialog') !== null"
        )
    link = dialog.get_by_role("link").first.get_attribute("href")
    assert (file.parent / link).is_file()
    for part in ("Repetitions", "Command that made it", "Configuration", "All figures"):
        assert dialog.get_by_role("heading", name=part).is_visible()
    assert "record=" in view.evaluate("location.hash")
    page.keyboard.press("Escape")
    assert not page.locator("#record").is_visible()
    assert view.evaluate("document.activeElement.matches('button.cell')")
    page.wait_for_function("() => !location.hash.includes('record=')")


def test_the_command_is_copied(visit: Callable[..., View]) -> None:
    view = visit(permissions=["clipboard-read", "clipboard-write"])
    view.page.locator("button.cell").first.click()
    view.page.get_by_role("button", name="Copy", exact=True).click()
    view.page.get_by_role("button", name="Copied").wait_for()
    assert view.evaluate("navigator.clipboard.readText()") == "test"


def test_charts_are_read_by_arrow_keys_and_as_a_table(view: View) -> None:
    drawn(view)
    chart = view.page.locator(".chart").first
    chart.focus()
    view.page.keyboard.press("ArrowRight")
    assert view.page.locator(".tip:visible").inner_text().splitlines()[1].startswith("16 bits: 0.")
    view.page.keyboard.press("ArrowRight")
    assert "32 bits" in view.page.locator("#live").inner_text()
    view.page.keyboard.press("Escape")
    assert view.page.locator(".tip:visible").count() == 0
    view.page.locator("details.numbers summary").first.click()
    rows = view.page.locator("details.numbers").first.locator("tbody tr")
    playwright.expect(rows).to_have_count((METHODS + 2) * 3)  # they come with the event that the summary was opened


def test_figures_follow_the_filters(view: View) -> None:
    drawn(view)
    lines = view.page.locator("figure").first.locator(".line")
    assert lines.count() == METHODS + 2
    assert view.page.locator(".line.faint").count() > 0
    view.page.get_by_role("searchbox", name="Methods").fill("method04")
    playwright.expect(lines).to_have_count(1 + 2)
    view.page.get_by_label("32 bits", exact=True).first.check(force=True)
    playwright.expect(view.page.locator("figure h4").nth(1)).to_contain_text("at 32 bits")
    assert view.evaluate("document.activeElement.value") == "32"


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_a_phone_shows_the_page_without_scrolling_it_sideways(visit: Callable[..., View], scheme: str) -> None:
    view = visit(viewport=PHONE, color_scheme=scheme, is_mobile=True, has_touch=True)
    drawn(view)
    assert view.evaluate("document.documentElement.scrollWidth") <= PHONE["width"]
    view.page.locator("button.cell").first.tap()
    box = view.page.locator("#record").bounding_box()
    assert box["x"] >= 0
    assert box["width"] <= PHONE["width"]
    assert view.evaluate("document.querySelector('#record .content').scrollWidth") <= PHONE["width"]
    assert view.errors == []


def test_dark_mode_follows_the_system_and_the_button(visit: Callable[..., View]) -> None:
    dark = "getComputedStyle(document.body).backgroundColor"
    view = visit(color_scheme="dark")
    assert view.evaluate(dark) == "rgb(20, 22, 26)"
    view.page.get_by_role("button", name="Theme").click()
    assert view.evaluate(dark) == "rgb(253, 253, 252)"
    view.page.reload()
    assert view.evaluate(dark) == "rgb(253, 253, 252)"


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_all_text_has_a_contrast_of_four_and_a_half(visit: Callable[..., View], scheme: str) -> None:
    view = visit(color_scheme=scheme)
    drawn(view)
    contrast = view.accessibility("poorContrast")
    assert contrast["poor"] == []
    assert contrast["looked"] > 200
    view.page.locator("button.cell").first.click()
    assert view.accessibility("poorContrast")["poor"] == []


def test_controls_have_names_headings_have_order_and_tables_have_heads(view: View) -> None:
    drawn(view)
    view.page.locator("button.cell").first.click()
    assert view.accessibility("nameless") == []
    levels = view.accessibility("headingLevels")
    assert view.page.locator("h1").count() == 1
    assert set(levels) == {2, 3, 4}
    assert all(after - before <= 1 for before, after in zip([1, *levels], levels, strict=False))
    assert view.accessibility("headsWithoutScope") == 0
    assert view.accessibility("tablesWithoutCaption") == 0
    ids = view.accessibility("ids")
    assert len(ids) == len(set(ids))
    assert view.evaluate("document.documentElement.lang") == "en"


def test_the_references_stay_below_the_methods_however_they_are_sorted(view: View) -> None:
    view.page.locator("th[data-sort='16'] button").first.click()
    last = view.page.locator("table.board").first.locator("tbody").last
    assert RANDOM_CODES in last.inner_text()
    assert view.column(1, "reference") == []

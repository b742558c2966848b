"""Tables of neighbours in a browser: what their figures are about, and rates of vectors."""

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from hashbench.records.results import results
from hashbench.records.store import Record
from hashbench.records.trial_spec import RANDOM_CODES
from hashbench.reporting.leaderboard.tables import tables
from hashbench.reporting.page import html
from tests.reporting.made_records import failed, make_record, write_records
from tests.reporting.page.view import View, opened

pytestmark = pytest.mark.slow

CARD = {
    "id": "d" * 16,
    "relevance": {"kind": "neighbours", "distance": "l2", "k": 100},
    "vectors": {
        "dimension": 4,
        "dtype": "float32",
        **dict.fromkeys(("nan", "infinite", "zero", "query_in_database", "query_in_train"), 0),
    },
    "leaks": None,
}


def _record(method: str, bits: int, recall: float, **changes: Any) -> Record:
    """By scores, so that there is no curve by radius."""
    record = make_record(method, bits, 0.5, protocol="vectors/all", card=CARD, **changes)
    record["trial"] |= {"neighbours": "l2", "ranking": "asymmetric"}
    record["metrics"] |= {"neighbours/recall@10": recall, "neighbours/m@95": 7.0}
    record["curves"]["radius"] = None
    return record


def _throughput(record: Record, rate: float) -> Record:
    rates = {"median": rate, "q1": rate, "q3": rate}
    return {
        "key": record["key"],
        "hardware": record["environment"]["hardware"],
        "encode": {"images_per_s": None, "features_per_s": rates},
        "search": {"100": {"queries_per_s": rates}},
    }


@pytest.fixture(scope="module")
def view(browser: Any, tmp_path_factory: pytest.TempPathFactory) -> Iterator[View]:
    folder = tmp_path_factory.mktemp("neighbours") / "results"
    methods = [_record("itq", 16, 0.4), _record("itq", 16, 0.42, repetition=1), _record("lsh", 16, 0.3)]
    floor = make_record(RANDOM_CODES, 16, 0.1, protocol="vectors/all", card=CARD)
    floor["trial"] |= {"neighbours": "l2"}
    floor["metrics"] |= {"neighbours/recall@10": 0.01}
    by_features = []
    for features in ("pixels", "gist"):
        one = make_record("pcah", 16, 0.5)
        one["trial"]["features"] = features
        by_features.append(one if features == "pixels" else failed(one))
    store = write_records(folder, [*methods, floor, *by_features])
    for record in methods:
        (file,) = store.records_folder.glob(f"*-{record['key']}.json")
        recall = np.full(30, record["metrics"]["neighbours/recall@10"])
        np.savez(file.with_suffix(".npz"), neighbour_recall=recall, query_items=np.arange(30))
    content = results(folder)
    rates = [_throughput(record, rate) for record, rate in zip(methods, (9.1e6, 9.2e6, 12.9e6), strict=True)]
    content = replace(content, throughputs=tuple(rates))
    target: Path = folder / "leaderboard.html"
    target.write_text(html(tables(content), content), encoding="utf-8")
    view = opened(browser, target.as_uri(), {})
    yield view
    assert view.errors == []


@pytest.fixture
def section(view: View) -> Any:
    section = view.page.locator("section.table").filter(has_text="vectors/all")
    section.locator(".figures").scroll_into_view_if_needed()
    section.locator(".chart").first.wait_for()
    return section


def figure(section: Any, title: str) -> Any:
    heading = section.page.get_by_role("heading", name=title, exact=True)
    return section.locator("figure", has=heading)


def test_the_deviation_stands_beside_the_recall_and_not_beside_m(section: Any) -> None:
    parts = section.locator("tbody.ranked button.cell").first.locator(".number, .spread, .multiple")
    assert parts.all_inner_texts() == ["0.410", "±\u00a00.014", "m 7"]
    section.page.locator("#measure").select_option("map@all")
    section.page.locator("#measure").select_option("")
    assert parts.all_inner_texts() == ["0.410", "±\u00a00.014", "m 7"]


def test_the_worst_queries_are_those_of_lowest_recall(section: Any) -> None:
    shown = figure(section, "Worst queries at 16 bits")
    assert "Neighbours' recall@10 of each query" in shown.inner_text()
    assert shown.locator("th").all_inner_texts()[1:3] == ["Spread of recall", "Lowest recall"]
    assert "#0 0.410" in shown.inner_text()


def test_curves_are_by_rank_where_no_method_has_one_by_radius(section: Any) -> None:
    shown = figure(section, "Precision and recall at 16 bits")
    assert "After the first k items" in shown.inner_text()
    assert "Relevant are items of the same class" in shown.inner_text()
    assert shown.locator("polyline").count() == 3
    assert shown.locator("input").count() == 0


def test_rates_are_of_vectors_and_no_number_at_an_axis_is_cut(section: Any) -> None:
    text = figure(section, "Neighbours' recall@10 against encoding speed").inner_text()
    assert "vectors/s, best batch" in text
    assert "10M" in text
    cut = """(nodes) => nodes.filter((node) => {
      const [box, own] = [node.closest('svg').getBoundingClientRect(), node.getBoundingClientRect()];
      return own.left < box.left - 1 || own.right > box.right + 1;
    }).map((node) => node.textContent)"""
    assert section.locator("text.tick").evaluate_all(cut) == []


def test_a_failure_is_named_where_features_are_compared(view: View) -> None:
    view.page.locator("input[name=view][value=features]").check()
    assert view.page.locator("#by-features td .number").all_inner_texts() == ["0.500", "timeout"]
    view.page.locator("input[name=view]").first.check()

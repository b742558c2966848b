"""The HTML page: what it says, that nothing in it is executed, and that it asks no network."""

import base64
import copy
import hashlib
import json
import re
from collections.abc import Callable
from dataclasses import replace
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from hashbench.evaluation.metrics import declared
from hashbench.records.results import Results, results
from hashbench.records.store import Record
from hashbench.records.trial_spec import FLOAT_FEATURES
from hashbench.reporting.leaderboard.caption import caption
from hashbench.reporting.leaderboard.tables import tables
from hashbench.reporting.page import html
from hashbench.reporting.page.cell import rounded
from hashbench.reporting.page.measures import measures
from tests.reporting.made_records import failed, grid_of_records, make_record
from tests.reporting.many_records import QUERIES, write_many

HOSTILE = "<script>window.hit = 1</script>"


class Reader(HTMLParser):
    """The page as a browser's parser sees it: elements with their attributes, and visible text of table rows."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.elements: list[tuple[str, dict[str, str]]] = []
        self.inside: list[str] = []
        self.contents: dict[str, list[str]] = {"script": [], "style": []}
        self.rows: list[list[str]] = []
        self.text = ""
        self.skipped = 0
        self.feed(text)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        attributes = {name: value or "" for name, value in attrs}
        self.elements.append((tag, attributes))
        if tag in ("meta", "link", "input"):
            return
        self.inside.append(tag)
        if tag in self.contents:
            self.contents[tag].append("")
        if tag == "tr":
            self.rows.append([])
        if tag in ("td", "th"):
            self.rows[-1].append("")
        if "hidden" in attributes.get("class", "").split() or attributes.get("aria-hidden") == "true":
            self.skipped = self.skipped or len(self.inside)

    def handle_endtag(self, tag: str) -> None:
        while self.inside and self.inside.pop() != tag:
            pass
        if len(self.inside) < self.skipped:
            self.skipped = 0

    def handle_data(self, data: str) -> None:
        if self.inside and self.inside[-1] in self.contents:
            self.contents[self.inside[-1]][-1] += data
            return
        self.text += data
        if not self.skipped and {"td", "th"} & set(self.inside):
            self.rows[-1][-1] += data

    def row(self, label: str) -> list[str]:
        """The cells of the row of that name."""
        (cells,) = (row for row in self.rows if len(row) > 2 and row[1].strip() == label)
        return [cell.replace("\xa0", " ").strip() for cell in cells]

    @property
    def data(self) -> Any:
        return json.loads(self.contents["script"][0])


def read(*records: Record, **more: Any) -> Reader:
    content = Results(tuple(records), **more)
    return Reader(html(tables(content), content))


@pytest.fixture
def records() -> list[Record]:
    return grid_of_records()


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Three methods, three repetitions, 16 and 128 bits, with per-query AP and rates."""
    root = tmp_path_factory.mktemp("many") / "results"
    write_many(root, 3, 3, bits=(16, 128))
    return root


def test_rows_stand_with_rank_mean_and_standard_deviation(records: list[Record]) -> None:
    page = read(*records)
    assert page.row("bgan") == ["1", "bgan", "0.800", "0.850"]
    assert page.row("itq") == ["2", "itq", "0.620 ± 0.028", "0.700"]
    assert page.row("slow") == ["–", "slow", "timeout", "0.300"]
    assert page.row(FLOAT_FEATURES) == ["", FLOAT_FEATURES, "0.720", "0.720"]


def test_what_methods_see_has_a_column_where_one_sees_more_than_images(records: list[Record]) -> None:
    assert "Sees" not in read(*records).text
    page = read(*records, make_record("clip", 16, 0.9, information="captions"))
    assert page.row("clip") == ["–", "clip", "captions", "0.900", "–"]
    assert page.row("itq")[:3] == ["–", "itq", "images"]
    assert {row.get("information") for row in page.data["tables"][0]["rows"]} == {"captions", "images", "–"}


def test_the_best_of_a_column_is_marked_and_named(records: list[Record]) -> None:
    page = read(*records)
    assert [attributes["data-bits"] for _, attributes in page.elements if attributes.get("class") == "best"] == [
        "16",
        "32",
    ]
    assert page.text.count(", best") == 2


def test_cells_tied_with_the_best_are_marked(folder: Path) -> None:
    content = results(folder)
    before = tables(content)
    for row in before[0].ranked:
        for cell in row.cells.values():
            cell.vs_best = cell.vs_best and replace(cell.vs_best, p=0.01)
    second = before[0].ranked[1].cell(16)
    second.vs_best = second.vs_best and replace(second.vs_best, p=0.5)
    page = Reader(html(before, content))
    assert page.text.count(", not told apart from the best") == 1
    assert [cell["like"] for cell in page.data["tables"][0]["cells"]].count(True) == 1
    assert "cannot be told apart from the best (bootstrap of all pairs" in page.text


def test_without_figures_per_query_the_page_says_that_differences_are_not_tested(records: list[Record]) -> None:
    assert "Differences are not tested" in read(*records).text


def test_what_a_number_needs_to_be_quoted_stands_with_its_table(records: list[Record]) -> None:
    text = " ".join(read(*records).text.split())
    for sentence in caption(tables(Results(tuple(records)))[0]):
        assert " ".join(sentence.split()) in text
    for part in (
        "cut-off after 1,000 items",
        "“hits”",
        "exact expectation",
        "1–2 per cell",
        "features pixels",
        "0.106",
    ):
        assert part in text
    for part in ("Not ranked", "References, not methods", "unsupervised", "slow 16 bits #0: timeout in fit"):
        assert part in text


def test_a_script_in_a_name_a_parameter_or_a_command_stays_text(records: list[Record]) -> None:
    bad = make_record("itq", 16, 0.9, variant={HOSTILE: "</script><img src=x onerror=alert(1)>"})
    bad["trial"] |= {"method": HOSTILE, "features": HOSTILE}
    bad["provenance"]["command"] = f"run '{HOSTILE}' <!--"
    page = read(bad, failed({**bad, "key": "f" * 16, "trial": {**bad["trial"], "bits": 32}}))
    assert [tag for tag, _ in page.elements].count("script") == 2
    assert not [tag for tag, _ in page.elements if tag == "img"]
    assert not [attributes for _, attributes in page.elements if any(name.startswith("on") for name in attributes)]
    assert "<" not in page.contents["script"][0]
    (row,) = page.data["tables"][0]["rows"]
    assert row["label"].startswith(HOSTILE)
    assert page.data["texts"].count(f"run '{HOSTILE}' <!--") == 1


def test_a_megabyte_of_error_text_is_shortened_everywhere(records: list[Record]) -> None:
    record = failed(make_record("slow", 16, 0.9))
    record["error"] |= {"message": "x" * 1_000_000, "exception": "y" * 1_000_000, "phase": "fit"}
    long = make_record("n" * 1_000_000, 16, 0.5)
    content = Results((*records, record, long))
    page = html(tables(content), content)
    assert len(page) < 200_000
    assert "(1,000,000 characters)" in page


@pytest.mark.parametrize(
    ("value", "short"), [(None, None), (float("nan"), None), (float("inf"), None), (0.12345678, 0.123457), (2.0, 2)]
)
def test_numbers_are_rounded_and_what_is_not_finite_is_missing(value: float | None, short: float | None) -> None:
    assert rounded(value) == short


def test_numbers_that_are_not_finite_are_shown_as_missing(records: list[Record]) -> None:
    records[3]["metrics"] = dict.fromkeys(records[3]["metrics"], float("nan"))
    page = read(*records)
    assert page.row("bgan") == ["–", "bgan", "–", "0.850"]
    (row,) = (row for row in page.data["tables"][0]["rows"] if row["label"] == "bgan")
    assert set(page.data["tables"][0]["cells"][row["cells"][0]]["mean"][:3]) == {None}


def test_records_without_any_number_make_a_page() -> None:
    record = make_record("itq", 16, 0.5)
    record["metrics"] = dict.fromkeys(record["metrics"])
    record["diagnostics"] = dict.fromkeys(["balance_deviation_mean"])
    record["curves"]["rank"]["precision"] = [None]
    assert read(record).row("itq") == ["–", "itq", "–"]


def test_the_data_has_mean_spread_and_every_repetition_of_each_measure(folder: Path) -> None:
    content = results(folder)
    data = Reader(html(tables(content), content)).data
    indices = {measure["id"]: index for index, measure in enumerate(data["measures"])}
    (table,) = data["tables"]
    row = next(row for row in table["rows"] if row["label"] == "method01")
    cell = table["cells"][row["cells"][table["bits"].index(128)]]
    made = [r for r in content.records if r["trial"]["method"] == "method01" and r["trial"]["bits"] == 128]
    assert len(cell["runs"]) == 3
    picks: dict[str, Callable[[Record], float]] = {
        "map@1000": lambda r: r["metrics"]["map@1000"],
        "recall@1": lambda r: r["metrics"]["recall@1"],
        "cost:fit": lambda r: r["seconds"]["fit"],
        "codes:imbalance": lambda r: r["diagnostics"]["balance_deviation_mean"],
    }
    for name, pick in picks.items():
        values = [pick(record) for record in made]
        assert cell["mean"][indices[name]] == pytest.approx(np.mean(values), rel=1e-4)
        assert cell["sd"][indices[name]] == pytest.approx(np.std(values, ddof=1), rel=1e-2)
        assert [run["values"][indices[name]] for run in cell["runs"]] == pytest.approx(values, rel=1e-4)
    assert cell["mean"][indices["cost:search"]] == pytest.approx(2e5 / 128, rel=1e-4)


def test_a_mean_is_rounded_once_as_the_table_rounds_it() -> None:
    value = 0.7565000000000003  # .757; of the ten digits .7565, which a float has as less, it would be .756
    page = read(make_record("itq", 16, value))
    index = [measure["id"] for measure in page.data["measures"]].index("map@all")
    assert page.data["tables"][0]["cells"][0]["mean"][index] == value


@pytest.mark.parametrize(
    ("cards", "name", "meaning"),
    [
        ([{}], "encode images/s", "images encoded per second from decoded images, at the best batch"),
        ([{"vectors": {}}], "encode vectors/s", "vectors encoded per second, at the best batch"),
        ([{}, {"vectors": {}}], "encode items/s", "vectors where there are none, at the best batch"),
    ],
)
def test_the_rate_of_encoding_says_what_is_encoded(cards: list[dict[str, Any]], name: str, meaning: str) -> None:
    made = measures(make_record("itq", 16, 0.5, card=card) for card in cards)
    (encoding,) = (measure for measure in made if measure.id == "cost:encode")
    assert encoding.name == name
    assert encoding.meaning.endswith(meaning)


def test_measures_say_which_way_is_better_as_their_metrics_declare() -> None:
    record = make_record("itq", 16, 0.5)
    record["metrics"]["unheard_of"] = 3.0
    better = {measure["id"]: measure["better"] for measure in read(record).data["measures"]}
    directions = {metric.id: metric.direction for metric in declared()}
    assert {name: better[name] for name in record["metrics"] if name in directions} == {
        name: directions[name] for name in record["metrics"] if name in directions
    }
    assert better["chance"] == "none"
    assert better["unheard_of"] == "none"  # which way is better is not known: none is starred


def test_a_metric_that_is_better_when_lower_says_so(monkeypatch: pytest.MonkeyPatch) -> None:
    lower = [replace(metric, direction="down") if metric.id == "recall@1000" else metric for metric in declared()]
    monkeypatch.setattr("hashbench.reporting.page.measures.declared", lambda cutoff: lower)
    better = {measure["id"]: measure["better"] for measure in read(make_record("itq", 16, 0.5)).data["measures"]}
    assert (better["recall@1000"], better["precision@100"]) == ("down", "up")


def test_long_curves_are_thinned_and_keep_their_ends(folder: Path) -> None:
    content = results(folder)
    (table,) = Reader(html(tables(content), content)).data["tables"]
    long, short = (next(cell for cell in table["cells"] if cell["bits"] == bits)["radius"] for bits in (128, 16))
    assert len(short["at"]) == 17
    assert 50 < len(long["at"]) <= 60
    assert (long["at"][0], long["at"][-1], long["recall"][-1]) == (0, 128, 1)
    assert len(long["precision"]) == len(long["sd"]) == len(long["at"])


def test_the_worst_queries_are_those_of_lowest_ap_over_the_repetitions(folder: Path) -> None:
    content = results(folder)
    (table,) = Reader(html(tables(content), content)).data["tables"]
    row = next(row for row in table["rows"] if row["label"] == "method02")
    shown = table["cells"][row["cells"][0]]["queries"]
    files = sorted((folder / "records").glob("*-method02-16-*.npz"))
    means = sum(np.load(file)["average_precision"] for file in files) / len(files)
    lowest = sorted(range(QUERIES), key=lambda item: (means[item], item))[:10]
    assert [item for item, _ in shown["worst"]] == lowest
    assert [value for _, value in shown["worst"]] == pytest.approx(means[lowest], abs=1e-4)
    assert shown["quantiles"][2] == pytest.approx(np.median(means), abs=1e-4)


def test_cells_link_to_their_records_beside_the_page(folder: Path) -> None:
    content = results(folder)
    (table,) = Reader(html(tables(content), content)).data["tables"]
    files = {run["file"] for cell in table["cells"] for run in cell["runs"]}
    assert files == {file.name for file in (folder / "records").glob("*.json")}


def test_links_lead_from_wherever_the_page_stands(folder: Path, tmp_path: Path) -> None:
    content = results(folder)
    for beside in (None, folder.parent, tmp_path):
        data = Reader(html(tables(content), content, beside)).data
        run = data["tables"][0]["cells"][0]["runs"][0]
        assert ((beside or folder) / data["texts"][run["folder"]] / run["file"]).is_file()


def test_files_that_could_not_be_read_are_named(folder: Path, tmp_path: Path) -> None:
    (tmp_path / "records").mkdir()
    for file in sorted((folder / "records").glob("*-method0*.json")):
        (tmp_path / "records" / file.name).write_bytes(file.read_bytes())
    (tmp_path / "records/cut.json").write_text('{"format": 2, <b>')
    content = results(tmp_path)
    page = Reader(html(tables(content), content))
    assert "Files that could not be read" in page.text
    assert "cut.json" in page.text


def test_the_order_of_records_does_not_change_a_byte(records: list[Record]) -> None:
    pages = []
    for order in (records, records[::-1]):
        content = Results(tuple(copy.deepcopy(order)))
        pages.append(html(tables(content), content))
    assert pages[0] == pages[1]


def test_the_page_asks_no_network_and_allows_its_own_script_and_style_alone(records: list[Record]) -> None:
    page = read(*records)
    for _, attributes in page.elements:
        for name in ("src", "href"):
            assert re.match(r"(#|data:|records/|$)", attributes.get(name, ""))
    (policy,) = (attributes["content"] for _, attributes in page.elements if "http-equiv" in attributes)
    assert "default-src 'none'" in policy
    for kind, text in (("style", page.contents["style"][0]), ("script", page.contents["script"][1])):
        digest = base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()
        assert f"{kind}-src 'sha256-{digest}'" in policy
    assert "innerHTML" not in page.contents["script"][1]


def test_no_records_make_a_page_that_says_so() -> None:
    assert "No records." in read().text


def test_tables_are_listed_when_there_are_several(records: list[Record]) -> None:
    other = make_record("itq", 16, 0.5, protocol="digits/other")
    other["trial"]["features"] = "gist"
    page = read(*records, other)
    links = [attributes["href"] for tag, attributes in page.elements if tag == "a"][1:]
    sections = [attributes["id"] for _, attributes in page.elements if attributes.get("class") == "table"]
    assert links == [f"#{name}" for name in sections]
    assert len(set(sections)) == 2


@pytest.mark.slow
def test_two_thousand_records_make_a_page_below_three_megabytes(tmp_path: Path) -> None:
    assert write_many(tmp_path / "results", 40, 10) == 2_006
    content = results(tmp_path / "results")
    page = html(tables(content), content)
    assert len(page.encode()) < 3e6
    assert sum(len(cell["runs"]) for cell in Reader(page).data["tables"][0]["cells"]) == 2_006

"""Figures show the records' numbers, in a style that stays, whatever the names are."""

import random
import statistics
import warnings
import xml.etree.ElementTree as ET
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import matplotlib as mpl
import numpy as np
import pytest
from matplotlib.axes import Axes
from matplotlib.colors import to_hex
from matplotlib.container import ErrorbarContainer
from matplotlib.figure import Figure
from matplotlib.lines import Line2D

import hashbench as hb
from hashbench.records.results import Results
from hashbench.records.store import Record
from hashbench.records.trial_spec import FLOAT_FEATURES, RANDOM_CODES, REFERENCES
from hashbench.reporting.figures.files import write_figures
from hashbench.reporting.figures.kinds import KINDS as ALL_KINDS
from hashbench.reporting.figures.kinds import draw
from hashbench.reporting.figures.style import Style, printable, row_styles, text_width, wrap
from hashbench.reporting.figures.throughput import Point, pareto
from hashbench.reporting.leaderboard.table import Row
from hashbench.reporting.leaderboard.tables import tables
from tests.reporting.made_records import failed, make_record

KINDS = {name: kind for name, kind in ALL_KINDS.items() if name != "recall-by-m"}  # records by labels lack its curve

K = [1, 2, 5, 10, 20]
HARDWARE = {"id": "aaaa", "cpu": "Xeon", "cores": 2, "gpus": [], "driver": None, "device": "cpu", "threads": 2}
WIDE = ("tanh_autoencoder", "W" * 90, "long_" * 60)
HOSTILE = ("_x", "$x^2$", "<script>alert(1)</script>", "a&b\"'", "名前", "bell\x07\x1b[31m\x00")
LONG = {"pixel": 0.0, "perceptual": 0.0, "adversarial": 0.0}


class DrawnRecords:
    """Records with curves, epochs and rates that are drawn at random, each different."""

    def __init__(self) -> None:
        self.records: list[Record] = []
        self.throughputs: list[Record] = []
        self.draws = random.Random(3)

    def add(self, method: str, bits: int | None, repetition: int = 0, **changes: Any) -> Record:
        draw = self.draws.random
        record = make_record(method, bits, 0.2 + 0.6 * draw(), repetition=repetition, **changes)
        record["key"] = f"{len(self.records):016x}"
        record["provenance"]["created"] = f"2026-01-01T00:00:00.{len(self.records):06d}+00:00"
        points = 1 if bits is None else bits + 1
        recall = sorted(draw() for _ in range(points - 1))
        radius = {"recall": [*recall, 1.0], "precision": [draw() for _ in range(points)], "empty": [0.0] * points}
        record["curves"]["radius"] = None if bits is None else radius
        record["curves"]["rank"] = {"k": K, "precision": [draw() for _ in K], "recall": [draw() for _ in K]}
        self.records.append(record)
        return record

    def epochs(self, record: Record, **values: Sequence[float | None]) -> None:
        count = len(next(iter(values.values())))
        entries = [{"epoch": float(n + 1), **{name: its[n] for name, its in values.items()}} for n in range(count)]
        record["training"] = {"epochs": entries}

    def rates(self, record: Record, encode: float, search: float, hardware: Mapping[str, Any] = HARDWARE) -> None:
        throughput: Record = {"key": record["key"], "hardware": dict(hardware)}
        throughput["encode"] = {"images_per_s": {"median": encode}, "features_per_s": None}
        throughput["search"] = {"100": {"queries_per_s": {"median": search}}}
        self.throughputs.append(throughput)

    def results(self) -> Results:
        return Results(tuple(self.records), tuple(self.throughputs))


@pytest.fixture
def content() -> DrawnRecords:
    """itq and lsh at 8 and 16 bits, three repetitions, with all that a figure can show, and the references."""
    content = DrawnRecords()
    for method in ("itq", "lsh"):
        for bits in (8, 16):
            for repetition in range(3):
                record = content.add(method, bits, repetition)
                content.rates(record, 1000 * content.draws.random(), 1000 * content.draws.random())
                content.epochs(record, loss=[content.draws.random() for _ in range(4)])
    for bits in (8, 16):
        content.add(RANDOM_CODES, bits)
    content.add(FLOAT_FEATURES, None)
    return content


def crowd(names: Sequence[str], columns: Sequence[int], rows: int = 20) -> DrawnRecords:
    """Rows with all that a figure can show, some with long labels."""
    content = DrawnRecords()
    for number in range(rows):
        for bits in columns:
            variant = {"n": number, **(LONG if number % 3 else {})}
            record = content.add(names[number % len(names)], bits, variant=variant)
            content.rates(record, 10 ** (5 * content.draws.random()), 10 ** (3 * content.draws.random()))
            content.epochs(record, loss=[1e7 * content.draws.random(), None], small=[1e-5, -1e-5])
    content.add(FLOAT_FEATURES, None)
    return content


def lines(axis: Axes, colour: str) -> list[Line2D]:
    return [line for line in axis.get_lines() if to_hex(str(line.get_color())) == colour]


def points(line: Line2D) -> Any:
    """Float64 [n, 2]."""
    return np.stack([np.asarray(data, float) for data in line.get_data()], axis=1)


def texts(figure: Figure) -> list[str]:
    shown = [*figure.texts, *(text for legend in figure.legends for text in legend.get_texts())]
    return [text.get_text().replace("\n", " ") for text in shown]


def colour(content: DrawnRecords, label: str) -> str:
    return row_styles(tables(content.results()))[label].colour


def of(content: DrawnRecords, method: str, bits: int) -> list[Record]:
    return [r for r in content.records if (r["trial"]["method"], r["trial"]["bits"]) == (method, bits)]


@pytest.mark.parametrize(
    ("kind", "curve", "x", "y"),
    [("precision-recall", "radius", "recall", "precision"), ("precision-at-k", "rank", "k", "precision")],
)
def test_curves_are_means_over_repetitions_with_bands_of_their_deviation(
    content: DrawnRecords, kind: str, curve: str, x: str, y: str
) -> None:
    figure = hb.plot(content.results(), kind)
    assert [axis.get_title() for axis in figure.axes] == ["8 bits", "16 bits"]
    for axis, bits in zip(figure.axes, (8, 16), strict=True):
        for method in ("itq", "lsh"):
            (line,) = lines(axis, colour(content, method))
            curves = [record["curves"][curve] for record in of(content, method, bits)]
            across = [statistics.fmean(values) for values in zip(*(c[x] for c in curves), strict=True)]
            mean = [statistics.fmean(values) for values in zip(*(c[y] for c in curves), strict=True)]
            deviation = [statistics.stdev(values) for values in zip(*(c[y] for c in curves), strict=True)]
            np.testing.assert_allclose(points(line), list(zip(across, mean, strict=True)))
            (band,) = [
                each
                for each in axis.collections
                if to_hex(np.asarray(each.get_facecolor())[0]) == colour(content, method)
            ]
            corners = {(round(a, 9), round(b, 9)) for a, b in np.asarray(band.get_paths()[0].vertices)}
            assert corners >= {
                (round(a, 9), round(m + sign * d, 9))
                for a, m, d in zip(across, mean, deviation, strict=True)
                for sign in (-1, 1)
            }
    assert axis.get_xscale() == ("log" if curve == "rank" else "linear")


def test_map_by_bits_has_the_mean_and_deviation_of_every_cell_and_both_references(content: DrawnRecords) -> None:
    (axis,) = hb.plot(content.results(), "map-by-bits").axes
    bars = {to_hex(str(bar.lines[0].get_color())): bar for bar in axis.containers if isinstance(bar, ErrorbarContainer)}
    for method in ("itq", "lsh"):
        values = [[r["metrics"]["map@1000"] for r in of(content, method, bits)] for bits in (8, 16)]
        bar = bars[colour(content, method)]
        np.testing.assert_allclose(points(bar.lines[0])[:, 1], [statistics.fmean(each) for each in values])
        np.testing.assert_array_equal(points(bar.lines[0])[:, 0], [8, 16])
        spans = [segment[:, 1] for segment in bar.lines[2][0].get_segments()]
        np.testing.assert_allclose([np.ptp(span) / 2 for span in spans], [statistics.stdev(each) for each in values])
    (float_record,) = [r for r in content.records if r["trial"]["method"] == FLOAT_FEATURES]
    np.testing.assert_allclose(
        points(bars[to_hex(colour(content, FLOAT_FEATURES))].lines[0])[:, 1],
        2 * [float_record["metrics"]["map@1000"]],
    )
    assert to_hex(colour(content, RANDOM_CODES)) in bars
    assert [tick.get_text() for tick in axis.get_xticklabels()] == ["16", "8"]


def test_one_code_length_is_a_dot_per_row_beside_its_label() -> None:
    content = DrawnRecords()
    values = [content.add(method, 32)["metrics"]["map@1000"] for method in ("itq", "lsh", "pcah")]
    reference = content.add(RANDOM_CODES, 32)["metrics"]["map@1000"]
    (axis,) = hb.plot(content.results(), "map-by-bits").axes
    labels = [text.get_text() for text in axis.get_yticklabels()]
    dots = [bar.lines[0] for bar in axis.containers if isinstance(bar, ErrorbarContainer)]
    label_of = dict(zip(axis.get_yticks(), labels, strict=True))
    shown = {label_of[y]: x for dot in dots for x, y in points(dot)}
    assert shown == dict(zip(("itq", "lsh", "pcah"), values, strict=True))
    assert sorted(shown, key=lambda name: -shown[name]) == labels  # the best first, and the axis points down
    assert axis.yaxis_inverted()
    assert all(dot.get_linestyle() == "None" and dot.get_marker() != "" for dot in dots)
    (line,) = lines(axis, to_hex(colour(content, RANDOM_CODES)))
    assert points(line)[:, 0].tolist() == [reference, reference]


def test_throughput_shows_one_machine_and_names_it(content: DrawnRecords) -> None:
    other = content.add("elsewhere", 8)
    content.rates(other, 5.0, 5.0, {**HARDWARE, "id": "bbbb"})
    encode, search = (figure := hb.plot(content.results(), "throughput")).axes
    rates = {f["key"]: (f["encode"]["images_per_s"], f["search"]["100"]["queries_per_s"]) for f in content.throughputs}
    for which, axis in enumerate((encode, search)):
        wanted = {
            (
                statistics.fmean(rates[r["key"]][which]["median"] for r in repeated),
                statistics.fmean(r["metrics"]["map@1000"] for r in repeated),
            )
            for method in ("itq", "lsh")
            for bits in (8, 16)
            for repeated in [of(content, method, bits)]
        }
        drawn = {tuple(points(line)[0]) for line in axis.get_lines() if line.get_linestyle() == "None"}
        np.testing.assert_allclose(sorted(drawn), sorted(wanted))
    note = " ".join(texts(figure))
    assert "Xeon, 2 threads (hardware aaaa)" in note
    assert "Without rates here: elsewhere." in note
    assert "Cells measured on other machines only are left out." in note


def test_the_pareto_front_is_what_comparing_all_pairs_finds() -> None:
    row, draws = Row("m", None, {}, None, False, {}), random.Random(1)
    for _ in range(50):
        cells = [Point(row, 8, draws.randint(1, 9), draws.randint(1, 9)) for _ in range(12)]
        values = {(p.rate, p.accuracy) for p in cells}
        best = {v for v in values if not any(o != v and o[0] >= v[0] and o[1] >= v[1] for o in values)}
        front = [(p.rate, p.accuracy) for p in pareto(cells)]
        assert front == sorted(best)


def test_front_points_alone_have_filled_markers(content: DrawnRecords) -> None:
    for axis in hb.plot(content.results(), "throughput").axes:
        dots = [line for line in axis.get_lines() if line.get_linestyle() == "None"]
        filled = {tuple(points(dot)[0]) for dot in dots if dot.get_markerfacecolor() != "white"}
        cells = [Point(Row("m", None, {}, None, False, {}), 8, *points(dot)[0]) for dot in dots]
        assert filled == {(point.rate, point.accuracy) for point in pareto(cells)}


def test_training_has_a_panel_per_value_and_a_line_per_row_and_length() -> None:
    content = DrawnRecords()
    for repetition, loss in enumerate(([4.0, 2.0, 1.0], [6.0, 4.0, 2.0])):
        content.epochs(content.add("deep", 8, repetition), loss=loss, beta=[1.0, None, 3.0])
    content.epochs(content.add("deep", 16), loss=[9.0, 8.0])
    content.add("shallow", 8)
    figure = hb.plot(content.results(), "training")
    panels = {axis.get_title(): axis for axis in figure.axes}
    assert list(panels) == ["loss", "beta"]
    lines = {len(points(line)): line for line in panels["loss"].get_lines()}
    assert points(lines[3])[:, 1].tolist() == [5.0, 3.0, 1.5]
    assert points(lines[2])[:, 1].tolist() == [9.0, 8.0]
    assert lines[3].get_linestyle() != lines[2].get_linestyle()
    np.testing.assert_array_equal(points(panels["beta"].get_lines()[0])[:, 1], [1.0, np.nan, 3.0])
    assert any("Without epochs: shallow." in text for text in texts(figure))


@pytest.mark.parametrize("kind", KINDS)
def test_a_row_keeps_its_look_when_others_are_left_out(content: DrawnRecords, kind: str) -> None:
    own = [colour(content, name) for name in ("itq", "lsh")]
    for shown, methods in ((own, None), (own[1:], "lsh"), (own[:1], ["i*"])):
        axis = hb.plot(content.results(), kind, methods=methods).axes[0]
        drawn = {to_hex(str(line.get_color())) for line in axis.get_lines()}
        assert drawn & set(own) == set(shown)


def test_a_variant_more_changes_no_look_of_methods_as_they_are(content: DrawnRecords) -> None:
    before = row_styles(tables(content.results()))
    content.add("itq", 8, variant={"a": 1})
    content.add("itq", 8, preset="quick", protocol="digits/other")
    after = row_styles(tables(content.results()))
    assert {label: after[label] for label in before} == before
    assert len(after) == len(before) + 2


def test_references_differ_and_one_more_changes_no_other() -> None:
    def styles(*methods: str) -> dict[str, Style]:
        records = [make_record(method, 8, 0.5) for method in ("itq", *methods)]
        return {name: style for name, style in row_styles(tables(Results(tuple(records)))).items() if name != "itq"}

    two = styles(FLOAT_FEATURES, RANDOM_CODES)
    all_styles = styles(*REFERENCES)
    assert len({(style.dashes, style.colour) for style in all_styles.values()}) == len(REFERENCES)
    assert {name: all_styles[name] for name in two} == two


def test_twenty_rows_differ_without_colour_and_none_is_grey() -> None:
    all_styles = row_styles(tables(crowd(("m",), (8,)).results()))
    own = [style for label, style in all_styles.items() if label != FLOAT_FEATURES]
    assert len({(style.dashes, style.marker) for style in own}) == 20
    assert all(np.ptp(mpl.colors.to_rgb(style.colour)) > 0.2 for style in own)
    assert np.ptp(mpl.colors.to_rgb(all_styles[FLOAT_FEATURES].colour)) == 0


@pytest.mark.parametrize(
    ("kind", "columns"),
    [
        ("precision-recall", (8, 12, 16, 32, 48)),  # precision-at-k is laid out by the same module
        ("map-by-bits", (8,)),
        ("map-by-bits", (8, 12, 16)),
        ("throughput", (8, 12)),
        ("training", (8, 12)),
    ],
)
def test_nothing_overlaps_or_is_cut_with_twenty_rows(kind: str, columns: tuple[int, ...]) -> None:
    figure = hb.plot(crowd(("bgan", *WIDE), columns).results(), kind)
    figure.draw_without_rendering()
    page = figure.bbox.padded(1)
    boxes = [legend.get_window_extent() for legend in figure.legends]
    panels = [box for axis in figure.axes if (box := axis.get_tightbbox()) is not None]
    heading = [text.get_window_extent() for text in figure.texts]
    for box in (*boxes, *panels, *heading):
        assert page.x0 <= box.x0 <= box.x1 <= page.x1
        assert page.y0 <= box.y0 <= box.y1 <= page.y1
    everything = [*boxes, *panels, *heading]
    for number, box in enumerate(everything):
        for other in everything[:number]:
            assert not box.padded(-2).overlaps(other.padded(-2))


def test_names_are_text_and_never_markup(tmp_path: Path) -> None:
    crowded = tables(crowd(HOSTILE, (8,), len(HOSTILE)).results())
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        files = list(write_figures(crowded, row_styles(crowded), tmp_path, list(KINDS)))
    assert len(files) == 2 * len(KINDS)
    for file in (file for file in files if file.suffix == ".svg"):
        root = ET.parse(file).getroot()
        assert not [each for each in root.iter() if each.tag.endswith("script")]
        shown = " ".join("".join(each.itertext()) for each in root.iter() if each.tag.endswith("text"))
        for part in (
            "_x [n=",
            "$x^2$ [",
            "<script>alert(1)</script> [",
            "a&b\"' [",
            "名前 [",
            "bell??[31m? [",
        ):
            assert part in shown


def test_the_same_records_give_the_same_bytes_whatever_the_users_settings(
    content: DrawnRecords, tmp_path: Path
) -> None:
    written = []
    theirs: Any = {"font.size": 30, "axes.titlepad": 40, "savefig.bbox": "tight", "svg.hashsalt": "x"}
    for number, settings in enumerate((theirs, {})):
        with mpl.rc_context(settings):
            shown = tables(Results(tuple(content.records[:: 1 if settings else -1]), tuple(content.throughputs)))
            files = list(write_figures(shown, row_styles(shown), tmp_path / str(number), list(KINDS)))
            assert mpl.rcParams["font.size"] == settings.get("font.size", 10)
        written.append({file.name: file.read_bytes() for file in files})
    assert written[0] == written[1]
    assert len(written[0]) == 2 * len(KINDS)


def test_what_the_records_lack_is_not_drawn() -> None:
    content = DrawnRecords()
    content.records.append(failed(content.add("broken", 8)))
    del content.records[0]
    (table,) = tables(content.results())
    assert all(draw(kind, table, row_styles([table])) is None for kind in KINDS)
    with pytest.raises(
        hb.UsageError, match="training of digits/holdout-200, features pixels: nothing to draw, no meth"
    ):
        hb.plot(content.results(), "training")
    with pytest.raises(hb.UsageError, match="no records in these results to draw"):
        hb.plot(Results(()))


def test_a_missing_cell_leaves_a_gap() -> None:
    content = DrawnRecords()
    for method, columns in (("itq", (8, 16, 32)), ("lsh", (8, 32))):
        for bits in columns:
            content.add(method, bits)
    (axis,) = hb.plot(content.results(), "map-by-bits").axes
    (line,) = lines(axis, colour(content, "lsh"))
    assert np.isnan(points(line)[:, 1]).tolist() == [False, True, False]


def test_of_several_tables_one_has_to_be_named(content: DrawnRecords) -> None:
    content.add("itq", 8, protocol="digits/other")
    content.add("itq", 8, limit=100)
    content.add("lsh", 8, limit=100, card={"id": "d" * 16})
    with pytest.raises(
        hb.UsageError, match="4 tables to draw; name one by protocol=: 'digits/holdout-200, features pix"
    ):
        hb.plot(content.results())
    for name in (
        "digits/other",
        "*other*",
        "digits/holdout-200, features pixels",
        f"digits/holdout-200, features pixels, first 100 training items, card {'d' * 16}, metrics version 1",
    ):
        assert hb.plot(content.results(), protocol=name).axes
    with pytest.raises(hb.UsageError, match="no data set or protocol named 'digits/othr'; did you mean 'digits/other'"):
        hb.plot(content.results(), protocol="digits/othr")
    with pytest.raises(hb.UsageError, match="no method in these results named 'itk'; did you mean 'itq'"):
        hb.plot(content.results(), methods=["itk"])
    with pytest.raises(hb.UsageError, match="no kind of figure named 'trainin'; did you mean 'training'"):
        hb.plot(content.results(), "trainin")


def test_shown_text_is_one_printable_line() -> None:
    assert printable("a\nb\t c\x00\ud800", 20) == "a b c??"
    assert printable("x" * 10**6, 20) == "x" * 19 + "…"


def test_text_is_wrapped_to_the_width_it_has() -> None:
    for text in ("bgan [pixel=0.0, perceptual=0.0, adversarial=0.0]", "W" * 90, "i" * 90, "a b c", ""):
        wrapped = wrap(text, 1.5, 8)
        assert "".join(wrapped.split()) == "".join(text.split())
        assert all(text_width(line, 8) <= 1.5 for line in wrapped.splitlines())

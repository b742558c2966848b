"""Leaderboards from records alone, in each of their formats."""

import io
from pathlib import Path
from typing import Any

import pandas as pd
import pytest
from rich.console import Console

from hashbench.evaluation.headline import HEADLINE
from hashbench.records.results import Results
from hashbench.records.store import Record, Store, stem
from hashbench.records.trial_spec import FLOAT_FEATURES, RANDOM_CODES, PlannedTrial, TrialSpec
from hashbench.reporting.leaderboard.caption import caption, failures, title
from hashbench.reporting.leaderboard.csv_file import csv
from hashbench.reporting.leaderboard.latex import latex
from hashbench.reporting.leaderboard.markdown import markdown, overview
from hashbench.reporting.leaderboard.tables import tables
from hashbench.reporting.leaderboard.terminal import show
from hashbench.reporting.plain_text import rate_text
from hashbench.reporting.write import write_reports
from tests.reporting.made_records import CARD, failed, grid_of_records, make_record


@pytest.fixture
def records() -> list[Record]:
    return [*grid_of_records(), make_record("lsh", 16, 0.40), make_record("lsh", 32, 0.50)]


def test_rows_are_ranked_by_their_mean_and_incomplete_ones_are_not(records: list[Record]) -> None:
    (table,) = tables(Results(tuple(records)))
    assert table.columns == [16, 32]
    assert [row.method for row in table.ranked] == ["bgan", "itq", "lsh"]
    assert [row.method for row in table.unranked] == ["slow"]
    assert [row.method for row in table.references] == [FLOAT_FEATURES, RANDOM_CODES]
    assert table.best(32) == 0.85


def test_every_report_walks_the_rows_in_one_order(records: list[Record]) -> None:
    (table,) = tables(Results(tuple(records)))
    assert [(line.kind, line.rank, line.row.method) for line in table.lines()] == [
        ("ranked", 1, "bgan"),
        ("ranked", 2, "itq"),
        ("ranked", 3, "lsh"),
        ("unranked", None, "slow"),
        ("reference", None, FLOAT_FEATURES),
        ("reference", None, RANDOM_CODES),
    ]
    best = [
        (line.row.method, bits) for line in table.lines() for bits in table.columns if table.is_best(line.row, bits)
    ]
    assert best == [("bgan", 16), ("bgan", 32)]


def test_a_row_of_which_one_repetition_failed_is_not_ranked() -> None:
    several = (
        make_record("itq", 16, 0.9),
        failed(make_record("itq", 16, 0.9, repetition=1)),
        make_record("lsh", 16, 0.4),
    )
    (table,) = tables(Results(several))
    assert [row.method for row in table.ranked] == ["lsh"]
    assert [row.method for row in table.unranked] == ["itq"]


@pytest.mark.parametrize(
    ("broken", "ranks"),
    [
        ({32: 0.05}, {"good": 1, "fair": 2, "chance": 3}),
        ({32: 0.2}, {"good": 1, "fair": 2, "chance": None}),  # chance would be third though it is fourth
        ({32: 0.9}, {"good": None, "fair": None, "chance": None}),
        ({}, {"good": 1, "fair": 2, "chance": 3}),
    ],
)
def test_no_row_has_a_rank_while_a_better_one_is_incomplete(
    broken: dict[int, float], ranks: dict[str, int | None]
) -> None:
    values = {"good": 0.8, "fair": 0.5, "chance": 0.1}
    several = [make_record(method, bits, value) for method, value in values.items() for bits in (16, 32)]
    several.append(failed(make_record("broken", 16, 0.9)))
    several += [make_record("broken", bits, value) for bits, value in broken.items()]
    (table,) = tables(Results(tuple(several)))
    assert {row.method: row.rank for row in table.ranked} == ranks
    assert [row.method for row in table.ranked] == list(values)
    assert [line.rank for line in table.lines()] == [*ranks.values(), None]
    assert ("Nor has a complete row a rank" in " ".join(caption(table))) == (None in ranks.values())
    assert markdown([table]).count("| – | good |") == (ranks["good"] is None)


def test_repetitions_become_mean_and_standard_deviation(records: list[Record]) -> None:
    (table,) = tables(Results(tuple(records)))
    cell = table.ranked[1].cell(16)
    assert cell.mean(HEADLINE) == pytest.approx(0.62)
    assert cell.deviation(HEADLINE) == pytest.approx(0.02 * 2**0.5)
    assert "| 2 | itq | 0.620 ± 0.028 | 0.700 |" in markdown([table])


def test_the_float_reference_stands_in_every_column(records: list[Record]) -> None:
    (table,) = tables(Results(tuple(records)))
    assert "|  | *reference-float* | 0.720 | 0.720 |" in markdown([table])


def test_a_failure_is_visible_with_its_reason(records: list[Record]) -> None:
    (table,) = tables(Results(tuple(records)))
    assert failures(table) == ["slow 16 bits #0: timeout in fit: stopped after its time-out of 5 s"]
    assert "| – | slow | timeout | 0.300 |" in markdown([table])


def test_captions_say_what_a_number_needs_to_be_quoted(records: list[Record]) -> None:
    text = " ".join(caption(tables(Results(tuple(records)))[0]))
    for part in ("'hits'", "exact expectation", "200 queries", "chance 0.106", "c" * 16, "metrics version 1"):
        assert part in text
    assert "2 queries without any relevant database item" in text
    assert "each with a seed of its own: 2 of itq; 1 of bgan, itq, lsh, slow (deterministic" in text


def test_a_method_of_which_repetitions_are_missing_is_not_called_deterministic() -> None:
    seeds = [make_record("lsh", 16, 0.4), make_record("lsh", 16, 0.5, repetition=1), make_record("lsh", 32, 0.5)]
    text = " ".join(caption(tables(Results(tuple(seeds)))[0]))
    assert "each with a seed of its own: 2 of lsh; 1 of lsh." in text


def test_a_caption_counts_no_repetitions_where_no_method_has_one() -> None:
    records = (failed(make_record("slow", 16, 0.9)), make_record(RANDOM_CODES, 16, 0.106))
    text = " ".join(caption(tables(Results(records))[0]))
    assert "chance 0.106" in text
    assert "repetition of each" not in text


@pytest.mark.parametrize("change", [{"protocol": "digits/other"}, {"limit": 100}, {"supervised": True}])
def test_what_may_not_be_compared_stands_in_tables_of_its_own(records: list[Record], change: dict[str, Any]) -> None:
    other = make_record("other", 16, 0.99, **change)
    shown = tables(Results((*records, other)))
    assert len(shown) == 2
    assert ["other"] in [[row.method for row in table.ranked] for table in shown]


def test_presets_and_changed_parameters_are_rows_of_their_own() -> None:
    several = [
        make_record("bgan", 16, 0.8),
        make_record("bgan", 16, 0.7, preset="quick"),
        make_record("bgan", 16, 0.6, variant={"epochs": 4}),
        make_record("bgan", 16, 0.5, preset="quick", variant={"epochs": 4}),
    ]
    (table,) = tables(Results(tuple(several)))
    assert [row.label for row in table.ranked][:2] == ["bgan", "bgan [quick]"]
    assert [row.label for row in table.ranked][3] == "bgan [quick; epochs=4]"
    assert "Presets: bgan: quick." in caption(table)


def test_of_two_records_with_one_identity_the_newer_stands_and_a_stale_one_is_marked(records: list[Record]) -> None:
    newer = {**make_record("lsh", 16, 0.45), "key": "f" * 16}
    (table,) = tables(Results((newer, *records)), stale=frozenset({"f" * 16}))
    row = next(row for row in table.ranked if row.method == "lsh")
    assert row.cell(16).values(HEADLINE) == [0.45]
    assert "| 3 | lsh | 0.450† | 0.500 |" in markdown([table])
    assert any("sources that have changed" in sentence for sentence in caption(table))


def test_a_record_of_todays_sources_goes_before_a_newer_one_of_others() -> None:
    older, newer = make_record("lsh", 16, 0.4), {**make_record("lsh", 16, 0.5), "key": "f" * 16}
    (table,) = tables(Results((older, newer)), current=frozenset({older["key"]}))
    assert table.ranked[0].cell(16).values(HEADLINE) == [0.4]


def test_parameters_that_differ_are_never_averaged_even_where_a_default_changed() -> None:
    before, after = make_record("lsh", 16, 0.4), make_record("lsh", 16, 0.5)
    before["trial"]["parameters"], after["trial"]["parameters"] = {"x": 1, "y": 0}, {"x": 2, "y": 0}
    (table,) = tables(Results((before, after)))
    assert [row.label for row in table.ranked] == ["lsh [x=2]", "lsh [x=1]"]


def test_another_root_seed_is_another_table() -> None:
    shown = tables(Results((make_record("pcah", 16, 0.4), make_record("pcah", 16, 0.4, seed=1))))
    assert [title(table).endswith("seed 1") for table in shown] == [False, True]


def test_supervised_methods_have_floor_and_ceiling_too(records: list[Record]) -> None:
    supervised = make_record("with_labels", 16, 0.99, supervised=True)
    shown = tables(Results((*records, supervised)))
    assert [[row.method for row in table.references] for table in shown] == [[FLOAT_FEATURES, RANDOM_CODES]] * 2


def test_what_methods_see_stands_beside_them_where_one_sees_more_than_images(records: list[Record]) -> None:
    def written(*more: Record) -> dict[str, str]:
        shown = tables(Results((*records, *more)))
        console = Console(file=io.StringIO(), width=150)
        show(shown, console)
        assert isinstance(console.file, io.StringIO)
        formats = {"markdown": markdown(shown), "csv": csv(shown), "latex": latex(shown)}
        return {**formats, "terminal": console.file.getvalue()}

    headings = {"markdown": "| method | sees |", "csv": "method,information,", "latex": "Method & Sees &"}
    headings["terminal"] = "sees"
    assert not [name for name, text in written().items() if headings[name] in text]
    with_captions = written(*(make_record("clip", bits, 0.9, information="captions") for bits in (16, 32)))
    assert not [name for name, text in with_captions.items() if headings[name] not in text]
    assert "| 1 | clip | captions | **0.900** |" in with_captions["markdown"]
    assert "| 2 | bgan | images | 0.800 |" in with_captions["markdown"]
    assert "|  | *reference-random* | – | 0.106 |" in with_captions["markdown"]
    assert "& CLIP & captions & " in with_captions["latex"]


def test_records_of_supervised_methods_say_labels_and_so_do_older_ones() -> None:
    new, old = (
        make_record("with_labels", 16, 0.99, supervised=True, information=each) for each in ("labels", "images")
    )
    assert (new["information"], old.get("information")) == ("labels", None)
    assert [tables(Results((each,)))[0].ranked[0].information for each in (new, old)] == ["labels"] * 2


def test_the_csv_has_a_line_per_cell_with_every_metric(records: list[Record]) -> None:
    text = csv(tables(Results(tuple(records))))
    frame = pd.read_csv(io.StringIO(text), dtype=str)
    assert set(frame["rank"].dropna()) <= set("123456789"), "whole numbers, though references have none"
    frame = pd.read_csv(io.StringIO(text))
    assert len(frame) == 11
    line = frame[(frame["method"] == "itq") & (frame["bits"] == 16)].iloc[0]
    assert (line["rank"], line["repetitions"], line["map@1000"]) == (2, 2, pytest.approx(0.62))
    assert line["map@1000 sd"] == pytest.approx(0.02 * 2**0.5)
    assert frame[frame["method"] == "slow"]["troubled"].fillna("").tolist() == ["timeout", ""]


def test_the_terminal_shows_every_row(records: list[Record]) -> None:
    console = Console(file=io.StringIO(), width=110)
    changed = [make_record("bgan", bits, 0.1, variant={"epochs": 4}) for bits in (16, 32)]
    show(tables(Results((*records, *changed))), console)
    assert isinstance(console.file, io.StringIO)
    printed = console.file.getvalue()
    assert all(
        name in printed
        for name in ("bgan", "itq", "lsh", "slow", "reference-float", "time-out of 5 s", "bgan [epochs=4]")
    )


def test_the_order_of_records_does_not_change_a_byte(records: list[Record], tmp_path: Path) -> None:
    written = []
    for number, order in enumerate((records, records[::-1])):
        store = Store(tmp_path / str(number))
        store.prepare()
        for record in order:
            trial = TrialSpec(**record["trial"])
            store.write_record(PlannedTrial(trial, record["fingerprint"], CARD, ""), record)
        files = write_reports(store.root)
        written.append({file.name: file.read_bytes() for file in files})
    assert written[0] == written[1]
    assert {name.rpartition(".")[2] for name in written[0]} == {"md", "csv", "html", "png", "svg"}


def test_file_names_are_safe() -> None:
    trial = TrialSpec("m", {}, 8, "folder", "folder/x y:z", "pixels", "float32", None, {}, None, None, 0, 0)
    assert stem(PlannedTrial(trial, {"card": "c"}, CARD, "")).startswith("folder-x_y_z-m-8-0-")


def test_captions_say_what_the_card_and_the_features_add_to_a_number() -> None:
    card = {
        "missing": {"query": 419, "database": 4581, "train": 0},
        "unlabelled": {"query": 0, "database": 322, "train": 0},
    }
    (table,) = tables(Results((make_record("itq", 16, 0.5, card=card, features_weights="ab" * 32),)))
    text = " ".join(caption(table))
    assert "Not the full protocol: the images of 419 query, 4,581 database items are missing." in text
    assert "322 database items have no label and are distractors." in text
    assert f"Weights of pixels: sha256 {'ab' * 8}." in text


def test_tables_on_features_of_other_weights_say_so_in_their_titles() -> None:
    several = tuple(make_record("itq", 16, 0.5, features_weights=weights * 32) for weights in ("ab", "cd"))
    assert [title(table) for table in tables(Results(several))] == [
        f"mAP@1000 on digits/holdout-200, features pixels of weights {weights * 4}" for weights in ("ab", "cd")
    ]
    (alone,) = tables(Results(several[:1]))
    assert title(alone) == "mAP@1000 on digits/holdout-200, features pixels"


def test_encoders_that_began_at_other_weights_are_rows_of_their_own() -> None:
    several = [
        make_record("bgan", 16, value, backbones={"net": weights * 32}) for value, weights in ((0.5, "ab"), (0.6, "cd"))
    ]
    (table,) = tables(Results(tuple(several)))
    assert [row.label for row in table.ranked] == ["bgan [net weights=cdcdcdcd]", "bgan [net weights=abababab]"]
    assert f"Weights of the encoder net: sha256 {'ab' * 8}." in caption(table)


def test_half_precision_features_stand_in_a_table_of_their_own_and_say_so() -> None:
    shown = tables(Results((make_record("itq", 16, 0.5), make_record("itq", 16, 0.5, features_dtype="float16"))))
    assert [title(table).partition("features ")[2] for table in shown] == ["pixels in float16", "pixels"]


def test_details_have_the_protocols_customary_cut_off() -> None:
    (usual,) = tables(Results((make_record("itq", 16, 0.5, card={"cutoff": 1000}),)))
    assert markdown([usual]).count("| mAP@1000 |") == 1
    record = make_record("itq", 16, 0.5, card={"cutoff": 5000})
    record["metrics"]["map@5000"] = 0.123
    head, _, row = markdown(tables(Results((record,)))).partition("### Details\n\n")[2].splitlines()[:3]
    assert dict(zip(head.split(" | "), row.split(" | "), strict=True))["mAP@5000"] == "0.123"


@pytest.mark.parametrize(
    ("rate", "text"), [(None, "–"), (6_543_210.0, "6,540,000"), (1234.5, "1,230"), (12.345, "12.3"), (0.5678, "0.57")]
)
def test_rates_have_three_figures(rate: float | None, text: str) -> None:
    assert rate_text(rate) == text


def test_the_frame_and_the_csv_say_what_is_missing() -> None:
    missing = {"query": 1, "database": 20, "train": 3}
    content = Results((make_record("itq", 16, 0.5, card={"missing": missing}),))
    (row,) = content.frame().to_dict("records")
    assert (row["card"], row["missing"]) == (CARD["id"], 24)
    (line,) = pd.read_csv(io.StringIO(csv(tables(content)))).to_dict("records")
    assert [line[f"{part}_missing"] for part in missing] == [1, 20, 3]
    assert [line[f"{part}_items"] for part in missing] == [200, 1597, 1597]


def test_of_two_kinds_of_device_the_one_with_more_repetitions_is_shown_and_the_caption_says_so() -> None:
    cpu = [make_record("itq", 16, 0.5, repetition=number) for number in range(2)]
    gpu = make_record("itq", 16, 0.7)
    gpu["fingerprint"]["device"] = "cuda"
    for records in ([*cpu, gpu], [gpu, *cpu]):
        (table,) = tables(Results(tuple(records)))
        assert table.ranked[0].cell(16).mean("map@1000") == 0.5
        assert "Left out: 1 record of cuda, where another kind of device has as many repetitions or more." in caption(
            table
        )
    (alone,) = tables(Results((gpu,)))
    assert "Left out" not in " ".join(caption(alone))


def test_a_precision_from_auto_is_in_labels_only_where_a_table_has_two() -> None:
    records = []
    for precision, value in (("float32", 0.5), ("bfloat16", 0.4)):
        record = make_record("bgan", 16, value)
        record["trial"]["parameters"] = {"precision": precision}
        records.append(record)
    (both,), (one,) = (tables(Results(tuple(shown))) for shown in (records, records[:1]))
    assert [row.label for row in both.ranked] == ["bgan [precision=float32]", "bgan [precision=bfloat16]"]
    assert [row.label for row in one.ranked] == ["bgan"]


@pytest.mark.parametrize(
    ("others", "fits", "rates"),
    [
        ([0.0, 0.2], "", ""),
        ([0.1, 0.9], "The time of 1 of 2 trainings says little: ", "The rates of 1 of 2 trials are too low: "),
        ([1.5, 0.6], "The times of all 2 trainings say little: ", "The rates of all 2 trials are too low: "),
        ([1.5], "The time of 1 training says little: ", "The rates of 1 trial are too low: "),
    ],
)
def test_captions_name_times_that_other_programs_disturbed(others: list[float], fits: str, rates: str) -> None:
    made = [make_record("lsh", bits, 0.5) for bits in (16, 32)[: len(others)]]
    hardware = {"id": "h" * 12, "cpu": "a CPU", "cores": 2, "threads": 2, "gpus": [], "device": "cpu"}
    throughputs = []
    for record, cores in zip(made, others, strict=True):
        record["environment"] |= {"hardware": hardware, "other_cores": cores}
        measured = {"encode": {"images_per_s": {"median": 5.0}}, "search": {"100": {"queries_per_s": {"median": 7.0}}}}
        throughputs.append({"key": record["key"], "hardware": hardware, "other_cores": cores, **measured})
    (table,) = tables(Results(tuple(made), throughputs=tuple(throughputs)))
    text = " ".join(caption(table))
    assert fits in text
    assert rates in text
    assert ("other work took up to" in text) == (fits != "")
    if fits:
        assert text.count(f"up to {max(others):.1f} of 2 cores meanwhile") == 2
    assert "Rates were measured on a CPU" in markdown([table])
    without = " ".join(overview(table))  # which has neither times nor rates
    assert "chance" in without
    assert not any(words in without for words in ("Rates", "rates", "say little", "says little"))

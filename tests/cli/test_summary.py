"""What a run says at its end, and of its time before it begins."""

from collections.abc import Callable
from pathlib import Path

from hashbench.cli.summary import counts_text, summary
from hashbench.execution.run import make_settings, plan_grids
from hashbench.planning.grid import Grid
from hashbench.records.new_record import mark_failed, new_record
from hashbench.records.store import Store
from tests.cli.conftest import Done, call
from tests.reporting.made_records import failed, make_record

__all__ = ["call"]

Call = Callable[..., Done]


def test_failures_are_named_first_with_phase_and_reason() -> None:
    broken = failed(make_record("lsh", 16, 0.4, variant={"epochs": 4}))
    lines = summary([make_record("itq", 16, 0.5), broken], " --results out")
    trial = "lsh 16 bits on digits/holdout-200, pixels, epochs=4"
    assert lines == [
        f"timeout  {trial}: stopped after its time-out of 5 s (in fit)",
        f"1 of 2 trials failed; hashbench show {broken['key']} --results out has the end of its log",
    ]


def test_ten_failures_are_named_and_the_others_counted() -> None:
    records = [failed(make_record("lsh", bits, 0.4)) for bits in range(1, 24)]
    lines = summary(records, "")
    assert len(lines) == 12
    assert lines[10] == "... and 13 more"
    assert lines[11].startswith("23 of 23 trials failed; ")


def test_a_reason_is_one_line_that_commands_no_terminal() -> None:
    record = mark_failed(make_record("lsh", 16, 0.4), "failed", None, "\n\x1b[2Jgone\nmore", [])
    assert summary([record], "")[0].endswith(": \\x1b[2Jgone")
    record["error"]["message"] = ""
    assert summary([record], "")[0].endswith(": no reason was recorded")


def test_where_all_went_well_there_are_counts() -> None:
    assert summary([make_record("itq", 16, 0.5)], "") == ["1 trial: 1 ok"]
    assert summary([], "") == []
    assert counts_text({"ok": 1}) == "1 trial: 1 ok"
    assert counts_text({"ok": 5, "skipped": 1, "failed": 2, "killed": 3}).startswith(
        "11 trials: 2 failed, 3 killed, 5 ok"
    )


def test_skipped_trials_are_named_with_their_reason_and_are_no_failures() -> None:
    skipped = mark_failed(make_record("itq", 128, 0.4), "skipped", "fit", "128 bits of 64", [])
    trial = "itq 128 bits on digits/holdout-200, pixels"
    named = f"skipped  {trial}: 128 bits of 64 (in fit)"
    assert summary([make_record("itq", 16, 0.5), skipped], "") == [named, "2 trials: 1 ok, 1 skipped"]
    many = summary([failed(make_record("lsh", 16, 0.4)), *[skipped] * 12], "")
    assert many[0].startswith("timeout ")
    assert many[1:12] == [*[named] * 10, "... and 2 more"]
    assert many[12].startswith("1 of 13 trials failed; ")


def test_a_dry_run_says_how_long_it_may_take(call: Call, tmp_path: Path) -> None:
    words = ("run", "--methods", "lsh", "--bits", "8", "--repeats", "3", "--device", "cpu", "--dry-run")
    assert call(*words).out.splitlines()[-1] == "7 of 7 trials to run, of which no earlier record tells the time"
    settings = make_settings(tmp_path / "results", None, "cpu")
    store = Store(settings.results)
    store.prepare()
    for entry in plan_grids([Grid(("lsh",), (8,))], settings).entries:
        record = new_record(entry.planned, "cpu", {"git_commit": None, "git_dirty": None, "command": "test"})
        if entry.planned.trial.method == "lsh":
            store.write_record(entry.planned, {**record, "status": "ok", "seconds": {"fit": 50.0, "features": 500.0}})
    assert call(*words).out.splitlines()[-1] == (
        "6 of 7 trials to run, about 1 min 40 s one after the other by earlier records; of 4 of them no earlier record "
        "tells"
    )

"""The local executor: whatever happens to a trial, it leaves a record and the grid goes on."""

import contextlib
import json
import multiprocessing
import os
import signal
import struct
import time
import uuid
from pathlib import Path
from types import SimpleNamespace
from typing import Any, cast

import jsonschema
import numpy as np
import pytest

import hashbench as hb
from hashbench.data import spec
from hashbench.dataset import Dataset
from hashbench.execution import run
from hashbench.execution.local import LocalExecutor
from hashbench.execution.outcome import OUT_OF_MEMORY, ProcessEnd, status_and_message
from hashbench.execution.run import make_settings
from hashbench.execution.trial_process import TrialProcess
from hashbench.planning import task
from hashbench.records.schema import schema
from tests.command import hashbench, script, start


def records(folder: Path) -> dict[str, dict[str, Any]]:
    """By method, of the bits that were asked for; every file must be readable."""
    all_records = [json.loads(path.read_text()) for path in (folder / "results/records").glob("*.json")]
    for record in all_records:
        jsonschema.validate(record, schema("record"))
    return {f"{r['trial']['method']}-{r['trial']['bits']}": r for r in all_records}


def alive(pid: int) -> bool:
    """Whether a process runs; one that ended and that nobody has asked for its exit code yet does not."""
    try:
        stat = Path(f"/proc/{pid}/stat").read_text()
    except OSError:
        return False
    return stat.rpartition(")")[2].split()[0] != "Z"


def test_a_grid_with_four_kinds_of_accident_ends_with_four_ok_and_four_explained(tmp_path: Path) -> None:
    pids = tmp_path / "pids"
    done = hashbench(
        *("run", "--methods", "first_pixels,raises,killed,hangs,vanishes,lsh", "--bits", "8", "--timeout", "6"),
        "--no-rates",
        cwd=tmp_path,
        HASHBENCH_TEST_PIDS=str(pids),
    )
    by_name = records(tmp_path)
    assert len(by_name) == 8
    assert done.returncode == 1
    assert sum(record["status"] == "ok" for record in by_name.values()) == 4
    raised = by_name["raises-8"]
    assert raised["status"] == "failed"
    assert (raised["error"]["phase"], raised["error"]["exception"]) == ("fit", "ZeroDivisionError")
    assert raised["error"]["log"][-1] == "ZeroDivisionError: nothing to divide by"
    assert by_name["killed-8"]["status"] == "killed"
    assert "SIGKILL" in by_name["killed-8"]["error"]["message"]
    assert by_name["hangs-8"]["status"] == "timeout"
    assert by_name["hangs-8"]["error"]["message"] == "stopped after its time-out of 6 s"
    assert by_name["vanishes-8"]["status"] == "failed"
    assert by_name["vanishes-8"]["error"]["message"] == "exited with code 0 and left no record"
    for name in ("killed-8", "hangs-8", "vanishes-8"):
        assert by_name[name]["error"]["phase"] == "fit"
    assert not any(alive(int(pid)) for pid in pids.read_text().split())
    for name in ("raises", "killed", "hangs", "vanishes"):
        assert name in (tmp_path / "results/leaderboard.md").read_text()
        assert f"{name} 8 bits" in done.stdout
    assert "about to divide" in next((tmp_path / "results/logs").glob("*raises*")).read_text()


def test_kill_9_leaves_readable_records_and_no_process_and_the_same_command_goes_on(tmp_path: Path) -> None:
    pids = tmp_path / "pids"
    words = ["run", "--methods", "lsh,hangs", "--bits", "8"]
    grid = start(*words, cwd=tmp_path, HASHBENCH_TEST_PIDS=str(pids))
    deadline = time.monotonic() + 60
    while not (pids.exists() and len(pids.read_text().split()) == 2):
        assert time.monotonic() < deadline
        time.sleep(0.05)
    grid.kill()
    grid.wait()
    killed = time.monotonic()
    trial, grandchild = (int(pid) for pid in pids.read_text().split())
    while alive(trial) or alive(grandchild):
        assert time.monotonic() < killed + 60
        time.sleep(0.1)
    assert set(records(tmp_path)) == {"reference-float-None", "reference-random-8", "lsh-8"}
    done = hashbench(*words, "--timeout", "2", "--no-rates", cwd=tmp_path)
    assert "3 of 4 trials have their record already" in done.stderr
    assert records(tmp_path)["hangs-8"]["status"] == "timeout"


def processes_with(mark: str) -> list[int]:
    """Numbers of the living processes whose environment has ``mark``."""
    process_ids = []
    for folder in Path("/proc").glob("[0-9]*"):
        with contextlib.suppress(OSError):
            if mark.encode() in (folder / "environ").read_bytes() and alive(int(folder.name)):
                process_ids.append(int(folder.name))
    return process_ids


@pytest.mark.slow
def test_kill_9_at_any_moment_costs_nothing_but_the_trial_that_ran(tmp_path: Path) -> None:
    words = ["run", "--methods", "lsh,itq,first_pixels", "--bits", "8,16"]
    whole, broken = tmp_path / "whole", tmp_path / "broken"
    whole.mkdir()
    broken.mkdir()
    assert hashbench(*words, cwd=whole).returncode == 0
    for number in range(8):
        mark = f"HASHBENCH_TEST_MARK={uuid.uuid4()}"
        grid = start(*words, cwd=broken, **dict([mark.split("=")]))
        time.sleep(2.0 + 0.7 * number)
        grid.kill()
        grid.wait()
        killed = time.monotonic()
        while processes_with(mark):
            assert time.monotonic() < killed + 60
            time.sleep(0.1)
        records(broken)
    assert hashbench(*words, cwd=broken).returncode == 0
    left = [path.name for path in (broken / "results").rglob(".*")]
    assert left == []
    for path in (whole / "results/records").glob("*.npz"):
        same = np.load(broken / "results/records" / path.name)
        for name, values in np.load(path).items():
            np.testing.assert_array_equal(same[name], values)


def test_ctrl_c_once_finishes_the_trial_that_runs_and_leaves_the_rest(tmp_path: Path) -> None:
    grid = start("run", "--methods", "lsh,pcah,itq", "--bits", "8,16", "--no-rates", cwd=tmp_path)
    assert grid.stderr is not None
    for line in grid.stderr:
        if line.startswith("[1/"):
            os.kill(grid.pid, signal.SIGINT)
            break
    rest = grid.stderr.read()
    assert grid.wait(60) == 1
    by_name = records(tmp_path)
    assert all(record["status"] == "ok" for record in by_name.values())
    assert 1 <= len(by_name) <= 3
    assert f"stopped: {9 - len(by_name)} trials left; the same command goes on from here" in rest


@pytest.mark.slow
@pytest.mark.parametrize("sent", [(signal.SIGINT, signal.SIGINT), (signal.SIGTERM,), (signal.SIGHUP,)])
def test_ctrl_c_twice_or_the_end_of_a_job_stops_at_once_and_the_same_command_goes_on(
    tmp_path: Path, sent: tuple[signal.Signals, ...]
) -> None:
    pids = tmp_path / "pids"
    words = ["run", "--methods", "lsh,hangs", "--bits", "8"]
    before = signal.signal(signal.SIGHUP, signal.SIG_DFL)  # nohup, which may run the tests, has it ignored
    try:
        grid = start(*words, cwd=tmp_path, HASHBENCH_TEST_PIDS=str(pids))
    finally:
        signal.signal(signal.SIGHUP, before)
    deadline = time.monotonic() + 60
    while not (pids.exists() and len(pids.read_text().split()) == 2):
        assert time.monotonic() < deadline
        time.sleep(0.05)
    for number in sent:  # as a terminal does: to every process of the group
        os.killpg(grid.pid, number)
        time.sleep(0.5)
    _, errors = grid.communicate(timeout=120)
    assert grid.returncode == 1
    assert "stopped: 1 trials left; the same command goes on from here" in errors
    assert "Traceback" not in errors
    assert (tmp_path / "results/leaderboard.md").exists()
    assert not any(alive(int(pid)) for pid in pids.read_text().split())
    assert set(records(tmp_path)) == {"reference-float-None", "reference-random-8", "lsh-8"}


@pytest.mark.slow
def test_a_record_that_is_made_again_stays_until_its_successor_is_whole(tmp_path: Path) -> None:
    words = ["run", "--methods", "lsh", "--bits", "8"]
    hashbench(*words, cwd=tmp_path)
    first = records(tmp_path)["lsh-8"]
    done = hashbench(*words, "--rerun", "all", "--timeout", "0.01", cwd=tmp_path)
    assert done.returncode == 1
    assert records(tmp_path)["lsh-8"]["status"] == "timeout"
    done = hashbench(*words, "--rerun", "failed", cwd=tmp_path)
    again = records(tmp_path)["lsh-8"]
    assert (again["status"], again["metrics"]) == ("ok", first["metrics"])


@pytest.mark.parametrize("phase", ["features", "neighbours"])
def test_the_clock_of_a_time_out_stands_still_while_features_and_neighbours_are_found(phase: str) -> None:
    watch = TrialProcess(cast("Any", None), cast("Any", None), cast("Any", None), started=100.0)
    watch.enter("load", 100.0)
    watch.enter(phase, 101.0)
    assert not watch.overdue(5, 400.0)
    watch.enter("fit", 401.0)
    assert not watch.overdue(5, 404.9)
    assert watch.overdue(5, 405.1)
    assert not watch.overdue(None, 1e9)


def test_a_message_that_breaks_off_ends_the_events_and_not_the_grid() -> None:
    receiver, sender = multiprocessing.Pipe(duplex=False)
    os.write(sender.fileno(), struct.pack("!i", 5000) + b"half a message")
    sender.close()
    process = TrialProcess(cast("Any", None), cast("Any", None), receiver)
    assert process.read_event() is None
    assert not process.pipe_open


def test_a_signal_without_a_name_is_recorded_by_its_number(tmp_path: Path) -> None:
    end = ProcessEnd(exit_code=-40, stopped=None, phase="fit", seconds=1.0)
    assert status_and_message(end, make_settings(tmp_path, None)) == ("killed", "ended by signal 40")


def test_memory_that_ran_out_is_told_from_other_kills(tmp_path: Path) -> None:
    settings = make_settings(tmp_path, None, slot_options={"memory": "1.5G"})
    stopped = ProcessEnd(-9, OUT_OF_MEMORY, "fit", 1.0, host_peak_bytes=7 << 28)
    reason = "took 1.75 GiB of the host's memory, more than its limit of 1.5 GiB (--memory)"
    assert status_and_message(stopped, settings) == ("oom", reason)
    barely = ProcessEnd(-9, OUT_OF_MEMORY, "fit", 1.0, host_peak_bytes=(3 << 29) + 4096)
    assert status_and_message(barely, settings) == ("oom", reason.replace("1.75", "1.51"))
    by_system = ProcessEnd(-9, None, "fit", 1.0, ended_by_system=True)
    assert status_and_message(by_system, settings) == (
        "oom",
        "ended by the system because the host's memory ran out",
    )
    assert status_and_message(ProcessEnd(-9, None, "fit", 1.0), settings)[0] == "killed"
    assert status_and_message(ProcessEnd(-11, None, "fit", 1.0, ended_by_system=True), settings)[0] == "killed"


def test_a_phase_that_the_time_out_does_not_count_is_in_no_total() -> None:
    now = time.monotonic()
    process = cast("Any", SimpleNamespace(exitcode=1))
    watch = TrialProcess(cast("Any", None), process, cast("Any", None), started=now - 100)
    watch.enter("features", now - 90)
    assert watch.end().seconds == pytest.approx(10)


UNGUARDED = """import os
import sys
import warnings
from multiprocessing import forkserver
import hashbench as hb
from hashbench.execution.local import LocalExecutor

LocalExecutor().prepare()
print(forkserver._forkserver._forkserver_pid is not None)
asked = dict(bits=8, results="r", rates=False)
print([record["status"] for record in hb.run(methods="lsh", **asked).records], flush=True)
warnings.filterwarnings("ignore", "This process .* is multi-threaded")  # Python 3.12 says so of each such fork
if os.fork() == 0:
    print([record["status"] for record in hb.run(methods="pcah", **asked).records], flush=True)
    os._exit(0)
sys.exit(os.waitstatus_to_exitcode(os.wait()[1]))
"""


def test_a_script_without_main_guard_runs_a_grid_from_any_folder_and_so_does_its_fork(tmp_path: Path) -> None:
    """Its trials are forked from a server that ``prepare`` starts, and in a fork, which cannot use that, started anew.

    They import the hashbench that planned them, and not what lies under that name in the current folder.
    """
    (tmp_path / "hashbench").mkdir()
    (tmp_path / "hashbench/__init__.py").write_text("raise RuntimeError('the wrong one')")
    done = script(tmp_path / "elsewhere/script.py", UNGUARDED, cwd=tmp_path)
    lines = ["True", *["['ok', 'ok', 'ok']"] * 2]
    assert (done.returncode, done.stdout.splitlines(), done.stderr) == (0, lines, "")


def test_a_daemonic_worker_is_told_of_the_inline_executor(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A worker of a Pool is such a process, which Python lets start no other."""
    worker = multiprocessing.current_process()
    monkeypatch.setattr(worker, "daemon", True)
    asked: Any = {"methods": "lsh", "bits": 8, "results": tmp_path, "rates": False}
    told = r"a process for each trial, which a daemonic worker .* executor=\"inline\""
    with pytest.raises(hb.UsageError, match=told):
        hb.run(**asked)
    assert [record["status"] for record in hb.run(**asked, executor="inline").records] == ["ok"] * 3


def test_trials_are_prepared_before_the_plan_is_made_and_a_data_set_is_opened_once_for_both(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    steps: list[str] = []
    open_dataset = spec.open_dataset

    def open_and_note(*given: Any) -> Dataset:
        steps.append("open")
        return open_dataset(*given)

    class Idle(LocalExecutor):
        def prepare(self) -> None:
            steps.append("prepare")

        def run(self, *_given: Any) -> bool:
            steps.append("run")
            return True

    monkeypatch.setattr(run, "executor", lambda *_given: Idle())
    monkeypatch.setattr(task, "open_dataset", open_and_note)
    hb.run(methods="lsh", bits=8, results=tmp_path, progress=False)
    assert steps == ["prepare", "open", "run"]

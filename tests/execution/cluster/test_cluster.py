"""Whole grids on a ray cluster of three nodes on this machine: lost nodes, killed drivers, nodes that differ."""

import time
import uuid
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import hashbench as hb
from hashbench import datasets, methods
from hashbench.errors import UsageError
from hashbench.execution.cluster import grid
from hashbench.execution.events import Event
from hashbench.plugins.registry import DATASETS
from tests.command import hashbench, start
from tests.execution.test_local import processes_with, records

pytest.importorskip("ray", reason="ray is not installed: pip install 'hashbench[ray]'")
pytestmark = pytest.mark.slow

QUIET = {"include_dashboard": False, "num_cpus": 0}
MakeCluster = Callable[..., Any]
REQUIRE = """    def require(self) -> None:
        if not (self.root / "box").exists():
            from hashbench.errors import UsageError

            raise UsageError(f"no box in {self.root}")
"""


@pytest.fixture
def make_cluster(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[MakeCluster]:
    """Starts a cluster whose head runs no trials; its options are those of the head."""
    from ray.cluster_utils import Cluster

    monkeypatch.setenv("HASHBENCH_CACHE", str(tmp_path / "cache"))
    monkeypatch.setenv("RAY_USAGE_STATS_ENABLED", "0")
    monkeypatch.setenv("RAY_worker_niceness", "0")
    monkeypatch.delenv("RAY_ADDRESS", raising=False)
    clusters = []

    def make(**head: Any) -> Any:
        clusters.append(Cluster(initialize_head=True, head_node_args={**QUIET, **head}))
        return clusters[-1]

    yield make
    for cluster in clusters:
        cluster.shutdown()


def files_of(folder: Path, ending: str) -> dict[str, Path]:
    return {file.name: file for file in (folder / "records").glob(f"*{ending}")}


def test_a_node_killed_in_the_middle_costs_nothing_and_codes_are_those_of_local(
    make_cluster: MakeCluster, tmp_path: Path
) -> None:
    """Rankings of the same codes, of which the second takes over what the first left, may run on different nodes."""
    cluster = make_cluster()
    first, _ = (cluster.add_node(num_cpus=1) for _ in range(2))
    running, events = set[str](), list[Event]()

    def kill_one_when_both_are_busy(event: Event) -> None:
        events.append(event)
        if event.kind == "started":
            running.add(event.key)
        running.difference_update([event.key] if event.kind == "finished" else [])
        if len(running) == 2 and cluster.worker_nodes and first in cluster.worker_nodes:
            cluster.remove_node(first, allow_graceful=False)

    asked: dict[str, Any] = {"methods": "lsh", "bits": 8, "rankings": "hamming,asymmetric", "threads": 1}
    both = {"device": "cpu", "rates": False, **asked}
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(tmp_path)
        made = hb.run(
            executor="ray", address=cluster.address, results="r", progress=kill_one_when_both_are_busy, **both
        )
        hb.run(executor="local", results="l", progress=False, **both)
    assert first not in cluster.worker_nodes
    assert [record["status"] for record in made.records] == ["ok"] * 4
    assert any("was lost; " in event.text for event in events if event.kind == "note")
    ended = [event.key for event in events if event.kind == "finished"]
    assert len(set(ended)) == len(ended) == 4
    assert sum("ranked_again" in record["provenance"] for record in made.records) == 1
    theirs, ours = (files_of(tmp_path / folder, ".npz") for folder in "lr")
    assert theirs.keys() == ours.keys()
    for name, file in theirs.items():
        expected, found = dict(np.load(file)), dict(np.load(ours[name]))
        assert expected.keys() == found.keys()
        for part, values in expected.items():
            np.testing.assert_array_equal(found[part], values)
    assert [path.name for path in (tmp_path / "r").rglob(".*")] == []


def is_of_a_trial(pid: int) -> bool:
    """Whether a process is a trial, or ray's worker that watches one; ray's own agents go half a minute later."""
    try:
        command = Path(f"/proc/{pid}/cmdline").read_bytes()
    except OSError:
        return False
    return b"multiprocessing" in command or b"trial_on_node" in command or b"raylet/raylet" in command


def test_a_driver_killed_and_started_again_goes_on_and_leaves_nothing_behind(tmp_path: Path) -> None:
    words = ["run", "--methods", "lsh", "--bits", "8", "--executor", "ray", "--device", "cpu", "--no-rates"]
    mark = f"HASHBENCH_TEST_MARK={uuid.uuid4()}"
    driver = start(*words, cwd=tmp_path, **dict([mark.split("=")]))
    deadline = time.monotonic() + 240
    while len(files_of(tmp_path / "results", ".json")) < 1:
        assert driver.poll() is None
        assert time.monotonic() < deadline
        time.sleep(0.1)
    driver.kill()
    driver.wait()
    complete = {file: file.read_bytes() for file in files_of(tmp_path / "results", ".json").values()}
    deadline = time.monotonic() + 30
    while left := [pid for pid in processes_with(mark) if is_of_a_trial(pid)]:
        assert time.monotonic() < deadline, left
        time.sleep(0.2)
    again = hashbench(*words, cwd=tmp_path, timeout=280)
    assert again.returncode == 0, again.stderr
    by_name = records(tmp_path)
    assert len(by_name) == 3
    assert {record["status"] for record in by_name.values()} == {"ok"}
    assert all(file.read_bytes() == content for file, content in complete.items()), "run again"


@pytest.fixture
def plugins(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A root with a data set that needs a file in the folder of data sets; this process has it, and a method more."""
    root, own = tmp_path / "root", Path(__file__).parents[2] / "plugin_root"
    (root / "methods").mkdir(parents=True)
    (root / "datasets").mkdir()
    source = Path(DATASETS.file("digits")).read_text()
    load = "    def load("
    (root / "datasets/boxed.py").write_text(source.replace("Digits", "Boxed").replace(load, f"{REQUIRE}\n{load}", 1))
    monkeypatch.setattr(datasets, "__path__", [*datasets.__path__, str(root / "datasets")])
    monkeypatch.setattr(methods, "__path__", [*methods.__path__, str(own / "methods")])
    for name in ("data", "empty"):
        (tmp_path / name).mkdir()
    (tmp_path / "data/box").touch()
    monkeypatch.setenv("HASHBENCH_DATA", str(tmp_path / "data"))
    monkeypatch.chdir(tmp_path)
    return root


def test_nodes_that_differ_or_lack_something_are_named_before_anything_runs(
    make_cluster: MakeCluster, tmp_path: Path, plugins: Path
) -> None:
    fake = tmp_path / "fake/hashbench"
    fake.mkdir(parents=True)
    (fake / "__init__.py").touch()
    (fake / "version.py").write_text('__version__ = "0.0.9"\n')
    cluster = make_cluster()
    asked: dict[str, Any] = {"executor": "ray", "address": cluster.address, "bits": 8, "results": "r", "device": "cpu"}

    other = cluster.add_node(num_cpus=1, env_vars={"PYTHONPATH": str(fake.parent)})
    theirs = rf"^node \S+ \({other.node_id[:8]}\) has hashbench 0\.0\.9 and torch \S+"
    with pytest.raises(UsageError, match=f"{theirs}, this machine has hashbench {hb.__version__} and torch"):
        hb.run(methods="lsh", **asked)
    cluster.remove_node(other, allow_graceful=True)

    variables = {"HASHBENCH_PLUGINS": str(plugins), "HASHBENCH_DATA": str(tmp_path / "empty")}
    lacking = cluster.add_node(num_cpus=1, env_vars=variables)
    with pytest.raises(UsageError, match=rf"^node \S+ \({lacking.node_id[:8]}\): no method named 'first_pixels'"):
        hb.run(methods="first_pixels", **asked)
    line = rf"^node \S+ \({lacking.node_id[:8]}\): no box in {tmp_path / 'empty'}$"
    with pytest.raises(UsageError, match=line):
        hb.run(methods="lsh", datasets="boxed", **asked)
    with pytest.raises(UsageError, match=r"^a trial asks for 2 CPU, and no node of the cluster has that \(the most"):
        hb.run(methods="lsh", threads=2, **asked)
    assert not list((tmp_path / "r").rglob("*.json"))


def test_a_node_without_hashbench_that_joins_stops_the_run_and_fails_no_trial(
    make_cluster: MakeCluster, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It stands in for one that joins later: the nodes that are there at the start are looked at before."""
    hidden = tmp_path / "hidden/hashbench"
    hidden.mkdir(parents=True)
    (hidden / "__init__.py").write_text('raise ImportError("not here")\n')
    monkeypatch.setattr(grid, "same_versions", lambda *_: None)
    monkeypatch.setattr(grid, "checked_nodes", lambda *_: {})
    monkeypatch.chdir(tmp_path)  # a worker finds what lies in the driver's folder
    cluster = make_cluster()
    cluster.add_node(num_cpus=1, env_vars={"PYTHONPATH": str(hidden.parent)})
    line = (
        r"^a node at \S+ cannot start trials: ImportError: not here; install the same on all nodes, or stop that node$"
    )
    with pytest.raises(UsageError, match=line):
        hb.run(methods="lsh", bits=8, executor="ray", address=cluster.address, results=tmp_path / "r", device="cpu")
    assert not list((tmp_path / "r").rglob("*.json"))


def test_what_rays_memory_monitor_ends_is_recorded_and_not_started_again(tmp_path: Path) -> None:
    """Started again without end, as ray does by default, the grid would have none."""
    done = hashbench(
        *("run", "--methods", "lsh", "--bits", "8", "--executor", "ray", "--device", "cpu"),
        cwd=tmp_path,
        timeout=280,
        RAY_memory_usage_threshold="0.01",
        RAY_memory_monitor_refresh_ms="100",
    )
    assert done.returncode == 1
    by_name = records(tmp_path)
    assert {record["status"] for record in by_name.values()} == {"oom"}, done.stderr
    assert {record["error"]["message"].partition(" the memory")[0] for record in by_name.values()} == {
        "ended by ray because"
    }

"""Memory cgroups: where they are made, what is written there, and that none is left."""

import subprocess
import sys
from pathlib import Path

import pytest

from hashbench.execution import memory_group
from hashbench.execution.memory_group import MemoryGroup, confine

GIB = 1 << 30
SLEEP = [sys.executable, "-c", "import time; time.sleep(60)"]


def can_confine() -> bool:
    """Whether memory cgroups can be made here."""
    with subprocess.Popen(SLEEP) as process:
        group = confine(process.pid, GIB)
        process.kill()
    if group is not None:
        group.remove()
    return group is not None


@pytest.mark.parametrize(
    ("own", "parent", "limit", "peak"),
    [
        ("4:memory:/job/7\n0::/other", "memory/job/7", "memory.limit_in_bytes", "memory.max_usage_in_bytes"),
        ("0::/user/job", "user/job", "memory.max", "memory.peak"),
        ("0::/", "", "memory.max", "memory.peak"),
    ],
)
def test_a_group_lies_below_that_of_the_run_in_both_versions(
    own: str, parent: str, limit: str, peak: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(memory_group, "ROOT", tmp_path)
    monkeypatch.setattr(memory_group, "OWN", tmp_path / "cgroup")
    assert confine(5, GIB) is None
    (tmp_path / "cgroup").write_text(own + "\n")
    left, other = tmp_path / parent / "hashbench-99999999", tmp_path / parent / "others"
    for folder in (left, other):
        folder.mkdir(parents=True)
    (tmp_path / parent / "cgroup.subtree_control").write_text("cpu memory\n")
    group = confine(5, GIB)
    assert group is not None
    assert group.folder == tmp_path / parent / "hashbench-5"
    assert (group.folder / limit).read_text() == str(GIB + GIB // 16)
    assert (group.folder / "cgroup.procs").read_text() == "5"
    assert (left.exists(), other.exists()) == (False, True)
    assert (group.killed, group.peak) == (False, 0)
    (group.folder / peak).write_text("77\n")
    events = "memory.events" if peak == "memory.peak" else "memory.oom_control"
    (group.folder / events).write_text("under_oom 1\noom_kill 0\n")
    assert (group.killed, group.peak) == (False, 77)
    (group.folder / events).write_text("under_oom 1\noom_kill 1\n")
    assert group.killed


@pytest.mark.parametrize("own", ["", "0::/gone", "4:memory:/gone", "0::/without"])
def test_none_where_none_can_be_made(own: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(memory_group, "ROOT", tmp_path)
    monkeypatch.setattr(memory_group, "OWN", tmp_path / "cgroup")
    (tmp_path / "cgroup").write_text(own)
    (tmp_path / "without").mkdir()
    (tmp_path / "without/cgroup.subtree_control").write_text("cpu pids\n")
    assert confine(5, GIB) is None
    assert not list(tmp_path.rglob("hashbench-*"))


def test_a_process_is_in_its_group_and_the_group_goes_with_it() -> None:
    with subprocess.Popen(SLEEP) as process:
        group = confine(process.pid, GIB)
        inside = group is not None and str(process.pid) in (group.folder / "cgroup.procs").read_text().split()
        process.kill()
    if group is None:
        pytest.skip("no memory cgroup can be made here")
    assert inside
    assert 0 <= group.peak < GIB
    group.remove()
    assert not group.folder.exists()
    assert MemoryGroup(group.folder, group.files, GIB).killed is False

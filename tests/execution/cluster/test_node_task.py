"""Which nodes may run a trial: those of the same versions that have what it needs, whenever they joined."""

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import msgspec
import pytest

from hashbench.execution.cluster import node_check, node_task
from hashbench.execution.cluster.messages import Answer, Message, Request, encode, make_request
from hashbench.execution.cluster.node_task import carry_out_request
from hashbench.execution.cluster.versions import versions_here
from hashbench.execution.settings import Settings
from tests.execution.test_schedule import BASE

PLANNED = replace(BASE, fingerprint={"device": "cpu"})
SETTINGS = Settings(Path("r"), Path("d"), Path("c"))
RAN = Answer(record=b"ran")
WAY_OUT = "; install the same on all nodes, or stop that node"


def request(checked: list[str] | None, **changes: str) -> Request:
    return make_request(PLANNED, SETTINGS, 1, {**versions_here(), **changes}, True, {}, checked)


@pytest.fixture(autouse=True)
def _runs_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    def run(_request: Request) -> Iterator[Message]:
        yield RAN

    monkeypatch.setattr(node_task, "run_on_node", run)


def refusal(content: bytes, node: str = "n") -> str:
    (answer,) = carry_out_request(content, node)
    assert isinstance(answer, Answer)
    return answer.refused or ""


def test_a_node_of_another_version_refuses() -> None:
    line = refusal(encode(request(None, torch="0.1")))
    assert line.startswith(f"has hashbench {versions_here()['hashbench']} and torch ")
    assert line.endswith(f"torch 0.1{WAY_OUT}")


def test_a_node_of_another_hashbench_refuses_also_what_it_cannot_read() -> None:
    """Versions are read before the rest, which may have changed between the two."""
    other = {"versions": {**versions_here(), "hashbench": "99"}, "unknown": 1}
    assert "this machine has hashbench 99" in refusal(msgspec.msgpack.encode(other))
    same = {"versions": versions_here(), "unknown": 1}
    for content in (msgspec.msgpack.encode(same), b"\x80"):
        line = refusal(content)
        assert line.startswith("has another hashbench: it cannot read what it is asked for (")
        assert line.endswith(WAY_OUT)


@pytest.mark.parametrize(
    ("checked", "fault", "looked", "refused"),
    [
        (None, "no box", 0, ""),
        (["m", "n"], "no box", 0, ""),
        (["m"], "no box", 1, "joined the run and cannot take part: no box; mend that, or stop that node"),
        (["m"], None, 1, ""),
    ],
)
def test_a_node_that_joined_later_is_checked_before_it_runs_a_trial(
    monkeypatch: pytest.MonkeyPatch, checked: list[str] | None, fault: str | None, looked: int, refused: str
) -> None:
    looks = list[int]()

    def first_fault(requests: list[Request]) -> str | None:
        looks.append(len(requests))
        return fault

    monkeypatch.setattr(node_check, "first_fault", first_fault)
    content = encode(request(checked))
    assert refusal(content) == refused
    assert looks == [1] * looked
    assert refused or list(carry_out_request(content, "n")) == [RAN]

"""Trials that another run has come last, and are taken over when it leaves them."""

import pytest

from hashbench.execution import claimed_schedule, claims
from hashbench.execution.claimed_schedule import ClaimedSchedule
from hashbench.execution.events import Event
from tests.execution.test_claims import Folder


@pytest.fixture
def folder(tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch) -> Folder:
    for module in (claims, claimed_schedule):
        monkeypatch.setattr(module, "POLL_SECONDS", 0.0)
    return Folder(tmp_path_factory.mktemp("claimed"))


def test_what_others_have_waits_what_they_recorded_is_left_and_what_they_leave_is_run(folder: Folder) -> None:
    plan, events = folder.plan(), list[Event]()
    first, second, third = plan.to_run()
    with folder.claims(plan) as ours, folder.claims(plan) as other:
        schedule = ClaimedSchedule(plan.to_run(), ours, events.append)
        assert other.claim(first) == "run"
        folder.leave_record(second)
        assert schedule.next() == third
        schedule.ended(third.key)
        assert [(event.key, event.kind, event.text) for event in events] == [(second.key, "recorded", "ok")]
        assert schedule.next() is None
        assert schedule.waits()
        assert schedule.waits()
        assert [event.text.partition(",")[2] for event in events[1:]] == [f" which runs {first}"]
        other.note(Event(first.key, "finished", "killed"))
        assert schedule.next() == first
        assert not schedule.waits()

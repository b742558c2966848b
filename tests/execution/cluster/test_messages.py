"""What goes between machines arrives as it was sent, and nothing else is taken for it."""

import math
import pickle
from dataclasses import replace
from pathlib import Path

import msgspec
import pytest

from hashbench.errors import UsageError
from hashbench.execution.cluster.messages import (
    Answer,
    Happened,
    Started,
    decode,
    decode_request,
    encode,
    make_request,
)
from hashbench.execution.events import Event
from hashbench.execution.settings import Settings
from hashbench.features.parts import Stamp
from hashbench.records.trial_spec import PlannedTrial
from tests.execution.test_schedule import BASE

STAMP = Stamp("sum", 1, 2, 3, 4)


def planned() -> PlannedTrial:
    trial = replace(BASE.trial, parameters={"sizes": (1, 2), "rate": 0.5, "name": None}, ranking="asymmetric")
    return replace(BASE, trial=trial, fingerprint={"card": "c", "device": "cpu"}, card={"sizes": {"train": 3}})


def test_a_request_arrives_as_the_trial_that_was_planned() -> None:
    settings = Settings(
        *(Path("/r"), Path("/d"), Path("/c")), device="auto", timeout=5.0, memory=1 << 33, verified={"/c/f": STAMP}
    )
    settings = replace(settings, weights={"vgg19": Path("/w.pth")}, provenance={"commit": None, "dirty": True})
    sent = planned()
    arrived = decode_request(encode(make_request(sent, settings, 3, {"torch": "2"}, True, {"a.json": b"{}"}, ["n"])))
    assert arrived.planned_trial().key == sent.key
    assert arrived.planned_trial().card == sent.card
    assert arrived.device == "cpu", "a node picks none by itself"
    assert (arrived.timeout, arrived.memory, arrived.threads) == (5.0, 1 << 33, 3)
    assert arrived.verified == {"/c/f": STAMP}
    assert arrived.weights == {"vgg19": "/w.pth"}
    assert arrived.provenance == {"commit": None, "dirty": True}
    assert (arrived.files, arrived.versions) == ({"a.json": b"{}"}, {"torch": "2"})
    assert arrived.checked == ["n"]


def test_an_event_arrives_with_what_it_says_a_loss_that_is_no_number_among_it() -> None:
    sent = Event("key", "epoch", "", 2, 9, {"loss": math.nan, "other": 1.5}, {"/c/f": STAMP}, 1 << 40)
    message = decode(encode(Happened.of(sent)), "a node")
    assert isinstance(message, Happened)
    arrived = message.event("key")
    assert math.isnan(arrived.values["loss"])
    assert replace(arrived, values={}) == replace(sent, values={})


@pytest.mark.parametrize("message", [Started("n"), Answer(record=b"{}", codes=b"c", log=b"l"), Answer(refused="no")])
def test_other_messages_arrive_whole(message: Started | Answer) -> None:
    assert decode(encode(message), "a node") == message


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"\x80\x04",
        b"\x82\xa4type\xa6Answer\xa1x" + b"\x91" * 200_000,
        encode(Happened.of(Event("key", "finished", "ok"))),
        encode(Answer(record=b"{}"))[:-3],
        pickle.dumps(Answer()),
        msgspec.msgpack.encode([1]),
        7,
        None,
    ],
)
def test_what_is_no_message_is_refused_and_its_node_named(content: object) -> None:
    with pytest.raises(UsageError, match=r"^node a sent what is no message \("):
        decode(content, "node a")

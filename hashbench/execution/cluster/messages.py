"""What goes to a node and what comes back: bytes, checked against these types when they are read, never unpickled."""

from collections.abc import Iterable, Mapping
from dataclasses import fields
from pathlib import Path
from typing import Any, Literal, Self, cast

import msgspec
from msgspec import Struct

from hashbench.errors import UsageError
from hashbench.execution.events import Event
from hashbench.execution.settings import Settings
from hashbench.features.parts import Stamp
from hashbench.records.trial_spec import PlannedTrial, TrialSpec

Kind = Literal["phase", "note", "epoch", "verified"]


class Request(Struct, frozen=True):
    """A trial that a node is asked for.

    Attributes:
        versions: of the libraries that have to be the same there, see :func:`versions_here`.
        trial: the identity.
        planned: what else is planned of it.
        device: of the kind that it was planned for.
        timeout, memory, save_state, rates, offline, weights, provenance: as in :class:`Settings`.
        threads: of the trial.
        data: the folder of data sets.
        data_of_node: a folder that HASHBENCH_DATA names there comes before it.
        folder: the current one, which files of the user's are named from.
        verified: stamps of feature files, by folder.
        files: what an earlier trial left that this one takes over, by the name that it has in the folder of records.
        checked: ray's numbers of the nodes that are known to have what the run needs; None where all have.
    """

    versions: dict[str, str]
    trial: dict[str, Any]
    planned: dict[str, Any]
    device: str
    timeout: float | None
    memory: int | None
    threads: int
    save_state: bool
    rates: bool
    offline: bool
    weights: dict[str, str]
    provenance: dict[str, Any]
    data: str
    data_of_node: bool
    folder: str
    verified: dict[str, Stamp]
    files: dict[str, bytes]
    checked: list[str] | None

    def planned_trial(self) -> PlannedTrial:
        """The trial; its parameters are as JSON has them, so tuples are lists."""
        return PlannedTrial(TrialSpec(**self.trial), **self.planned)


class Versions(Struct, frozen=True):
    """What of a request every hashbench can read."""

    versions: dict[str, str]


class Started(Struct, frozen=True, tag=True):
    """The task runs on this node, as ray names it."""

    node: str


class Happened(Struct, frozen=True, tag=True):
    """An event of the trial, as :class:`Event` has it; of the kinds that a trial reports and no others."""

    kind: Kind
    text: str
    done: int
    total: int
    values: dict[str, float]
    verified: dict[str, Stamp]
    device_bytes: int

    @classmethod
    def of(cls, event: Event) -> Self:
        """The message of an event."""
        values = {name: float(value) for name, value in event.values.items()}
        kind = cast("Kind", event.kind)
        return cls(kind, event.text, event.done, event.total, values, dict(event.verified), event.device_bytes)

    def event(self, key: str) -> Event:
        """The event, of the trial with that key."""
        said = self.kind, self.text, self.done, self.total, self.values, self.verified, self.device_bytes
        return Event(key, *said)


class Answer(Struct, frozen=True, tag=True):
    """The end of a task.

    Attributes:
        record: the trial's, as JSON; None where one of the next two says why there is none.
        refused: why the node does not run trials of this machine, and the way out; read after the node's name.
        unwritten: why a folder there cannot be written.
        codes: the file of codes, labels and items; None where the trial has none.
        state: the file of the method's state; None where it was not kept.
        log: the end of the trial's output.
    """

    record: bytes | None = None
    refused: str | None = None
    unwritten: str | None = None
    codes: bytes | None = None
    state: bytes | None = None
    log: bytes = b""


Message = Started | Happened | Answer


def make_request(
    planned: PlannedTrial,
    settings: Settings,
    threads: int,
    versions: dict[str, str],
    data_of_node: bool,
    files: dict[str, bytes],
    checked: Iterable[str] | None,
) -> Request:
    """What a node is asked for, of a trial and the settings of the run."""
    others = {field.name: getattr(planned, field.name) for field in fields(planned) if field.name != "trial"}
    return Request(
        versions=versions,
        trial=planned.trial.identity(),
        planned={name: dict(value) if isinstance(value, Mapping) else value for name, value in others.items()},
        device=planned.fingerprint["device"],
        timeout=settings.timeout,
        memory=settings.memory,
        threads=threads,
        save_state=settings.save_state,
        rates=settings.rates,
        offline=settings.offline,
        weights={name: str(file) for name, file in settings.weights.items()},
        provenance=dict(settings.provenance),
        data=str(settings.data),
        data_of_node=data_of_node,
        folder=str(Path.cwd()),
        verified=dict(settings.verified),
        files=files,
        checked=None if checked is None else list(checked),
    )


def encode(message: Request | Message) -> bytes:
    """The message as bytes."""
    return msgspec.msgpack.encode(message)


def decode_request(content: bytes) -> Request:
    """The request in these bytes.

    Raises:
        msgspec.DecodeError: they are damaged, or of another hashbench.
    """
    return msgspec.msgpack.decode(content, type=Request)


def decode_versions(content: bytes) -> dict[str, str]:
    """The versions that a request asks for, also one of another hashbench.

    Raises:
        msgspec.DecodeError: there are none.
    """
    return msgspec.msgpack.decode(content, type=Versions).versions


def decode(content: object, node: str) -> Message:
    """The message that a node sent.

    Raises:
        UsageError: it is none; the line names the node.
    """
    try:
        if not isinstance(content, bytes):
            raise TypeError(f"a {type(content).__name__}, wanted bytes")
        return msgspec.msgpack.decode(content, type=Message)
    except (msgspec.DecodeError, UnicodeDecodeError, TypeError, RecursionError) as error:
        raise UsageError(f"{node} sent what is no message ({error})") from None

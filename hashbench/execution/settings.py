"""How trials are run: folders, device, time-out, weights."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from hashbench.execution.other_work import OtherWork
from hashbench.execution.slots import Slot, SlotOptions
from hashbench.features.parts import Stamp


@dataclass(frozen=True)
class Settings:
    """How trials are run; none of these is part of a trial's identity.

    Attributes:
        results, data, cache: folders.
        device: "auto", "cpu", "cuda", "cuda:1".
        timeout: seconds a trial may take, without extraction of features; None for no limit.
        save_state: keep the fitted methods.
        rates: measure encoding and search when all trials have ended.
        slots: where trials run, one at a time in each.
        asked: what the options on slots said, for executors whose slots are not on this machine.
        address: of the cluster that runs the trials; None: the executor's own choice.
        threads: of a process that runs alone; None: as many as it takes by itself.
        memory: bytes of the host's memory that a trial may take; None for no limit.
        weights: files of state dicts by the network's name; the published ones where none is given.
        offline: nothing is downloaded.
        provenance: git commit, command line and such, copied into every record.
        other_work: of other programs since the settings were made.
        verified: stamps of feature files that a trial of this run has verified, by folder; grows while it runs.
    """

    results: Path
    data: Path
    cache: Path
    device: str = "auto"
    timeout: float | None = None
    save_state: bool = True
    rates: bool = True
    slots: tuple[Slot, ...] = (Slot(),)
    asked: SlotOptions = field(default_factory=SlotOptions)
    address: str | None = None
    threads: int | None = None
    memory: int | None = None
    weights: Mapping[str, Path] = field(default_factory=dict)
    offline: bool = False
    provenance: Mapping[str, Any] = field(default_factory=dict)
    other_work: OtherWork = field(default_factory=OtherWork)
    verified: dict[str, Stamp] = field(default_factory=dict)

"""Work for processes of their own that needs no data; what it does is in the trial's features."""

import os
import re
import signal
import subprocess
import sys
import time
from pathlib import Path

import torch

from hashbench.execution.events import Event, OnEvent
from hashbench.execution.settings import Settings
from hashbench.records.trial_spec import PlannedTrial

CHILD = "import time; time.sleep(600)"
LOCKED = r"(a+)+$", "a" * 40 + "b"  # takes longer than the universe has lasted, and holds Python's lock


def do(planned: PlannedTrial, settings: Settings, on_event: OnEvent) -> None:
    """Report when it began, do what the name says, report when it ended."""
    words = planned.trial.features.split()
    began, note = time.monotonic(), ""
    on_event(Event(planned.key, "phase", "fit"))
    if words[0] == "nap":
        time.sleep(0.4)
    elif words[0] == "place":
        note = f"{torch.get_num_threads()} {os.environ.get('CUDA_VISIBLE_DEVICES')} {os.getsid(0) == os.getpid()}"
    elif words[0] == "name":
        note = "x\ud800.npy"
    elif words[0] == "take":
        kept = bytearray(b"1") * (int(words[1]) << 20)
        time.sleep(1.5)
        assert kept
    elif words[0] == "hang":
        signal.signal(signal.SIGTERM, signal.SIG_IGN)
        child = subprocess.Popen([sys.executable, "-c", CHILD], start_new_session=True)
        Path(settings.results / "pids").write_text(f"{os.getpid()} {child.pid}")
        time.sleep(600)
    elif words[0] == "wait":
        on_event(Event(planned.key, "note", str(os.getpid())))
        time.sleep(600)
    elif words[0] == "lock":
        child = subprocess.Popen([sys.executable, "-c", CHILD])
        Path(settings.results / "pids").write_text(f"{os.getpid()} {child.pid}")
        re.match(*LOCKED)
    on_event(Event(planned.key, "note", note))
    on_event(Event(planned.key, "epoch", values={"began": began, "ended": time.monotonic()}))

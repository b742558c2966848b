"""What a user's signals ask of a grid: Ctrl-C, and the signals that end a session or a job."""

import contextlib
import signal
import threading
from collections.abc import Iterator
from dataclasses import dataclass
from types import FrameType

ENDING = ("SIGTERM", "SIGHUP")  # sent by a scheduler, and by a terminal that closes


@dataclass
class Interruption:
    """Counts Ctrl-C: the first lets running trials finish, the second stops them. Other signals count as two."""

    count: int = 0

    def _count(self, number: int, _frame: FrameType | None) -> None:
        self.count += 1 if number == signal.SIGINT else 2

    @contextlib.contextmanager
    def listening(self) -> Iterator[None]:
        """Count signals inside instead of raising or ending; only a main thread can. Ignored ones (nohup) stay so."""
        if threading.current_thread() is not threading.main_thread():
            yield
            return
        known = [signal.Signals[name] for name in ("SIGINT", *ENDING) if hasattr(signal, name)]
        heard = [number for number in known if number == signal.SIGINT or signal.getsignal(number) != signal.SIG_IGN]
        before = {number: signal.signal(number, self._count) for number in heard}
        try:
            yield
        finally:
            for number, handler in before.items():
                signal.signal(number, handler)

"""Signals that a grid counts."""

import os
import signal

from hashbench.execution.interruption import Interruption


def test_the_end_of_a_session_or_a_job_counts_as_ctrl_c_twice() -> None:
    for number, counted in ((signal.SIGINT, 1), (signal.SIGTERM, 2), (signal.SIGHUP, 2)):
        before, interruption = (
            signal.signal(number, signal.default_int_handler),
            Interruption(),
        )  # nohup may run the tests
        try:
            with interruption.listening():
                os.kill(os.getpid(), number)
            assert interruption.count == counted
            assert signal.getsignal(number) == signal.default_int_handler
        finally:
            signal.signal(number, before)


def test_what_nohup_ignores_stays_ignored() -> None:
    before, interruption = signal.signal(signal.SIGHUP, signal.SIG_IGN), Interruption()
    try:
        with interruption.listening():
            os.kill(os.getpid(), signal.SIGHUP)
        assert interruption.count == 0
    finally:
        signal.signal(signal.SIGHUP, before)

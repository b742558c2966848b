"""Progress lines: how many, how fast, how long still."""

from hashbench.util.progress import Progress, duration


def test_speaks_now_and_then_with_rate_and_time_left() -> None:
    now = iter([0.0, 1.0, 6.0, 7.0, 20.0, 20.0])
    lines: list[str] = []
    progress = Progress(1000, lines.append, clock=lambda: next(now))
    for _ in range(4):
        progress.done(250)
    assert lines == ["500 of 1,000 images, 83/s, 6 s left"]
    assert progress.summary() == "1,000 images in 20 s, 50/s"


def test_durations_for_people() -> None:
    assert [duration(seconds) for seconds in (0.4, 59.4, 73, 7500)] == ["0 s", "59 s", "1 min 13 s", "2 h 5 min"]

import pytest

from hashbench.nets.schedules import TrainingStep


def stages(values: tuple[float, ...], epochs: int) -> list[float]:
    return [TrainingStep(epoch, epochs, 0, 1).stage(values) for epoch in range(epochs)]


def test_stages_are_equally_long_and_in_order() -> None:
    assert stages((1.0, 2.0, 4.0, 8.0), 12) == [1, 1, 1, 2, 2, 2, 4, 4, 4, 8, 8, 8]
    assert stages((1.0, 2.0, 4.0), 2) == [1, 2]
    assert stages((3.0,), 5) == [3] * 5


def test_every_stage_is_reached_in_fewer_epochs_than_stages() -> None:
    assert [TrainingStep(0, 1, step, 6).stage((1.0, 2.0, 4.0)) for step in range(6)] == [1, 1, 2, 2, 4, 4]


def test_a_rate_falls_along_half_a_cosine_over_all_steps() -> None:
    factors = [TrainingStep(epoch, 2, step, 3).cosine() for epoch in range(2) for step in range(3)]
    assert factors[0] == 1
    assert factors[3] == pytest.approx(0.5)
    assert factors == sorted(factors, reverse=True)
    assert factors[2] == pytest.approx(0.75)
    assert 0 < factors[-1] < 0.1

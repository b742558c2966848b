import math
from collections.abc import Mapping
from pathlib import Path

import pytest
import torch
from torch import Tensor, nn

from hashbench.method import RunContext
from hashbench.nets.checkpoints import Checkpoint
from hashbench.nets.schedules import TrainingStep
from hashbench.nets.training import RunningMeans, epoch_batches, run_epochs, with_imbalance

CPU = torch.device("cpu")


def run_of(generator: torch.Generator) -> RunContext:
    return RunContext(CPU, generator)


def test_an_epoch_visits_every_item_once_in_parts_of_nearly_one_size(generator: torch.Generator) -> None:
    parts = epoch_batches(101, 100, generator, CPU)
    assert [len(part) for part in parts] == [51, 50]
    assert torch.cat(parts).sort().values.tolist() == list(range(101))


def test_fewer_items_than_a_batch_are_one_part(generator: torch.Generator) -> None:
    assert [len(part) for part in epoch_batches(7, 100, generator, CPU)] == [7]


def test_epochs_differ_and_the_seed_brings_them_back() -> None:
    def draw(count: int) -> list[list[int]]:
        generator = torch.Generator().manual_seed(5)
        return [torch.cat(epoch_batches(50, 20, generator, CPU)).tolist() for _ in range(count)]

    first, second = draw(2)
    assert first != second
    assert draw(2) == [first, second]


def test_running_means_are_means_over_batches_and_hold_no_graph() -> None:
    running = RunningMeans()
    for value in (1.0, 2.0, 6.0):
        running.add({"loss": torch.tensor(value, requires_grad=True) * 2, "beta": value})
    means = running.means()
    assert float(means["loss"]) == 6
    assert means["beta"] == 3
    assert isinstance(means["loss"], Tensor)
    assert not means["loss"].requires_grad


def batches(generator: torch.Generator) -> tuple[Tensor, ...]:
    return epoch_batches(10, 4, generator, CPU)


def test_every_epoch_is_reported_with_its_means(generator: torch.Generator) -> None:
    run = run_of(generator)

    def step(rows: Tensor, training_step: TrainingStep) -> Mapping[str, float]:
        return {
            "size": float(len(rows)),
            "at": training_step.epoch + training_step.step / training_step.steps,
            "epochs": training_step.epochs,
        }

    run_epochs(step, lambda: batches(generator), 3, run, dict)
    assert [report["at"] for report in run.epochs] == [pytest.approx(epoch + 1 / 3) for epoch in range(3)]
    assert [report["size"] for report in run.epochs] == [pytest.approx(10 / 3)] * 3
    assert [report["epoch"] for report in run.epochs] == [1, 2, 3]
    assert [report["epochs"] for report in run.epochs] == [3] * 3


def test_a_loss_that_is_no_number_ends_the_training(generator: torch.Generator) -> None:
    def step(rows: Tensor, training_step: TrainingStep) -> Mapping[str, float]:
        return {"pixel": math.nan if training_step.epoch == 1 else 0.0}

    with pytest.raises(FloatingPointError, match=r"epoch 2 of 5: pixel is nan; a smaller rate"):
        run_epochs(step, lambda: batches(generator), 5, run_of(generator), dict)


def test_weights_that_are_no_numbers_end_it_though_all_losses_are(generator: torch.Generator, tmp_path: Path) -> None:
    """The last step of a training has no later loss to show what it did."""
    net = nn.Linear(2, 2)
    run = RunContext(CPU, generator, checkpoint=tmp_path / "checkpoints/k")

    def step(rows: Tensor, training_step: TrainingStep) -> Mapping[str, float]:
        if training_step.epoch == 2:
            net.weight.data[0, 1] = math.inf
        return {"pixel": 0.0}

    with pytest.raises(FloatingPointError) as raised:
        run_epochs(step, lambda: batches(generator), 3, run, dict, Checkpoint(run, {"net": net}))
    assert "epoch 3 of 3: weights are not finite; the last good checkpoint is" in str(raised.value)
    assert "is checkpoints/k/training.pt, after epoch" in str(raised.value)


def test_imbalance_is_none_for_halves_and_one_for_constants() -> None:
    assert float(with_imbalance({"code": torch.zeros(4), "beta": 1.0})["imbalance"]) == 0
    assert dict(with_imbalance({"code": torch.tensor([1.0, -1.0])})) == {"imbalance": torch.tensor(1.0)}

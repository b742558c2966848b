from pathlib import Path
from typing import Any

import pytest
import torch
from torch import Tensor, nn

from hashbench.method import RunContext
from hashbench.nets.checkpoints import CHECKPOINT_FILE, Checkpoint
from hashbench.nets.schedules import TrainingStep
from hashbench.nets.training import Values, epoch_batches, run_epochs

CPU = torch.device("cpu")
EPOCHS = 5


class KilledError(Exception):
    """What ends a training from outside."""


def train(folder: Path | None, killed_in: int | None = None) -> tuple[Tensor, RunContext]:
    """Five epochs of a net with dropout and momentum, whose steps draw from both generators."""
    torch.manual_seed(3)
    net = nn.Sequential(nn.Linear(4, 6), nn.BatchNorm1d(6), nn.Dropout(0.4), nn.Linear(6, 2))
    optimiser = torch.optim.Adam(net.parameters(), lr=1e-2)
    run = RunContext(CPU, torch.Generator().manual_seed(1), checkpoint=folder)
    x = torch.linspace(-1, 1, 80).view(20, 4)

    def step(rows: Tensor, training_step: TrainingStep) -> Values:
        if training_step.epoch == killed_in and training_step.step == 1:
            raise KilledError
        noise = torch.randn(len(rows), 4, generator=run.generator)
        loss = net(x[rows] + noise).square().mean()
        optimiser.zero_grad()
        torch.autograd.backward(loss)
        optimiser.step()
        return {"loss": loss}

    checkpoint = Checkpoint(run, {"net": net, "optimiser": optimiser})
    checkpoint_due_at_once(checkpoint)
    if not checkpoint.exists():
        run.log_fact(begun="anew")
    run_epochs(step, lambda: epoch_batches(20, 5, run.generator, CPU), EPOCHS, run, dict, checkpoint)
    return torch.cat([value.flatten() for value in net.state_dict().values()]), run


def checkpoint_due_at_once(checkpoint: Checkpoint) -> None:
    """Every epoch is saved, however quick it was."""
    offer = checkpoint.offer

    def always(done: int) -> None:
        checkpoint.next_save = 0.0
        offer(done)

    checkpoint.offer = always  # type: ignore[method-assign]


@pytest.mark.parametrize("killed_in", [1, 2, 4])
def test_a_killed_training_ends_with_the_weights_of_an_uninterrupted_one(killed_in: int, tmp_path: Path) -> None:
    whole, reports = train(None)
    with pytest.raises(KilledError):
        train(tmp_path / "c", killed_in)
    torch.manual_seed(99)
    resumed, run = train(tmp_path / "c")
    assert torch.equal(resumed, whole)
    assert run.epochs == reports.epochs
    assert run.facts == {"begun": "anew", "resumed_after_epoch": killed_in}


def test_what_was_killed_before_its_first_epoch_begins_anew(tmp_path: Path) -> None:
    with pytest.raises(KilledError):
        train(tmp_path / "c", 0)
    resumed, run = train(tmp_path / "c")
    assert torch.equal(resumed, train(None)[0])
    assert run.facts == {"begun": "anew"}


def test_what_another_kind_of_device_left_is_not_taken_up(tmp_path: Path) -> None:
    with pytest.raises(KilledError):
        train(tmp_path, 3)
    kept = torch.load(tmp_path / CHECKPOINT_FILE, weights_only=True)
    torch.save({**kept, "device": "cuda, bfloat16"}, tmp_path / CHECKPOINT_FILE)
    again, run = train(tmp_path)
    assert torch.equal(again, train(None)[0])
    assert run.facts == {"begun": "anew", "checkpoint_left_aside": "made on cuda, bfloat16"}
    assert torch.load(tmp_path / CHECKPOINT_FILE, weights_only=True)["device"] == "cpu, float32"


def test_a_damaged_checkpoint_is_named(tmp_path: Path) -> None:
    with pytest.raises(KilledError):
        train(tmp_path, 2)
    (tmp_path / CHECKPOINT_FILE).write_bytes((tmp_path / CHECKPOINT_FILE).read_bytes()[:200])
    with pytest.raises(RuntimeError, match=f"checkpoint .*{CHECKPOINT_FILE} is damaged .*; remove it"):
        train(tmp_path)


def test_saving_takes_at_most_a_tenth_of_the_time(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    now = [100.0]
    monkeypatch.setattr("hashbench.nets.checkpoints.time.monotonic", lambda: now[0])
    saves: list[float] = []

    def save(content: Any, file: Path) -> None:
        saves.append(now[0])
        now[0] += 2
        file.write_bytes(b"x")

    monkeypatch.setattr(torch, "save", save)
    checkpoint = Checkpoint(RunContext(CPU, torch.Generator(), checkpoint=tmp_path), {})
    for done in range(1, 40):
        checkpoint.offer(done)
        now[0] += 1
    assert saves == [100, 122 + 1 - 1]


def test_without_a_folder_nothing_is_saved() -> None:
    checkpoint = Checkpoint(RunContext(CPU, torch.Generator()), {})
    checkpoint.offer(1)
    assert not checkpoint.exists()
    assert checkpoint.load() == 0
    assert str(checkpoint) == "there is no checkpoint"

"""What reaches a method and what comes back from it."""

from pathlib import Path
from typing import Any, Self

import numpy as np
import pytest
import torch
from torch import Tensor

from hashbench.data.spec import open_dataset
from hashbench.execution.training_data import TrainingData, encode, fit
from hashbench.method import HashMethod, RunContext, TrainingSet, Traits
from tests.pictures import pictures


class Recorder(HashMethod):
    """Keeps what it was given."""

    traits = Traits()

    def fit(self, train: TrainingSet, run: RunContext) -> Self:
        self.train = train
        self.draws = torch.rand(3)
        return self

    def encode(self, batch: Tensor) -> Tensor:
        return batch[:, : self.bits] > 0.5


class Images(Recorder):
    """A method on images of 12 px."""

    traits = Traits(input="images")

    def image_size(self, features: str) -> int:
        return 12


class Both(Images):
    """A supervised method on images and features."""

    traits = Traits(input="images", wants_features=True, supervised=True)


@pytest.fixture
def inputs() -> TrainingData:
    digits = open_dataset("digits", Path())
    pixels = (pictures(digits, np.arange(len(digits))).flatten(1).float() / 255).numpy()
    return TrainingData(digits, pixels, digits.labels())


def run() -> RunContext:
    return RunContext(torch.device("cpu"), torch.Generator())


ITEMS = np.array([5, 3, 1000])


def test_a_method_gets_what_its_traits_ask_for_and_nothing_else(inputs: TrainingData) -> None:
    plain = inputs.training_set(Recorder(8), ITEMS, run())
    assert torch.equal(plain.features, torch.from_numpy(inputs.features[ITEMS]))
    with pytest.raises(PermissionError, match="labels are not given to an unsupervised method"):
        _ = plain.labels
    with pytest.raises(PermissionError, match="do not ask for images"):
        _ = plain.images
    images = inputs.training_set(Images(8), ITEMS, run())
    with pytest.raises(PermissionError, match="do not ask for features"):
        _ = images.features
    both = inputs.training_set(Both(8), ITEMS, run())
    assert torch.equal(both.labels, torch.from_numpy(inputs.labels[ITEMS]))
    assert both.features.shape == (3, 64)
    assert len(plain) == len(images) == len(both) == 3


def test_images_arrive_as_uint8_with_three_equal_channels_at_the_size_asked_for(inputs: TrainingData) -> None:
    images = inputs.training_set(Images(8), ITEMS, run()).images[torch.tensor([0, 2])]
    assert (images.dtype, tuple(images.shape)) == (torch.uint8, (2, 3, 12, 12))
    assert torch.equal(images[:, 0], images[:, 1])
    alone = inputs.training_set(Images(8), ITEMS[2:], run()).images[torch.tensor([0])]
    assert torch.equal(images[1:], alone)


def test_images_that_do_not_fit_in_memory_are_decoded_batch_by_batch(
    inputs: TrainingData, monkeypatch: pytest.MonkeyPatch
) -> None:
    held = inputs.training_set(Images(8), ITEMS, run()).images
    monkeypatch.setattr("hashbench.execution.training_data.MAX_CACHED_IMAGE_BYTES", 10)
    streamed = inputs.training_set(Images(8), ITEMS, run()).images
    assert isinstance(held, Tensor)
    assert not isinstance(streamed, Tensor)
    rows = torch.tensor([2, 0])
    assert torch.equal(held[rows], streamed[rows])


def test_codes_do_not_depend_on_the_batch_size(inputs: TrainingData, monkeypatch: pytest.MonkeyPatch) -> None:
    items = np.arange(100)
    whole = encode(Recorder(8), inputs.batches(Recorder(8), items, run()))
    monkeypatch.setattr("hashbench.execution.training_data.FEATURE_BATCH", 7)
    assert np.array_equal(whole.packed, encode(Recorder(8), inputs.batches(Recorder(8), items, run())).packed)
    assert np.array_equal(whole.unpack(), inputs.features[items][:, :8] > 0.5)


@pytest.mark.parametrize("codes", [torch.zeros(4, 8), torch.zeros(4, 7, dtype=torch.bool)])
def test_codes_that_are_not_bool_of_the_right_shape_are_an_error(codes: Tensor) -> None:
    class Wrong(Recorder):
        def encode(self, batch: Tensor) -> Tensor:
            return codes

    with pytest.raises(ValueError, match=r"Wrong.encode gave torch\..*, wanted torch.bool \[4, 8\]"):
        encode(Wrong(8), iter([torch.zeros(4, 8)]))


def test_fit_draws_from_seeded_global_generators_and_disturbs_none() -> None:
    torch.manual_seed(1)
    state = torch.random.get_rng_state()
    first, again, other = (fit(Recorder(8), TrainingSet(torch.zeros(2, 2)), run(), seed) for seed in (7, 7, 8))
    draws: list[Any] = [vars(method)["draws"].tolist() for method in (first, again, other)]
    assert draws[0] == draws[1] != draws[2]
    assert torch.equal(state, torch.random.get_rng_state())


def test_epochs_are_recorded_and_passed_on_and_read_once() -> None:
    heard: list[tuple[int, int, dict[str, float]]] = []
    context = RunContext(
        torch.device("cpu"), torch.Generator(), progress=lambda done, total, values: heard.append((done, total, values))
    )
    context.log_epoch(1, 2, loss=torch.tensor(0.5))
    assert context.epochs == [{"epoch": 1.0, "loss": 0.5}]
    assert heard == [(1, 2, {"loss": 0.5})]


def test_a_training_set_is_of_the_same_items_throughout_and_not_empty() -> None:
    with pytest.raises(ValueError, match=r"^training set: 3 features, 4 images, wanted as many of each"):
        TrainingSet(torch.zeros(3, 2), torch.zeros(4, 3, 8, 8))
    with pytest.raises(ValueError, match=r"^training set: no items, wanted at least one$"):
        TrainingSet(torch.zeros(0, 2))


def test_a_default_state_does_not_leave_a_network_out_silently() -> None:
    method = Recorder(8)
    setattr(method, "net_", torch.nn.Linear(2, 2))  # noqa: B010 - no attribute that a type checker knows
    with pytest.raises(TypeError, match=r"Recorder\.net_ is a Linear, not a tensor: override state, load_state"):
        method.state()


def test_a_default_state_is_what_was_learnt() -> None:
    method = Recorder(8)
    method.mean_ = torch.ones(2)  # type: ignore[attr-defined]
    assert list(method.state()) == ["mean_"]
    again = Recorder(8)
    again.load_state(method.state())
    assert torch.equal(vars(again)["mean_"], torch.ones(2))

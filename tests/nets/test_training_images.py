import threading
from typing import Any

import pytest
import torch
from torch import Tensor, nn

from hashbench.data.images import image_batch, resize
from hashbench.method import Backbone
from hashbench.nets.augmentation import Augmentation
from hashbench.nets.encoders import ImageEncoder
from hashbench.nets.training_batches import Batch
from hashbench.nets.training_images import EncoderInputs, GeneratorTargets


def encoder() -> ImageEncoder:
    torch.manual_seed(0)
    net = nn.Sequential(nn.Conv2d(3, 4, 3), nn.Dropout(0.5), nn.Conv2d(4, 5, 3), nn.AdaptiveAvgPool2d(1), nn.Flatten())
    return ImageEncoder(Backbone(net, 5, 16, (0.4, 0.5, 0.6), (0.2, 0.3, 0.4)), pretrained=True)


@pytest.fixture
def images(generator: torch.Generator) -> Tensor:
    """Uint8 [230, 3, 16, 16]: more than two chunks."""
    return torch.randint(0, 256, (230, 3, 16, 16), generator=generator, dtype=torch.uint8)


def inputs(own: ImageEncoder, images: Any, views: int = 1) -> EncoderInputs:
    generator = torch.Generator().manual_seed(1)
    augmentation = Augmentation.drawn(len(images), views, True, 0.1, generator, torch.device("cpu"))
    return EncoderInputs(own, images, augmentation, torch.float32)


def test_features_are_those_of_the_whole_encoder_in_eval_mode_in_every_view(images: Tensor) -> None:
    own = encoder()
    encoder_inputs = inputs(own, images, views=3)
    rows = torch.arange(len(images))
    expected = [
        own.eval()(encoder_inputs.augmentation(images, rows, torch.full_like(rows, v))).detach() for v in range(3)
    ]
    own.train()
    torch.testing.assert_close(encoder_inputs.features(), torch.stack(expected))
    torch.testing.assert_close(expected[0], own.eval()(images).detach())


class Streamed:
    """Images that are decoded when asked for."""

    def __init__(self, images: Tensor) -> None:
        self.images = images
        self.reads = 0
        self.threads: set[str] = set()

    def __len__(self) -> int:
        return len(self.images)

    def __getitem__(self, rows: Tensor) -> Tensor:
        self.reads += len(rows)
        self.threads.add(threading.current_thread().name)
        return self.images[rows]


def test_an_image_is_read_once_for_all_its_views(images: Tensor) -> None:
    source = Streamed(images)
    inputs(encoder(), source, views=3).features()
    assert source.reads == len(images)


def test_images_are_read_ahead_of_the_encoder_to_the_same_features(images: Tensor) -> None:
    """To the last bit those of batches that are read one after the other."""
    own, source = encoder().eval(), Streamed(images)
    encoder_inputs = inputs(own, source, views=3)
    plain = torch.empty(3, len(images), own.dimension)
    with torch.no_grad():
        for rows in torch.split(torch.arange(len(images)), image_batch(own.size, torch.device("cpu"))):
            for view in range(3):
                viewed = encoder_inputs.augmentation(images[rows], rows, torch.full_like(rows, view))
                plain[view, rows] = own(viewed)
    assert torch.equal(encoder_inputs.features(), plain)
    assert torch.equal(inputs(own, images, views=3).features(), plain)
    assert source.threads == {"hashbench-prefetch_0"}


def test_an_exception_of_the_encoder_ends_the_thread_that_reads(
    images: Tensor, monkeypatch: pytest.MonkeyPatch
) -> None:
    def broken(*_: Any) -> Tensor:
        raise KeyboardInterrupt("encoder")

    own = encoder()
    monkeypatch.setattr(own, "trained_part", broken)
    with pytest.raises(KeyboardInterrupt, match="encoder") as raised:
        inputs(own, Streamed(images)).features()
    assert not [thread for thread in threading.enumerate() if thread.name.startswith("hashbench-prefetch")]
    assert raised.tb is not None  # with every frame of it


def test_features_are_of_the_images_as_they_are_where_all_views_do_not_fit(
    images: Tensor, monkeypatch: pytest.MonkeyPatch
) -> None:
    whole = inputs(encoder(), images, views=3).features()
    monkeypatch.setattr("hashbench.nets.training_images.DEVICE_CACHE_BYTES", 3 * 230 * 5 * 4 - 1)
    assert torch.equal(inputs(encoder(), images, views=3).features(), whole[:1])


def test_generator_targets_are_the_images_at_another_size_cached_or_streamed(
    images: Tensor, monkeypatch: pytest.MonkeyPatch
) -> None:
    rows, view_ids = torch.tensor([0, 229, 7]), torch.tensor([1, 0, 1])
    cpu = torch.device("cpu")
    augmentation = Augmentation.drawn(230, 2, True, 0.2, torch.Generator(), cpu)
    expected = augmentation(resize(images[rows], 8), rows, view_ids).float() / 255
    assert torch.equal(expected[1], resize(images[229:], 8)[0].float() / 255)
    source = Streamed(images)
    cached = GeneratorTargets(source, 8, augmentation, cpu)
    assert torch.equal(cached(Batch(rows, view_ids)), expected)
    assert source.reads == len(images)
    monkeypatch.setattr("hashbench.nets.training_images.DEVICE_CACHE_BYTES", 1000)
    assert torch.equal(GeneratorTargets(source, 8, augmentation, cpu)(Batch(rows, view_ids)), expected)
    assert source.reads == len(images) + len(rows)

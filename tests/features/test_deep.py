"""Deep features against torchvision's own preset and forward pass."""

from pathlib import Path

import numpy as np
import pytest
import torch
import torchvision
from torch import Tensor
from torchvision.transforms import InterpolationMode
from torchvision.transforms._presets import ImageClassification

from hashbench.data.images import BATCH_PIXELS
from hashbench.data.spec import open_dataset
from hashbench.errors import UsageError
from hashbench.features import backbones
from hashbench.features.deep import Deep
from hashbench.features.spec import extractor
from hashbench.features.weights import Weights
from hashbench.method import Backbone
from tests.features.networks import Held, random_net
from tests.pictures import pictures


@pytest.fixture(scope="module")
def random_weights() -> Held:
    return Held(states={"squeezenet1_1": random_net("squeezenet1_1").state_dict()})


@pytest.fixture(scope="module")
def photographs() -> Tensor:
    """Uint8 [12, 3, 40, 56]: smooth random pictures."""
    generator = torch.Generator().manual_seed(0)
    coarse = torch.rand(12, 3, 5, 7, generator=generator) * 255
    return torch.nn.functional.interpolate(coarse, (40, 56), mode="bicubic").clamp(0, 255).to(torch.uint8)


def real_weights(data_root: Path) -> Weights:
    files = {name: data_root / "weights" / f"{name}_imagenet.pth" for name in ("squeezenet1_1", "mobilenet_v2")}
    for file in files.values():
        if not file.is_file():
            pytest.skip(f"{file} is not there")
    return Weights(files, offline=True)


@pytest.mark.parametrize("spec", ["squeezenet1_1", "squeezenet1_1@128", "mobilenet_v2@97"])
def test_real_weights_give_features_as_in_torchvision(spec: str, data_root: Path) -> None:
    name, _, size = spec.partition("@")
    weights = real_weights(data_root)
    images = pictures(open_dataset("cifar10", data_root), np.arange(0, 60_000, 7_000))
    net = torchvision.models.get_model(name, weights=None).eval()
    net.load_state_dict(torch.load(weights.files[name], weights_only=True))
    preset = torchvision.models.get_model_weights(name)["IMAGENET1K_V1"].transforms()
    if size:
        preset = ImageClassification(
            crop_size=int(size), resize_size=int(size), interpolation=InterpolationMode.BILINEAR
        )
    with torch.no_grad():
        wanted = net.features(preset(images)).mean((2, 3))  # its whole, without classifier, pooled
    features = extractor(spec, weights)(images)
    assert features.dtype == torch.float32
    torch.testing.assert_close(features, wanted, rtol=0, atol=1e-4 * wanted.abs().max().item())


def test_name_and_sum_need_no_network(random_weights: Held, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(backbones, "load_backbone", None)
    made = extractor("squeezenet1_1@64", random_weights, "float16")
    assert (made.name, made.dtype, made.weights) == ("squeezenet1_1@64", "float16", random_weights.sum("squeezenet1_1"))
    assert extractor("squeezenet1_1").name == "squeezenet1_1"


def test_missing_weights_raise_when_they_are_needed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TORCH_HOME", str(tmp_path))
    made = extractor("squeezenet1_1@64", Weights(offline=True))
    with pytest.raises(UsageError, match="no weights for 'squeezenet1_1'"):
        print(made.weights)
    with pytest.raises(UsageError, match="no weights for 'squeezenet1_1'"):
        made(torch.zeros(1, 3, 8, 8, dtype=torch.uint8))


def test_the_network_is_loaded_once(random_weights: Held, photographs: Tensor, monkeypatch: pytest.MonkeyPatch) -> None:
    loaded: list[str] = []
    load = backbones.load_backbone

    def watched(spec: str, weights: Weights) -> Backbone:
        loaded.append(spec)
        return load(spec, weights)

    monkeypatch.setattr(backbones, "load_backbone", watched)
    made = extractor("squeezenet1_1@32", random_weights)
    first, second = made(photographs), made(photographs)
    assert loaded == ["squeezenet1_1@32"]
    assert torch.equal(first, second)


def test_an_images_features_do_not_depend_on_its_batch(
    random_weights: Held, photographs: Tensor, monkeypatch: pytest.MonkeyPatch
) -> None:
    made = extractor("squeezenet1_1@64", random_weights)
    together = made(photographs)
    scale = together.abs().max().item()
    alone = torch.cat([made(image.unsqueeze(0)) for image in photographs])
    torch.testing.assert_close(alone, together, rtol=0, atol=1e-5 * scale)
    turned = made(photographs.flip(0)).flip(0)
    torch.testing.assert_close(turned, together, rtol=0, atol=1e-5 * scale)
    monkeypatch.setitem(BATCH_PIXELS, "cpu", 5 * 64**2)
    torch.testing.assert_close(made(photographs), together, rtol=0, atol=1e-5 * scale)


@pytest.mark.parametrize(("size", "largest"), [(64, 98), (224, 8), (1024, 1)])
def test_few_pixels_go_through_the_network_at_a_time(size: int, largest: int, monkeypatch: pytest.MonkeyPatch) -> None:
    batches: list[int] = []

    def net(inputs: Tensor) -> Tensor:
        batches.append(len(inputs))
        return inputs.mean((2, 3))

    made = Deep(f"resnet50@{size}", Weights(), "float32")
    monkeypatch.setattr(made, "_net", lambda device: net)
    assert made(torch.zeros(2 * largest + 1, 1, 4, 4, dtype=torch.uint8)).shape == (2 * largest + 1, 3)
    assert batches == [largest, largest, 1]


def test_images_of_all_kinds(random_weights: Held, photographs: Tensor) -> None:
    made = extractor("squeezenet1_1@64", random_weights)
    wanted = made(photographs[:3])
    scale = wanted.abs().max().item()
    torch.testing.assert_close(made(list(photographs[:3])), wanted, rtol=0, atol=1e-5 * scale)
    grey = photographs[3:5, :1]
    mixed = [photographs[0], grey[0], photographs[1, :, :, :40]]
    features = made(mixed)
    torch.testing.assert_close(features[0], wanted[0], rtol=0, atol=1e-5 * scale)
    torch.testing.assert_close(features[1], made(grey.repeat(1, 3, 1, 1))[0], rtol=0, atol=1e-5 * scale)
    torch.testing.assert_close(features[2], made(photographs[1:2, :, :, :40])[0], rtol=0, atol=1e-5 * scale)


def test_nothing_outside_is_changed(random_weights: Held, photographs: Tensor) -> None:
    before, state = photographs.clone(), torch.get_rng_state()
    features = extractor("squeezenet1_1@64", random_weights)(photographs)
    assert torch.equal(photographs, before)
    assert torch.equal(torch.get_rng_state(), state)
    assert not features.requires_grad


@pytest.mark.parametrize("dtype", ["float16", "bfloat16"])
def test_half_precision(dtype: str, random_weights: Held, photographs: Tensor) -> None:
    full = extractor("squeezenet1_1@64", random_weights)(photographs)
    made = extractor("squeezenet1_1@64", random_weights, dtype)
    half = made(photographs)
    assert (made.dtype, made.kept_dtype) == (dtype, "float16")
    assert half.dtype == torch.float16
    computed_in = getattr(torch, dtype)
    assert torch.equal(half, half.to(computed_in).half()), "it has no more digits than it was computed in"
    assert not torch.equal(half, full.to(computed_in).half())  # the network's layers are computed in it as well
    torch.testing.assert_close(half.float(), full, rtol=0, atol=0.02 * full.abs().max().item())


@pytest.mark.parametrize(
    ("dtype", "way_out"),
    [(half, "take --features-dtype float32") for half in ("float16", "bfloat16")] + [("float32", "weights")],
)
def test_features_that_are_not_finite_are_refused(
    dtype: str, way_out: str, photographs: Tensor, monkeypatch: pytest.MonkeyPatch
) -> None:
    made = Deep("resnet50@32", Weights(), dtype)
    factor = 1e5 if dtype != "float32" else float("inf")
    monkeypatch.setattr(made, "_net", lambda device: lambda inputs: inputs.amax((2, 3)) * factor)
    with pytest.raises(UsageError, match=f"features resnet50@32 in {dtype} are not finite .*{way_out}"):
        made(photographs)

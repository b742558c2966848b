"""What is no linear projection as ONNX: from images at their own size and from features, in batches of any size."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any, Self

import numpy as np
import pytest
import torch
from torch import Tensor, nn

import hashbench as hb
from hashbench.export.check import by_onnx, check_bits
from hashbench.method import HashMethod, RunContext, TrainingSet, Traits

pytest.importorskip("onnx")
pytest.importorskip("onnxscript")
pytest.importorskip("onnxruntime")


class Small(HashMethod):
    """A network on images of 16 px that was never trained."""

    traits = Traits(input="images")

    def __init__(self, bits: int) -> None:
        super().__init__(bits)
        torch.manual_seed(0)
        self.net_ = nn.Sequential(
            nn.Conv2d(3, 8, 3, stride=2), nn.BatchNorm2d(8), nn.ReLU(), nn.AdaptiveAvgPool2d(2), nn.Flatten()
        ).append(nn.Linear(32, bits))
        self.net_.eval()

    def fit(self, train: TrainingSet, run: RunContext) -> Self:
        return self

    def image_size(self, features: str) -> int:
        return 16

    def project(self, batch: Tensor) -> Tensor:
        with torch.no_grad():
            z: Tensor = self.net_(batch.float() / 255 - 0.5)
        return z

    def encode(self, batch: Tensor) -> Tensor:
        return self.project(batch) > 0

    def load_state(self, state: Mapping[str, Tensor], run: RunContext | None = None) -> None:
        raise NotImplementedError


class Erratic(Small):
    """Its way depends on its values, which no graph can have."""

    def project(self, batch: Tensor) -> Tensor:
        return super().project(batch) if float(batch.float().mean()) > 0 else batch.float()


@pytest.mark.slow
def test_bits_of_images_and_of_features_are_the_methods(tmp_path: Path) -> None:
    from hashbench.export.onnx_network import write_network

    rng = np.random.default_rng(0)
    images = torch.from_numpy(rng.integers(0, 256, (300, 3, 16, 16), dtype=np.uint8))
    features = rng.normal(size=(300, 20)).astype(np.float32)
    methods: list[tuple[str, dict[str, Any]]] = [
        ("ste_autoencoder", {"epochs": 1, "hidden": 9}),
        ("agh", {"anchors": 40}),  # this and the next call len(batch)
        ("cbe", {}),
        ("spherical", {}),  # its radii are distances of training items, whose projections are 0
    ]
    fitted = [hb.hasher(name, 12, device="cpu", **more).fit(features).fitted for name, more in methods]
    cases: list[tuple[HashMethod, Tensor, str]] = [(Small(24), images, "images")]
    cases += [(method, torch.from_numpy(features), "features") for method in fitted]
    for method, batch, name in cases:
        file = tmp_path / f"{name}.onnx"
        dtype = write_network(method, batch, {"record": "abc"}, file)
        check = check_bits(file.name, by_onnx(file), method, [batch[:1], batch[1:8], batch[8:]], exact=False)
        assert check.items == 300
        session = pytest.importorskip("onnxruntime").InferenceSession(str(file))
        assert [(one.name, one.shape[1:]) for one in session.get_inputs()] == [(name, list(batch.shape[1:]))]
        assert session.get_modelmeta().custom_metadata_map == {"record": "abc"}
        assert session.get_outputs()[0].type == {"float32": "tensor(float)", "float64": "tensor(double)"}[dtype]
        projection = method.project(batch[:1])
        assert projection is not None
        assert str(projection.dtype) == f"torch.{dtype}"
    with pytest.raises(hb.UsageError, match=r"^erratic cannot be exported as ONNX: .*; name another$") as refused:
        write_network(Erratic(8), images, {"method": "erratic"}, tmp_path / "erratic.onnx")
    assert "\n" not in str(refused.value)
    assert not (tmp_path / "erratic.onnx").exists()

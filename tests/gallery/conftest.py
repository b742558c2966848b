"""Records of methods that restore pictures, or borrow a network, and of one that does neither; made once for all."""

from pathlib import Path

import pytest
import safetensors.torch

import hashbench as hb
from hashbench import measuring, methods
from tests.features.networks import random_net

PLUGINS = Path(__file__).parent / "plugins/methods"
NET = "mobilenet_v2"


@pytest.fixture(autouse=True)
def plugins(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """This folder's methods can be found, and no weights anywhere."""
    monkeypatch.setattr(methods, "__path__", [*methods.__path__, str(PLUGINS)])
    monkeypatch.setenv("TORCH_HOME", str(tmp_path / "hub"))


@pytest.fixture(scope="session")
def results(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A result folder of digits; the weights it was made with are gone. Not to be written to."""
    folder = tmp_path_factory.mktemp("gallery")
    weights = folder / "weights.safetensors"
    safetensors.torch.save_file(random_net(NET).state_dict(), weights)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(methods, "__path__", [*methods.__path__, str(PLUGINS)])
        patch.setattr(measuring, "SECONDS_PER_FIGURE", 0.001)
        patch.setenv("HASHBENCH_CACHE", str(folder / "cache"))
        for names, files in (("itq,paints", {}), ("borrows", {NET: weights})):
            found = hb.run(
                methods=names,
                bits=[16],
                limit=100,
                weights=files,
                results=folder / "results",
                executor="inline",
                device="cpu",
            )
            assert {record["status"] for record in found.records} == {"ok"}
    weights.unlink()
    return folder / "results"

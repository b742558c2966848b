"""Records of methods that restore pictures, or borrow a network, and of one that does neither; made once for all."""

import shutil
from pathlib import Path

import pytest
import safetensors.torch

import hashbench as hb
from hashbench import methods
from hashbench.execution import measure
from hashbench.execution.stored_trial import StoredTrial
from tests.features.networks import random_net

PLUGINS = Path(__file__).parent / "stored_plugins/methods"
NET = "mobilenet_v2"


@pytest.fixture
def stored_plugins(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """The methods of ``tests/stored_plugins`` can be found, and no weights anywhere."""
    monkeypatch.setattr(methods, "__path__", [*methods.__path__, str(PLUGINS)])
    monkeypatch.setenv("TORCH_HOME", str(tmp_path / "hub"))


@pytest.fixture(scope="session")
def stored_results(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A result folder of digits; the weights it was made with are gone. Not to be written to."""
    folder = tmp_path_factory.mktemp("gallery")
    weights = folder / "weights.safetensors"
    safetensors.torch.save_file(random_net(NET).state_dict(), weights)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(methods, "__path__", [*methods.__path__, str(PLUGINS)])
        patch.setattr(measure, "SECONDS_PER_FIGURE", 0.001)
        patch.setattr("hashbench.reporting.write.write_figures", lambda *_: [])
        patch.setenv("HASHBENCH_CACHE", str(folder / "cache"))
        for names, files in (("itq,paints", {}), ("borrows", {NET: weights})):
            results = hb.run(
                methods=names,
                bits=[16],
                limit=100,
                weights=files,
                results=folder / "results",
                executor="inline",
                device="cpu",
            )
            assert {record["status"] for record in results.records} == {"ok"}
    weights.unlink()
    return folder / "results"


def stored(results: Path, method: str) -> StoredTrial:
    """The record of a method in a result folder."""
    (file,) = (results / "records").glob(f"*-{method}-*.json")
    return StoredTrial.read(file)


def copied(results: Path, method: str, target: Path) -> StoredTrial:
    """The same in a result folder of its own, with codes and state."""
    (target / "records").mkdir(parents=True, exist_ok=True)
    for file in (results / "records").glob(f"*-{method}-*"):
        shutil.copy(file, target / "records")
    return stored(target, method)

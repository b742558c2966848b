"""Weights: from the user's files, torch.hub's folder, or the network."""

import gzip
import hashlib
import http.server
import io
import pickle
import threading
import warnings
import zipfile
from argparse import Namespace
from collections.abc import Iterator
from functools import partial
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
import safetensors.torch
import torch
import torchvision
from torch import Tensor

from hashbench.errors import UsageError
from hashbench.features.state_dicts import outlines
from hashbench.features.weights import Weights, parse_weights

STATE = {"b.weight": torch.arange(6.0).view(2, 3), "a.count": torch.tensor(7), "c.half": torch.ones(3).half()}


def saved(file: Path, state: object = STATE) -> Path:
    if file.suffix == ".safetensors":
        assert isinstance(state, dict)
        safetensors.torch.save_file(state, file)
    else:
        torch.save(state, file)
    return file


def sum_of(file: Path) -> str:
    return Weights({"vgg19": file}).sum("vgg19")


# Sums


@pytest.mark.parametrize("name", ["net.pth", "net.safetensors"])
def test_a_state_dict_is_read_as_it_was_saved(tmp_path: Path, name: str) -> None:
    state = Weights({"vgg19": saved(tmp_path / name)}).state("vgg19")
    assert state.keys() == STATE.keys()
    for key, value in STATE.items():
        assert torch.equal(state[key], value)
        assert state[key].dtype == value.dtype


def test_parameters_are_detached(tmp_path: Path) -> None:
    file = saved(tmp_path / "net.pth", {"weight": torch.nn.Parameter(torch.ones(2))})
    assert not Weights({"vgg19": file}).state("vgg19")["weight"].requires_grad


def test_the_sum_is_of_the_tensors(tmp_path: Path) -> None:
    total = hashlib.sha256()
    total.update(b"a.count torch.int64 []\n" + (7).to_bytes(8, "little"))
    total.update(b"b.weight torch.float32 [2, 3]\n" + STATE["b.weight"].numpy().astype("<f4").tobytes())
    total.update(b"c.half torch.float16 [3]\n" + STATE["c.half"].numpy().astype("<f2").tobytes())
    turned = {**STATE, "b.weight": STATE["b.weight"].t().contiguous().t()}
    for file in (
        saved(tmp_path / "net.pth"),
        saved(tmp_path / "net.safetensors"),
        saved(tmp_path / "reversed.pth", dict(reversed(STATE.items()))),
        saved(tmp_path / "strided.pth", turned),
    ):
        assert sum_of(file) == total.hexdigest(), file.name


@pytest.mark.parametrize(
    "change",
    [
        {"b.weight": STATE["b.weight"] + 1},
        {"b.weight": STATE["b.weight"].view(3, 2)},
        {"b.weight": STATE["b.weight"].view(torch.int32)},
        {"d.weight": torch.ones(1)},
    ],
    ids=["value", "shape", "dtype", "name"],
)
def test_other_weights_have_another_sum(tmp_path: Path, change: dict[str, Tensor]) -> None:
    assert sum_of(saved(tmp_path / "changed.pth", {**STATE, **change})) != sum_of(saved(tmp_path / "net.pth"))


def test_a_file_is_summed_again_when_it_changes(tmp_path: Path) -> None:
    file = saved(tmp_path / "net.pth")
    first = sum_of(file)
    saved(file, {**STATE, "more": torch.ones(5000)})
    assert sum_of(file) != first


# Saved states of methods


@pytest.mark.parametrize("name", ["kept.safetensors", "kept.pth"])
def test_of_a_methods_state_the_encoders_network_is_taken(tmp_path: Path, name: str) -> None:
    beside = {"encoder.mean": torch.zeros(3), "head.last.weight": torch.ones(8, 2), "generator.0.weight": torch.ones(4)}
    kept = saved(tmp_path / name, {**beside, **{f"encoder.net.{key}": value for key, value in STATE.items()}})
    state = Weights({"vgg19": kept}).state("vgg19")
    assert state.keys() == STATE.keys()
    assert all(torch.equal(state[key], value) for key, value in STATE.items())
    assert sum_of(kept) == sum_of(saved(tmp_path / "net.pth")), "the sum is of the network, whoever else is in the file"


# Checkpoints

PREFIXED = {f"module.{name}": value for name, value in STATE.items()}


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (PREFIXED, "took 'module.' off all names"),
        ({f"model.backbone.{name}": value for name, value in STATE.items()}, "took 'model.backbone.' off all names"),
        ({f"module._orig_mod.{name}": value for name, value in STATE.items()}, "took 'module._orig_mod.' off"),
        ({"state_dict": STATE, "epoch": 3, "optimizer": {"state": {}}}, "took 'state_dict' out of 3 entries"),
        ({"model": PREFIXED, "step": 4}, "took 'model' out of 2 entries and 'module.' off all names"),
        ({"model_state_dict": STATE}, "took 'model_state_dict' out of 1 entries"),
    ],
)
def test_of_a_checkpoint_the_networks_state_is_taken_and_said_so_once(
    tmp_path: Path, content: dict[str, object], words: str
) -> None:
    lines: list[str] = []
    file = saved(tmp_path / "checkpoint.pth", content)
    weights = Weights({"vgg19": file}, log=lines.append)
    state = weights.state("vgg19")
    assert state.keys() == STATE.keys()
    assert all(torch.equal(state[key], value) for key, value in STATE.items())
    assert weights.sum("vgg19") == sum_of(saved(tmp_path / "net.pth")), "the same weights, however they are wrapped"
    assert weights.outlines("vgg19") == outlines(STATE)
    (line,) = lines
    assert line.startswith(f"weights {file}: {words}")


def test_a_prefix_that_only_some_names_have_stays(tmp_path: Path) -> None:
    mixed = {**PREFIXED, "head.weight": torch.ones(1)}
    lines: list[str] = []
    assert (
        Weights({"vgg19": saved(tmp_path / "net.pth", mixed)}, log=lines.append).state("vgg19").keys() == mixed.keys()
    )
    assert not lines
    features = {f"features.{name}": value for name, value in STATE.items()}
    assert Weights({"vgg19": saved(tmp_path / "own.pth", features)}).state("vgg19").keys() == features.keys()


@pytest.mark.parametrize("names", [("net.safetensors", "net.pth"), ("net.pth", "net.safetensors")])
def test_the_content_says_what_a_file_is_not_its_name(tmp_path: Path, names: tuple[str, str]) -> None:
    misnamed = saved(tmp_path / names[0]).rename(tmp_path / names[1])
    assert Weights({"vgg19": misnamed}).state("vgg19").keys() == STATE.keys()


# Files that are none


def test_files_that_are_no_state_dict_are_one_line(tmp_path: Path) -> None:
    whole, old = saved(tmp_path / "whole.pth").read_bytes(), tmp_path / "old.pth"
    torch.save(STATE, old, _use_new_zipfile_serialization=False)
    safe = saved(tmp_path / "whole.safetensors").read_bytes()
    contents = {
        "page.pth": b"\n<!DOCTYPE html><html>not found</html>",
        "page.safetensors": b"<html>not found</html>",
        "lfs.pth": b"version https://git-lfs.github.com/spec/v1\noid sha256:0",
        "empty.pth": b"",
        "empty.safetensors": b"",
        "half.pth": whole[: len(whole) // 2],
        "half of old.pth": old.read_bytes()[:-5],
        "half.safetensors": safe[:-5],
        "text.pth": b"no weights",
        "text.safetensors": b"not a header",
        "keras.pth": b"\x89HDF\r\n\x1a\n",
        "net.pth.gz": gzip.compress(whole),
        "list.pth": pickle.dumps([1, 2]),
    }
    for name, content in contents.items():
        (tmp_path / name).write_bytes(content)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        program: Any = torch.jit.script(torch.nn.Linear(2, 2))
        program.save(tmp_path / "script.pth")
    with zipfile.ZipFile(tmp_path / "other.zip", "w") as archive:
        archive.writestr("a", "b")
    saved(tmp_path / "tensor.pth", torch.ones(3))
    saved(tmp_path / "two.pth", {"state_dict": STATE, "model": STATE})
    saved(tmp_path / "wrapped.pth", {"weights": STATE})
    saved(tmp_path / "net.module.pth", torch.nn.Linear(2, 2))
    saved(tmp_path / "arguments.pth", {"model": STATE, "args": Namespace(rate=1)})
    saved(tmp_path / "numpy.pth", {"weight": np.zeros(3)})
    saved(tmp_path / "nothing.pth", {})
    saved(tmp_path / "sparse.pth", {"weight": torch.eye(3).to_sparse()})
    saved(tmp_path / "meta.pth", {"weight": torch.eye(3, device="meta")})
    cut, page = "its end is missing, as after a download", "it is a web page, saved in place of the file"
    reasons = {
        "page.pth": page,
        "page.safetensors": page,
        "lfs.pth": "it is a pointer of Git LFS",
        "empty.pth": "it is empty",
        "empty.safetensors": "it is empty",
        "half.pth": cut,
        "half of old.pth": cut,
        "half.safetensors": cut,
        "text.pth": "it is no file of torch's or safetensors",
        "text.safetensors": "it ",
        "keras.pth": "it is an HDF5 file",
        "net.pth.gz": "it is compressed by gzip: unpack it",
        "list.pth": "it ",
        "script.pth": "it is a TorchScript program",
        "other.zip": "it cannot be read: ",
        "tensor.pth": "it holds a Tensor",
        "two.pth": "it holds several: 'state_dict', 'model'",
        "wrapped.pth": "'weights' is a dict",
        "net.module.pth": "it has a pickled torch.nn.modules.linear.Linear, and reading that runs code",
        "arguments.pth": "it has a pickled argparse.Namespace, and",
        "numpy.pth": "it has a pickled numpy.",
        "nothing.pth": "it holds a dict",
        "sparse.pth": "'weight' is sparse",
        "meta.pth": "'weight' is without values",
    }
    for name, reason in reasons.items():
        for ask in (Weights({"vgg19": tmp_path / name}).state, Weights({"vgg19": tmp_path / name}).sum):
            with pytest.raises(UsageError) as error:
                ask("vgg19")
            assert str(error.value).startswith(f"weights {tmp_path / name} are no state dict ({reason}"), name
            assert "\n" not in str(error.value)
            assert "Error" not in str(error.value).removeprefix(f"weights {tmp_path / name}"), name


def test_a_file_that_vanished_is_one_line(tmp_path: Path) -> None:
    for ask in (Weights({"vgg19": tmp_path / "gone.pth"}).state, Weights({"vgg19": tmp_path / "gone.pth"}).sum):
        with pytest.raises(UsageError, match=r"weights .*gone.pth cannot be read \(No such file or directory"):
            ask("vgg19")


# As typed


def test_names_and_files(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("HOME", str(tmp_path))
    for name in ("a.pth", "b=c.pth"):
        (tmp_path / name).touch()
    assert parse_weights([]) == {}
    assert parse_weights(["vgg19=a.pth", "resnet50 = ~/b=c.pth"]) == {
        "vgg19": tmp_path / "a.pth",
        "resnet50": tmp_path / "b=c.pth",
    }


@pytest.mark.parametrize(
    ("pairs", "message"),
    [
        (["vgg19"], r"weights are 'vgg19', wanted NAME=FILE, say resnet50="),
        (["=a.pth"], "weights are '=a.pth'"),
        (["vgg19="], "weights are 'vgg19='"),
        (["vgg=a.pth"], r"no network named 'vgg'; did you mean 'vgg1\d'\?"),
        (["squeezenet1_1@128=a.pth"], r"no network named 'squeezenet1_1@128'; did you mean 'squeezenet1_1'\?"),
        (["gist=a.pth"], "no network named 'gist'"),
        (["vgg19=gone.pth"], "weights of 'vgg19': there is no file 'gone.pth'"),
        (["vgg19=."], "there is no file '.'"),
        (["vgg19=a.pth", "vgg19=a.pth"], "weights of 'vgg19' are given twice"),
    ],
)
def test_what_is_no_weight_raises(
    pairs: list[str], message: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "a.pth").touch()
    with pytest.raises(UsageError, match=message):
        parse_weights(pairs)


# Published ones


@pytest.fixture
def hub(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Torch.hub's folder of weights, not made yet."""
    monkeypatch.setenv("TORCH_HOME", str(tmp_path / "torch home"))
    monkeypatch.setattr(torch.hub, "_hub_dir", None)
    return tmp_path / "torch home" / "hub" / "checkpoints"


def bytes_of(state: dict[str, Tensor]) -> bytes:
    file = io.BytesIO()
    torch.save(state, file)
    return file.getvalue()


@pytest.fixture
def site(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """A folder served on this machine; vgg19 is published there, its file is still absent."""
    folder = tmp_path / "site"
    folder.mkdir()

    class Quiet(http.server.SimpleHTTPRequestHandler):
        def log_message(self, *_: object) -> None:
            """Nothing to standard error."""

    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), partial(Quiet, directory=str(folder)))
    threading.Thread(target=server.serve_forever, args=(0.01,), daemon=True).start()
    name = f"vgg19-{hashlib.sha256(bytes_of(STATE)).hexdigest()[:8]}.pth"
    url = f"http://127.0.0.1:{server.server_port}/models/{name}"
    published_file = {"IMAGENET1K_V1": SimpleNamespace(url=url)}
    monkeypatch.setattr(torchvision.models, "get_model_weights", lambda net: published_file if net == "vgg19" else {})
    (folder / "models").mkdir()
    yield folder / "models" / name
    server.shutdown()
    server.server_close()


def test_a_file_in_torch_hubs_folder_is_taken(hub: Path) -> None:
    hub.mkdir(parents=True)
    saved(hub / "squeezenet1_1-b8a52dc0.pth")
    assert Weights(offline=True).state("squeezenet1_1").keys() == STATE.keys()


def test_the_users_file_comes_first(hub: Path, tmp_path: Path) -> None:
    hub.mkdir(parents=True)
    saved(hub / "vgg19-dcbb9e9d.pth")
    own = saved(tmp_path / "own.pth", {"own": torch.ones(1)})
    assert Weights({"vgg19": own}).state("vgg19").keys() == {"own"}


def test_offline_without_weights_names_the_ways_out(hub: Path) -> None:
    for ask in (Weights(offline=True).state, Weights(offline=True).sum):
        with pytest.raises(UsageError) as error:
            ask("vgg19")
        file = hub / "vgg19-dcbb9e9d.pth"
        assert str(error.value) == (
            f"no weights for 'vgg19': {file} is not there, and --offline and --dry-run fetch nothing; "
            f"name a file with --weights vgg19=FILE, put {file.name} into {hub}, "
            "or take other features, say --features gist"
        )
    assert not hub.exists()


def test_weights_are_downloaded_once_and_logged_first(hub: Path, site: Path) -> None:
    site.write_bytes(bytes_of(STATE))
    lines: list[str] = []
    weights = Weights(log=lines.append)
    assert weights.state("vgg19").keys() == STATE.keys()
    assert lines[0].startswith("downloading http://127.0.0.1")
    assert lines[1].startswith("size: ")
    assert [file.name for file in hub.iterdir()] == [site.name]
    site.unlink()
    assert weights.sum("vgg19") == Weights(offline=True).sum("vgg19")


def test_a_file_of_another_sum_is_removed(hub: Path, site: Path) -> None:
    site.write_bytes(bytes_of({"other": torch.ones(2)}))
    with pytest.raises(
        UsageError, match=r"the downloaded file has sha256 [0-9a-f]{64}, wanted [0-9a-f]{8}; try again, or name"
    ):
        Weights().state("vgg19")
    assert list(hub.iterdir()) == []


def test_without_a_network_the_ways_out_are_named(hub: Path, site: Path) -> None:
    with pytest.raises(UsageError, match=r"cannot be downloaded .*404.*--weights vgg19=FILE, put vgg19-.*\.pth into "):
        Weights().state("vgg19")
    assert list(hub.iterdir()) == []


def test_a_folder_that_cannot_be_made_raises(hub: Path, site: Path) -> None:
    hub.parent.parent.touch()
    with pytest.raises(UsageError, match=r"no weights for 'vgg19': .*cannot be written \(.*\); name a file with"):
        Weights().state("vgg19")

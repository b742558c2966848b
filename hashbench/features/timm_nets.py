"""Networks of timm, "timm:NAME"; timm comes with the extra ``hashbench[timm]``."""

import difflib
import importlib
import math
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from torch import nn

from hashbench.errors import UsageError
from hashbench.features.preprocessing import Preprocessing
from hashbench.features.pretrained import Pretrained
from hashbench.util.progress import Log

PREFIX = "timm:"
INSTALL = "pip install 'hashbench[timm]'"
SUMMARY = f"any network of timm ({INSTALL}), pooled, its weights and preprocessing, or @SIZE"


@dataclass(frozen=True)
class TimmNet(Pretrained):
    """A network of timm.

    Attributes:
        name: "timm:" and timm's name, with the tag of its weights if one was given.
        config: timm's configuration of its weights.
        sizes: allowed sides of its input, in pixels.
    """

    name: str
    config: Any
    sizes: range = range(32, 1025)

    @property
    def preprocessing(self) -> Preprocessing:
        """The preprocessing of timm's evaluation transform."""
        size = self.config.input_size[-1]
        shorter_side = math.floor(size / self.config.crop_pct)
        return Preprocessing(size, shorter_side, self.config.interpolation, self.config.mean, self.config.std)

    def build(self) -> tuple[nn.Module, frozenset[str]]:
        """Initialised at random, since some networks compute tables then that are not part of the weights."""
        return build_timm(self.name.removeprefix(PREFIX))

    def adapt(self, net: Any, size: int) -> int:
        """Set the size of a network of fixed size, which resamples its position embeddings; then try one image."""
        own = self.preprocessing.size
        try:
            if size != own and hasattr(net, "set_input_size"):
                net.set_input_size(img_size=(size, size))
            with torch.inference_mode():
                features = net.eval()(torch.zeros(1, 3, size, size))
        except (RuntimeError, ValueError, AssertionError) as error:
            raise UsageError(f"{self.name} cannot read images of {size} px; its own size is {own}") from error
        if features.ndim != 2:
            raise UsageError(f"{self.name} returns {list(features.shape[1:])} per image, wanted one vector")
        return int(features.shape[1])

    def published_file(self, offline: bool, log: Log) -> Path:
        """The file in the cache of the Hugging Face hub."""
        hub = importlib.import_module("huggingface_hub")  # timm needs it
        repository, file = self.config.hf_hub_id, self.config.hf_hub_filename or "model.safetensors"
        remedy = f"put {file} of {repository} into the Hugging Face cache"
        if not repository:
            raise self.no_weights("none are published on the Hugging Face hub", "or take another network")
        cached = hub.try_to_load_from_cache(repository, file)
        if isinstance(cached, str):
            return Path(cached)
        if offline:
            raise self.no_weights(
                f"{file} of {repository} is not here, and --offline and --dry-run fetch nothing", remedy
            )
        url = hub.hf_hub_url(repository, file)
        try:
            size = hub.get_hf_file_metadata(url).size
            log(f"downloading {url} ({size / (1 << 20):.1f} MiB)")
            return Path(hub.hf_hub_download(repository, file))
        except Exception as error:  # clients of several versions raise errors of many kinds
            why = f"{url} cannot be downloaded ({type(error).__name__})"
            raise self.no_weights(why, remedy) from error


def timm_net(name: str) -> TimmNet:
    """The network of timm called "timm:NAME" or "timm:NAME.TAG".

    Raises:
        UsageError: timm is not installed or has no such network, or the network does not take a centre crop.
    """
    timm, own_name = _timm(), name.removeprefix(PREFIX)
    if not timm.is_model(own_name):
        raise _unknown(timm, own_name)
    try:
        config = timm.get_pretrained_cfg(own_name)
    except RuntimeError:
        config = None
    if config is None:
        raise UsageError(f"{name}: timm has no weights of that name; `timm.list_pretrained` lists those it has")
    channels, height, width = config.input_size
    if config.crop_mode != "center" or channels != 3 or height != width:
        raise UsageError(
            f"{name} reads {channels} x {height} x {width}, crop mode {config.crop_mode!r}; "
            "wanted one that reads a square of three channels from the image's centre"
        )
    return TimmNet(name, config)


def build_timm(
    name: str, features: str = f"{PREFIX}NAME", install: str = INSTALL, *, whole: bool = False
) -> tuple[nn.Module, frozenset[str]]:
    """Timm's network called ``name`` with random weights, and the names of the tensors that were cut off its end.

    Leaves the global random generators alone.

    Args:
        name: timm's.
        features: what needs it, for the message.
        install: the command that installs what is missing.
        whole: with its classifier.

    Raises:
        UsageError: timm is not installed.
    """
    with torch.random.fork_rng(devices=[]):
        net = _timm(features, install).create_model(name)
    every = net.state_dict().keys()
    if not whole:
        net.reset_classifier(0)
    return net, frozenset(every - net.state_dict().keys())


def _timm(features: str = f"{PREFIX}NAME", install: str = INSTALL) -> Any:
    try:
        return importlib.import_module("timm")
    except ImportError as error:
        raise UsageError(f"features {features} need timm ({error}); {install}") from None


def _unknown(timm: Any, name: str) -> UsageError:
    """The error for an unknown name; names the nearest one of timm's thousand networks, not all."""
    near = difflib.get_close_matches(name, timm.list_models(), n=1)
    hint = f"; did you mean {near[0]!r}?" if near else ""
    return UsageError(f"timm has no network {name!r}{hint} (timm.list_models() gives all)")

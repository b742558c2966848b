"""The fingerprint of a trial: what could change its codes without being asked for."""

from collections.abc import Mapping, Sequence
from functools import cache
from typing import Any

import torch

from hashbench import nets, shallow
from hashbench.data import images
from hashbench.features.deep import Deep
from hashbench.features.spec import extractor_class
from hashbench.plugins.registry import DATASETS, METHODS, Registry, loaded_sources
from hashbench.plugins.sources import PluginSources
from hashbench.records.trial_spec import REFERENCES, TRIAL_VERSION, TrialSpec
from hashbench.util import pca

MAX_NAMED = 4
# Engine modules with a version of their own, for the methods that import them, directly or through helpers.
IMPORTED_PARTS = {
    "hashbench.nets": ("nets", nets.VERSION),
    "hashbench.shallow": ("shallow", shallow.VERSION),
    "hashbench.util.pca": ("pca", pca.VERSION),
}


def fingerprint(trial: TrialSpec, card: str, device: torch.device) -> dict[str, Any]:
    """The fingerprint of a trial, known before anything is extracted or trained.

    It has versions instead of sources for the engine: a constant goes up when behaviour changes (tests/golden), so a
    refactoring makes no record stale. Plugins enter by their sources, data sets that are not hashbench's own likewise;
    hashbench's own data sets are covered by the protocol card and the version of images.

    Args:
        trial: the identity.
        card: id of the protocol card.
        device: where the trial runs; its kind counts.

    Returns:
        {"card": ..., "device": "cpu", "versions": {part: number}, "sources": {short name: checksum},
        "distributions": {name: version}}
    """
    method = _sources(METHODS, trial.method) if trial.method not in REFERENCES else None
    dataset = None if _is_shipped(trial.dataset) else _sources(DATASETS, trial.dataset)
    plugins = [sources for sources in (method, dataset) if sources is not None]
    return {
        "card": card,
        "device": device.type,
        "versions": _versions(trial, method),
        "sources": {name: checksum for plugin in plugins for name, checksum in plugin.sums.items()},
        "distributions": {name: version for plugin in plugins for name, version in plugin.distributions.items()},
    }


def bare_fingerprint(card: str, device: str) -> dict[str, Any]:
    """The fingerprint of a trial without plugins and without features of hashbench's."""
    return {"card": card, "device": device, "versions": {"trial": TRIAL_VERSION}, "sources": {}, "distributions": {}}


def forget_sources() -> None:
    """Forget the sources of plugins; called at the start of a plan, since files may have been edited."""
    _sources.cache_clear()
    _is_shipped.cache_clear()


def check_sources(trial: TrialSpec, planned: Mapping[str, Any]) -> None:
    """Check that this process runs what a trial was planned with, so that records name the sources that ran.

    Args:
        trial: the identity.
        planned: its fingerprint.

    Raises:
        RuntimeError: a file of a plugin was edited since the plan, or since this process loaded it.
    """
    forget_sources()
    now = fingerprint(trial, planned["card"], torch.device(planned["device"]))
    changed = changes(planned, now)
    if changed:
        raise RuntimeError(f"{listed(changed)} since the plan was made; run the command again")
    edited = sorted(name for name, checksum in _loaded(trial).items() if now["sources"].get(name, checksum) != checksum)
    if edited:
        raise RuntimeError(f"{listed(edited)} changed since Python loaded it; start Python again")


def changes(old: Mapping[str, Any], new: Mapping[str, Any]) -> list[str]:
    """What differs between two fingerprints, a phrase each, plugins' files first; the device's kind is left out."""
    if not old["versions"]:
        return ["the format of records changed"]
    files, versions, distributions = (
        sorted(name for name in {*old[part], *new[part]} if old[part].get(name) != new[part].get(name))
        for part in ("sources", "versions", "distributions")
    )
    phrases = [f"{name} changed" for name in files]
    phrases += [f"{name} went {_step(old, new, 'distributions', name)}" for name in distributions]
    phrases += [f"version of {name} went {_step(old, new, 'versions', name)}" for name in versions]
    return phrases + (["the data changed"] if old["card"] != new["card"] else [])


def listed(phrases: Sequence[str]) -> str:
    """Phrases for a message: at most four, and how many more there are."""
    more = len(phrases) - MAX_NAMED
    return ", ".join(phrases[:MAX_NAMED]) + (f" and {more} more" if more > 0 else "")


def _step(old: Mapping[str, Any], new: Mapping[str, Any], part: str, name: str) -> str:
    return f"from {old[part].get(name, 'none')} to {new[part].get(name, 'none')}"


def _versions(trial: TrialSpec, method: PluginSources | None) -> dict[str, int]:
    features = extractor_class(trial.features)
    versions = {"trial": TRIAL_VERSION, "images": images.VERSION, features.part: features.version}
    if trial.backbones:
        versions[Deep.part] = Deep.version
    for module in method.engine if method else ():
        for prefix, (part, version) in IMPORTED_PARTS.items():
            if module == prefix or module.startswith(f"{prefix}."):
                versions[part] = version
    return versions


def _loaded(trial: TrialSpec) -> dict[str, str]:
    """Checksums of the plugins' files as they were when this process imported them."""
    plugins: list[type] = [DATASETS.get(trial.dataset)]
    if trial.method not in REFERENCES:
        plugins.append(METHODS.get(trial.method))
    return {name: checksum for plugin in plugins for name, checksum in loaded_sources[plugin].sums.items()}


@cache
def _sources(registry: Registry[Any], name: str) -> PluginSources:
    return registry.sources(name)


@cache
def _is_shipped(dataset: str) -> bool:
    return DATASETS.is_shipped(dataset)

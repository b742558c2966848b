"""Defaults of ``hashbench run``, from defaults.toml."""

import tomllib
from importlib.resources import files


def default_datasets() -> tuple[str, ...]:
    """The data sets of a run for which none is named."""
    return tuple(tomllib.loads(files("hashbench.planning").joinpath("defaults.toml").read_text())["datasets"])

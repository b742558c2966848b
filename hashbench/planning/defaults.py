"""What ``hashbench run`` means where the user is silent: data in defaults.toml, not code."""

import tomllib
from importlib.resources import files


def default_datasets() -> tuple[str, ...]:
    """The data sets of a run that names none."""
    return tuple(tomllib.loads(files("hashbench.planning").joinpath("defaults.toml").read_text())["datasets"])

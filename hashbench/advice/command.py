"""The command line that makes a code."""

import shlex
from collections.abc import Mapping

from hashbench.advice.candidates import Candidate


def run_command(candidate: Candidate, file: str, given: Mapping[str, str], limit: int | None, seed: int) -> str:
    """The ``hashbench run`` line that trains this candidate on the same vectors with the same draws.

    Args:
        candidate: what to train.
        file: of the vectors, as the user named it.
        given: options of the data set, as the user gave them.
        limit: how many training vectors, where these are not all.
        seed: root of all draws.
    """
    spec = f"embeddings:{file}"
    words = ["hashbench", "run", "--methods", candidate.method, "--bits", str(candidate.bits)]
    words += ["--datasets", f'"{spec}"' if "," in spec else spec]
    for name, value in candidate.parameters.items():
        words += ["--set", f"{candidate.method}.{name}={value}"]
    for name, value in given.items():
        words += [f"--{name}", value]
    if limit is not None:
        words += ["--limit", str(limit)]
    if seed:
        words += ["--seed", str(seed)]
    return shlex.join(words)

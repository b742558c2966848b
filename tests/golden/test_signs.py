"""Factorisations leave signs open: every method that uses one fixes them by a rule.

The sign of an eigenvector or of a pair of singular vectors is a choice of the library, which may differ between
versions and machines. Principal axes and other eigenvectors have a positive entry of largest magnitude, a random
rotation is made unique by the diagonal of R, and ITQ's product of left and right singular vectors is the same for
either choice.
"""

import ast
from pathlib import Path
from typing import Any

import pytest
import torch
from torch import Tensor

import hashbench
from tests.golden.expected import differences
from tests.golden.golden import all_goldens

ROOT = Path(hashbench.__file__).parents[1]
FACTORISATIONS = {"eigh", "eig", "svd", "svds", "eigsh", "eigs", "qr", "lobpcg", "pca_lowrank", "svd_lowrank", "PCA"}
WITH_A_RULE = {("hashbench/util/pca.py", "eigh"), ("methods/itq.py", "svd")}
WITH_A_RULE |= {(f"methods/{name}.py", "eigh") for name in ("isohash", "sgh")}
WITH_A_RULE |= {("hashbench/shallow/graph_spectrum.py", name) for name in ("eigh", "qr")}
WITH_A_RULE |= {("hashbench/shallow/rotation.py", "qr"), ("hashbench/shallow/quantisation.py", "svd")}
WITH_A_RULE |= {("hashbench/shallow/cca.py", "eigh"), ("hashbench/shallow/cca.py", "svd")}
USERS = {"eigh": ["pca/principal-axes", "shallow/pcah-8", "shallow/itq-8", "shallow/itq-24", "shallow/spectral-40"]}
USERS["eigh"] += [f"shallow/{name}-16" for name in ("agh", "imh", "isohash", "itq_cca", "kmh", "pca_rr", "sgh")]
USERS |= {"svd": ["shallow/itq-8", "shallow/itq-24", "shallow/itq_cca-16"]}
USERS |= {"qr": ["shallow/itq-8", "shallow/itq-24", "shallow/isohash-16", "shallow/pca_rr-16", "full/rotated_sign"]}


def flipped(count: int) -> Tensor:
    """Every other direction the other way round."""
    return torch.where(torch.arange(count) % 2 == 0, -1.0, 1.0).double()


@pytest.mark.parametrize("name", USERS)
def test_the_other_sign_gives_the_same_codes(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    factorise: Any = getattr(torch.linalg, name)
    calls = 0

    def other_signs(matrix: Tensor, **options: Any) -> Any:
        nonlocal calls
        calls += 1
        parts = factorise(matrix, **options)
        if name == "eigh":
            return type(parts)((parts[0], parts[1] * flipped(len(matrix))))
        signs = flipped(parts[0].shape[1])
        return (parts[0] * signs, *parts[1:-1], signs[:, None] * parts[-1])

    monkeypatch.setattr(torch.linalg, name, other_signs)
    told = [
        line for golden in USERS[name] for line in differences(all_goldens()[golden], all_goldens()[golden].results())
    ]
    assert not told, "\n".join(told)
    assert calls >= len(USERS[name])


def test_no_other_file_factorises() -> None:
    """One that begins to has to fix its signs, and to be listed here with a test."""
    found = set()
    for file in [*sorted((ROOT / "methods").glob("*.py")), *sorted((ROOT / "hashbench").rglob("*.py"))]:
        for node in ast.walk(ast.parse(file.read_text(encoding="utf-8"))):
            if isinstance(node, ast.Attribute) and node.attr in FACTORISATIONS:
                found.add((str(file.relative_to(ROOT)), node.attr))
            if isinstance(node, ast.ImportFrom):
                found |= {
                    (str(file.relative_to(ROOT)), alias.name) for alias in node.names if alias.name in FACTORISATIONS
                }
    assert found == WITH_A_RULE

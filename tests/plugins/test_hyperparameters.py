"""Hyper-parameters: typed, resolved, refused with a clear line."""

from collections.abc import Mapping
from typing import Any, ClassVar, Literal

import pytest

from hashbench.errors import UsageError
from hashbench.plugins.hyperparameters import declared, resolve, resolve_recorded
from hashbench.plugins.registry import METHODS


class Method:
    """Has a parameter of every type."""

    renamed: ClassVar[Mapping[str, str]] = {"passes": "epochs"}

    def __init__(
        self,
        bits: int,
        epochs: int = 12,
        rate: float = 1e-3,
        noisy: bool = False,
        form: Literal["tanh", "piecewise"] = "tanh",
        widths: tuple[int, ...] = (64, 32),
        encoder: str | None = None,
    ) -> None:
        self.bits = bits


def test_defaults_are_resolved_in_the_order_of_the_constructor() -> None:
    assert list(resolve("m", Method, {})) == ["epochs", "rate", "noisy", "form", "widths", "encoder"]
    assert resolve("m", Method, {})["widths"] == (64, 32)


@pytest.mark.parametrize(
    ("name", "text", "value"),
    [
        ("epochs", "4", 4),
        ("rate", "2e-4", 2e-4),
        ("noisy", "true", True),
        ("noisy", "no", False),
        ("form", "piecewise", "piecewise"),
        ("widths", "(8, 4)", (8, 4)),
        ("widths", "8,4", (8, 4)),
        ("widths", "8", (8,)),
        ("encoder", "vgg19", "vgg19"),
        ("encoder", "none", None),
    ],
)
def test_text_becomes_the_declared_type(name: str, text: str, value: Any) -> None:
    resolved = resolve("m", Method, {name: text})[name]
    assert resolved == value
    assert type(resolved) is type(value)


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("epochs", "4.5"),
        ("epochs", "many"),
        ("epochs", True),
        ("noisy", "maybe"),
        ("form", "relu"),
        ("widths", "a,b"),
        ("rate", "nan"),
        ("rate", "inf"),
    ],
)
def test_a_value_of_another_type_names_the_parameter_the_value_and_the_default(name: str, text: Any) -> None:
    with pytest.raises(UsageError, match=f"parameter m.{name} is {text!r}, wanted .* \\(default"):
        resolve("m", Method, {name: text})


def test_an_unknown_parameter_names_the_nearest() -> None:
    with pytest.raises(UsageError, match="no parameter of m named 'epoch'; did you mean 'epochs'"):
        resolve("m", Method, {"epoch": "4"})


def test_the_error_for_a_former_name_gives_the_new_one() -> None:
    with pytest.raises(UsageError, match=r"parameter m\.passes has a new name: m\.epochs"):
        resolve("m", Method, {"passes": "4"})


def test_a_record_may_have_former_names() -> None:
    assert resolve_recorded("m", Method, {"passes": 4, "rate": 0.5}) == resolve("m", Method, {"epochs": 4, "rate": 0.5})
    with pytest.raises(UsageError, match="no parameter of m named 'paces'"):
        resolve_recorded("m", Method, {"paces": 4})


@pytest.mark.parametrize("name", METHODS.names())
def test_former_names_of_a_shipped_method_are_free_and_new_ones_exist(name: str) -> None:
    method = METHODS.get(name)
    assert not set(method.renamed) & set(declared(method))
    assert set(method.renamed.values()) <= set(declared(method))


def test_a_parameter_without_default_is_refused() -> None:
    class Untyped:
        def __init__(self, bits: int, rate: float) -> None: ...

    with pytest.raises(UsageError, match="parameter 'rate' of Untyped needs a type and a default"):
        declared(Untyped)


def test_a_recorded_precision_that_is_unknown_takes_its_default() -> None:
    method = METHODS.get("bgan")
    recorded = {**resolve("bgan", method, {}), "precision": "unknown"}
    assert resolve_recorded("bgan", method, recorded)["precision"] == "auto"

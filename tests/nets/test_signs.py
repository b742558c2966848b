import pytest
import torch

from hashbench.nets.signs import Activation, relaxed_sign, sign, sign_through

FORMS: tuple[Activation, ...] = ("piecewise", "tanh")


def test_sign_of_zero_is_plus_one() -> None:
    assert sign(torch.tensor([-2.0, -0.0, 0.0, 1e-30])).tolist() == [-1, 1, 1, 1]


def test_piecewise_app_is_the_papers_three_cases() -> None:
    z = torch.tensor([-3.0, -1.0, -0.25, 0.0, 0.25, 1.0, 3.0])
    assert relaxed_sign(z, 1.0).tolist() == [-1, -1, -0.25, 0, 0.25, 1, 1]
    assert relaxed_sign(z, 2.0).tolist() == [-1, -1, -0.5, 0, 0.5, 1, 1]


def test_gradient_of_piecewise_app_is_beta_inside_and_nothing_outside() -> None:
    z = torch.tensor([-0.6, -0.4, 0.1, 0.4, 0.6], requires_grad=True)
    torch.autograd.backward(relaxed_sign(z, 2.0).sum())
    assert z.grad is not None
    assert z.grad.tolist() == [0, 2, 2, 2, 0]


@pytest.mark.parametrize("form", FORMS)
def test_gradient_of_app_agrees_with_differences(form: Activation) -> None:
    z = torch.tensor([-0.9, -0.2, 0.05, 0.31], dtype=torch.float64, requires_grad=True)
    assert torch.autograd.gradcheck(lambda x: relaxed_sign(x, 1.7, form), (z,))


@pytest.mark.parametrize("form", FORMS)
def test_app_becomes_the_sign_as_beta_grows(form: Activation, generator: torch.Generator) -> None:
    z = torch.randn(1000, generator=generator)
    distances = [float((relaxed_sign(z, beta, form) - sign(z)).abs().mean()) for beta in (1.0, 4.0, 16.0, 1e6)]
    assert distances == sorted(distances, reverse=True)
    assert distances[-1] < 1e-4


def test_sign_through_is_exactly_binary_and_passes_the_gradient(generator: torch.Generator) -> None:
    z = torch.randn(5000, generator=generator).requires_grad_()
    weights = torch.arange(5000.0)
    code = sign_through(z)
    torch.autograd.backward((code * weights).sum())
    assert set(code.tolist()) == {-1.0, 1.0}
    assert z.grad is not None
    assert torch.equal(z.grad, weights)


def test_sign_through_app_passes_the_gradient_of_app() -> None:
    z = torch.tensor([-0.7, -0.1, 0.2, 0.9], requires_grad=True)
    torch.autograd.backward(sign_through(relaxed_sign(z, 2.0)).sum())
    assert z.grad is not None
    assert z.grad.tolist() == [0, 2, 2, 0]

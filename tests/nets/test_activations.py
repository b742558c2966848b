"""The fast ELU is ELU."""

import torch

from hashbench.nets.activations import ELU


def test_it_is_torchs_elu_in_value_and_gradient() -> None:
    x = torch.cat([torch.linspace(-30, 30, 1001), torch.tensor([0.0, -0.0, 1e-7, -1e-7])]).requires_grad_()
    weights = torch.rand(len(x), generator=torch.Generator().manual_seed(0))
    ours, theirs = ELU()(x), torch.nn.functional.elu(x)
    torch.testing.assert_close(ours, theirs, rtol=0, atol=2e-7)
    (ours_gradient,) = torch.autograd.grad((ours * weights).sum(), x)
    (theirs_gradient,) = torch.autograd.grad((theirs * weights).sum(), x)
    torch.testing.assert_close(ours_gradient, theirs_gradient, rtol=0, atol=2e-7)


def test_its_gradient_is_that_of_finite_differences() -> None:
    x = torch.tensor([-3.0, -0.5, 0.5, 3.0], dtype=torch.float64, requires_grad=True)
    assert torch.autograd.gradcheck(ELU(), (x,))


def test_elsewhere_than_on_a_cpu_it_is_torchs() -> None:
    names = []
    for device in ("cpu", "meta"):
        node = ELU()(torch.zeros(2, device=device, requires_grad=True)).grad_fn
        names.append(node.name())
    assert names == ["_ExpELUBackward", "EluBackward0"]

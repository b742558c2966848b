"""The adversarial objectives against the same written out plainly."""

import copy
from typing import Any

import pytest
import torch
from torch import Tensor, nn

from hashbench.nets.adversarial import (
    AdversarialObjective,
    LossWeights,
    PaperObjective,
    ReleasedObjective,
    build_discriminator,
    build_generator,
)

BITS, B = 8, 6
OFF = LossWeights(0.0, 0.0, 0.0)


def paper(weights: LossWeights, rate: float = 1e-3) -> PaperObjective:
    torch.manual_seed(0)
    discriminator = build_discriminator(32) if weights.needs_discriminator else None
    objective = PaperObjective(build_generator(BITS, 32), discriminator, weights, torch.float32)
    if discriminator is not None:
        objective.optimiser = torch.optim.SGD(discriminator.parameters(), lr=rate)
    return objective.train()


def released(rate: float = 1e-3) -> ReleasedObjective:
    torch.manual_seed(0)
    discriminator = build_discriminator(32)
    objective = ReleasedObjective(build_generator(BITS, 32), discriminator, 5, BITS, torch.float32)
    objective.optimiser = torch.optim.SGD(discriminator.parameters(), lr=rate)
    return objective.train()


@pytest.fixture
def real(generator: torch.Generator) -> Tensor:
    """Images [B, 3, 32, 32]."""
    return torch.rand(B, 3, 32, 32, generator=generator)


@pytest.fixture
def codes(generator: torch.Generator) -> Tensor:
    """Relaxed signs with their gradient."""
    return (torch.rand(B, BITS, generator=generator) * 2 - 1).requires_grad_()


def test_gradient_of_reconstructions_is_the_sum_of_its_parts(real: Tensor, generator: torch.Generator) -> None:
    """Each weight brings its own gradient and no other's: switching a part off takes away just that."""
    fake = torch.rand(real.shape, generator=generator)

    def gradient(weights: LossWeights) -> Tensor:
        return paper(weights).generator_gradient(fake.clone().requires_grad_(), real)[0]

    alone = [gradient(LossWeights(0.1, 0, 0)), gradient(LossWeights(0, 0.2, 0)), gradient(LossWeights(0, 0, 0.3))]
    assert all(part.abs().max() > 0 for part in alone)
    torch.testing.assert_close(gradient(LossWeights(0.1, 0.2, 0.3)), sum(alone, torch.zeros(())), atol=1e-9, rtol=1e-4)
    torch.testing.assert_close(gradient(LossWeights(0.1, 0, 0.3)), alone[0] + alone[2], atol=1e-9, rtol=1e-4)


def test_pixel_gradient_is_the_papers_weight_in_the_papers_sums(real: Tensor, generator: torch.Generator) -> None:
    """l / (B^2 / 2): 2 / B times lambda times the gradient of mean_i (1 / (W H)) sum (I - I^R)^2."""
    fake = torch.rand(real.shape, generator=generator)
    expected = 2 / B * 0.3 * 2 * (fake - real) / (32 * 32) / B
    torch.testing.assert_close(
        paper(LossWeights(0.3, 0, 0)).generator_gradient(fake.clone().requires_grad_(), real)[0], expected
    )


def plainly(objective: PaperObjective, codes: Tensor, real: Tensor) -> Tensor:
    """The paper's objective of encoder and generator, by torch's own functions and whole graphs."""
    assert objective.discriminator is not None
    restored = objective.generator(codes.sign() + codes - codes.detach())
    (_, phi, _), (logits, fake_phi, _) = objective.discriminator(real), objective.discriminator(restored)
    pixels = nn.functional.mse_loss(restored, real) * 3
    perceptual = nn.functional.mse_loss(fake_phi, phi.detach()) * phi.shape[1]
    adversarial = (1 - logits.sigmoid()).log().mean()
    weights = objective.weights
    whole: Tensor = weights.pixel * pixels + weights.perceptual * perceptual + weights.adversarial * adversarial
    return 2 / B * whole


def test_gradients_of_codes_and_generator_are_those_of_the_plain_objective(real: Tensor, codes: Tensor) -> None:
    weights = LossWeights(0.4, 0.2, 0.3)
    objective, other = paper(weights), paper(weights)
    (own,) = torch.autograd.grad(plainly(other, codes, real), codes, retain_graph=True)
    made = torch.autograd.grad(plainly(other, codes, real), list(other.generator.parameters()))
    loss, _ = objective.losses_and_discriminator_step(codes, codes, real)
    torch.autograd.backward(loss)
    assert codes.grad is not None
    torch.testing.assert_close(codes.grad, own, atol=1e-9, rtol=1e-3)
    for parameter, expected in zip(objective.generator.parameters(), made, strict=True):
        torch.testing.assert_close(parameter.grad, expected, atol=1e-8, rtol=1e-3)


def check_discriminator_step(objective: AdversarialObjective, maximised: Tensor, before: nn.Module) -> None:
    """The discriminator took one step of SGD at rate 1 up the gradient of ``maximised``, and nothing else moved it."""
    expected = torch.autograd.grad(maximised, list(before.parameters()))
    assert objective.discriminator is not None
    for now, was, up in zip(objective.discriminator.parameters(), before.parameters(), expected, strict=True):
        torch.testing.assert_close(now.detach(), (was + up).detach(), atol=1e-6, rtol=1e-3)


def test_discriminator_climbs_l_a_and_no_other_loss_moves_it(real: Tensor, codes: Tensor) -> None:
    objective = paper(LossWeights(0.4, 50.0, 0.3), rate=1.0)
    before: Any = copy.deepcopy(objective.discriminator)
    restored = objective.generator(codes.sign()).detach()
    torch.autograd.backward(objective.losses_and_discriminator_step(codes, codes, real)[0])
    probabilities = before(real)[0].sigmoid(), before(restored)[0].sigmoid()
    check_discriminator_step(objective, probabilities[0].log().mean() + (1 - probabilities[1]).log().mean(), before)


def test_released_gives_the_generator_noise_and_the_encoder_the_hidden_layer(real: Tensor, codes: Tensor) -> None:
    objective, features = released(), torch.rand(B, 5, requires_grad=True)
    generator, discriminator = copy.deepcopy(objective.generator), copy.deepcopy(objective.discriminator)
    assert discriminator is not None
    torch.manual_seed(5)
    sigma = objective.log_sigma(features).exp()
    noisy, noise = codes + sigma * torch.randn(B, BITS), torch.randn(B, BITS)
    restored, fake = generator(noisy), generator(noise)
    (_, _, wanted), (logits, _, _), (_, _, hidden) = discriminator(real), discriminator(fake), discriminator(restored)
    minimised = nn.functional.mse_loss(hidden, wanted.detach()) - logits.sigmoid().log().mean()
    expected = torch.autograd.grad(minimised, [codes, features, *generator.parameters()])
    torch.manual_seed(5)
    torch.autograd.backward(objective.losses_and_discriminator_step(codes, features, real)[0])
    gradients = [codes.grad, features.grad, *(parameter.grad for parameter in objective.generator.parameters())]
    for one, other in zip(gradients, expected, strict=True):
        assert one is not None
        torch.testing.assert_close(one, other, atol=1e-7, rtol=1e-3)


def test_releaseds_discriminator_sees_fakes_made_of_noise_alone(real: Tensor, codes: Tensor) -> None:
    objective = released(rate=1.0)
    before: Any = copy.deepcopy(objective.discriminator)
    generator = copy.deepcopy(objective.generator)
    torch.manual_seed(5)
    torch.autograd.backward(objective.losses_and_discriminator_step(codes, torch.zeros(B, 5), real)[0])
    torch.manual_seed(5)
    torch.randn(B, BITS)
    generator(codes.detach())
    fake = generator(torch.randn(B, BITS)).detach()
    maximised = before(real)[0].sigmoid().log().mean() + (1 - before(fake)[0].sigmoid()).log().mean()
    check_discriminator_step(objective, maximised, before)


def test_pixels_alone_need_no_discriminator_and_no_weights_no_generator(real: Tensor, codes: Tensor) -> None:
    assert set(paper(LossWeights(0.1, 0, 0)).losses_and_discriminator_step(codes, codes, real)[1]) == {"pixel"}
    assert not OFF.needs_generator
    assert LossWeights(0, 0, 0.1).needs_discriminator
    assert not LossWeights(0.1, 0, 0).needs_discriminator


def test_the_discriminators_parameters_are_not_the_generators(real: Tensor) -> None:
    for objective in (paper(LossWeights(0.1, 0.1, 0.1)), released()):
        assert objective.discriminator is not None
        discriminators = set(objective.discriminator.parameters())
        others = set(objective.generator_parameters())
        assert not discriminators & others
        assert discriminators | others == set(objective.parameters())

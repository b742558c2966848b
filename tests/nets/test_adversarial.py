"""The objectives around codes against the same written out plainly."""

import copy
from typing import Any

import pytest
import torch
from torch import Tensor, nn

from hashbench.nets.adversarial import Game, PaperGame, ReleasedGame, Stakes, build_discriminator, build_generator

BITS, B = 8, 6
OFF = Stakes(0.0, 0.0, 0.0)


def paper(stakes: Stakes, rate: float = 1e-3) -> PaperGame:
    torch.manual_seed(0)
    discriminator = build_discriminator(32) if stakes.judges else None
    game = PaperGame(build_generator(BITS, 32), discriminator, stakes, torch.float32)
    if discriminator is not None:
        game.optimiser = torch.optim.SGD(discriminator.parameters(), lr=rate)
    return game.train()


def released(rate: float = 1e-3) -> ReleasedGame:
    torch.manual_seed(0)
    discriminator = build_discriminator(32)
    game = ReleasedGame(build_generator(BITS, 32), discriminator, 5, BITS, torch.float32)
    game.optimiser = torch.optim.SGD(discriminator.parameters(), lr=rate)
    return game.train()


@pytest.fixture
def real(generator: torch.Generator) -> Tensor:
    """Pictures [B, 3, 32, 32]."""
    return torch.rand(B, 3, 32, 32, generator=generator)


@pytest.fixture
def codes(generator: torch.Generator) -> Tensor:
    """App values with their gradient."""
    return (torch.rand(B, BITS, generator=generator) * 2 - 1).requires_grad_()


def test_pull_on_reconstructions_is_the_sum_of_its_parts(real: Tensor, generator: torch.Generator) -> None:
    """Each weight brings its own gradient and no other's: switching a part off takes away just that."""
    fake = torch.rand(real.shape, generator=generator)

    def pull(stakes: Stakes) -> Tensor:
        return paper(stakes).pull(fake.clone().requires_grad_(), real)[0]

    alone = [pull(Stakes(0.1, 0, 0)), pull(Stakes(0, 0.2, 0)), pull(Stakes(0, 0, 0.3))]
    assert all(part.abs().max() > 0 for part in alone)
    torch.testing.assert_close(pull(Stakes(0.1, 0.2, 0.3)), sum(alone, torch.zeros(())), atol=1e-9, rtol=1e-4)
    torch.testing.assert_close(pull(Stakes(0.1, 0, 0.3)), alone[0] + alone[2], atol=1e-9, rtol=1e-4)


def test_pixel_pull_is_the_papers_weight_in_the_papers_sums(real: Tensor, generator: torch.Generator) -> None:
    """l / (B^2 / 2): 2 / B times lambda times the gradient of mean_i (1 / (W H)) sum (I - I^R)^2."""
    fake = torch.rand(real.shape, generator=generator)
    expected = 2 / B * 0.3 * 2 * (fake - real) / (32 * 32) / B
    torch.testing.assert_close(paper(Stakes(0.3, 0, 0)).pull(fake.clone().requires_grad_(), real)[0], expected)


def plainly(game: PaperGame, codes: Tensor, real: Tensor) -> Tensor:
    """The paper's objective of encoder and generator, by torch's own functions and whole graphs."""
    assert game.discriminator is not None
    restored = game.generator(codes.sign() + codes - codes.detach())
    (_, phi, _), (logits, fake_phi, _) = game.discriminator(real), game.discriminator(restored)
    pixels = nn.functional.mse_loss(restored, real) * 3
    perceptual = nn.functional.mse_loss(fake_phi, phi.detach()) * phi.shape[1]
    adversarial = (1 - logits.sigmoid()).log().mean()
    stakes = game.stakes
    whole: Tensor = stakes.pixel * pixels + stakes.perceptual * perceptual + stakes.adversarial * adversarial
    return 2 / B * whole


def test_gradients_of_codes_and_generator_are_those_of_the_plain_objective(real: Tensor, codes: Tensor) -> None:
    stakes = Stakes(0.4, 0.2, 0.3)
    game, other = paper(stakes), paper(stakes)
    (own,) = torch.autograd.grad(plainly(other, codes, real), codes, retain_graph=True)
    made = torch.autograd.grad(plainly(other, codes, real), list(other.generator.parameters()))
    objective, _ = game.play(codes, codes, real)
    torch.autograd.backward(objective)
    assert codes.grad is not None
    torch.testing.assert_close(codes.grad, own, atol=1e-9, rtol=1e-3)
    for parameter, expected in zip(game.generator.parameters(), made, strict=True):
        torch.testing.assert_close(parameter.grad, expected, atol=1e-8, rtol=1e-3)


def judged_step(game: Game, objective: Tensor, before: nn.Module) -> None:
    """The discriminator took one step of SGD at rate 1 up the plain game, and nothing else moved it."""
    expected = torch.autograd.grad(objective, list(before.parameters()))
    assert game.discriminator is not None
    for now, was, up in zip(game.discriminator.parameters(), before.parameters(), expected, strict=True):
        torch.testing.assert_close(now.detach(), (was + up).detach(), atol=1e-6, rtol=1e-3)


def test_discriminator_climbs_its_own_game_and_no_other_loss_moves_it(real: Tensor, codes: Tensor) -> None:
    game = paper(Stakes(0.4, 50.0, 0.3), rate=1.0)
    before: Any = copy.deepcopy(game.discriminator)
    restored = game.generator(codes.sign()).detach()
    torch.autograd.backward(game.play(codes, codes, real)[0])
    probabilities = before(real)[0].sigmoid(), before(restored)[0].sigmoid()
    judged_step(game, probabilities[0].log().mean() + (1 - probabilities[1]).log().mean(), before)


def test_released_gives_the_generator_noise_and_the_encoder_the_hidden_layer(real: Tensor, codes: Tensor) -> None:
    game, features = released(), torch.rand(B, 5, requires_grad=True)
    generator, judge = copy.deepcopy(game.generator), copy.deepcopy(game.discriminator)
    assert judge is not None
    torch.manual_seed(5)
    sigma = game.log_sigma(features).exp()
    noisy, noise = codes + sigma * torch.randn(B, BITS), torch.randn(B, BITS)
    restored, fake = generator(noisy), generator(noise)
    (_, _, wanted), (logits, _, _), (_, _, hidden) = judge(real), judge(fake), judge(restored)
    objective = nn.functional.mse_loss(hidden, wanted.detach()) - logits.sigmoid().log().mean()
    expected = torch.autograd.grad(objective, [codes, features, *generator.parameters()])
    torch.manual_seed(5)
    torch.autograd.backward(game.play(codes, features, real)[0])
    found = [codes.grad, features.grad, *(parameter.grad for parameter in game.generator.parameters())]
    for one, other in zip(found, expected, strict=True):
        assert one is not None
        torch.testing.assert_close(one, other, atol=1e-7, rtol=1e-3)


def test_releaseds_discriminator_sees_fakes_made_of_noise_alone(real: Tensor, codes: Tensor) -> None:
    game = released(rate=1.0)
    before: Any = copy.deepcopy(game.discriminator)
    generator = copy.deepcopy(game.generator)
    torch.manual_seed(5)
    torch.autograd.backward(game.play(codes, torch.zeros(B, 5), real)[0])
    torch.manual_seed(5)
    torch.randn(B, BITS)
    generator(codes.detach())
    fake = generator(torch.randn(B, BITS)).detach()
    objective = before(real)[0].sigmoid().log().mean() + (1 - before(fake)[0].sigmoid()).log().mean()
    judged_step(game, objective, before)


def test_a_game_without_judging_has_no_discriminator_and_one_without_stakes_makes_nothing(
    real: Tensor, codes: Tensor
) -> None:
    assert set(paper(Stakes(0.1, 0, 0)).play(codes, codes, real)[1]) == {"pixel"}
    assert not OFF.restores
    assert Stakes(0, 0, 0.1).judges
    assert not Stakes(0.1, 0, 0).judges


def test_the_discriminators_parameters_are_not_the_generators(real: Tensor) -> None:
    for game in (paper(Stakes(0.1, 0.1, 0.1)), released()):
        assert game.discriminator is not None
        judges = set(game.discriminator.parameters())
        made = set(game.made_by())
        assert not judges & made
        assert judges | made == set(game.parameters())

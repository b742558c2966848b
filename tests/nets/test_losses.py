import math

import pytest
import torch

from hashbench.nets.losses import log_fake, log_real, map_loss, pair_loss


def test_pair_loss_is_the_papers_sum_over_half_b_squared(generator: torch.Generator) -> None:
    codes = torch.rand(7, 5, generator=generator, dtype=torch.float64) * 2 - 1
    similarity = torch.where(torch.rand(7, 7, generator=generator) > 0.5, 1.0, -1.0).double()
    printed = 0.0
    for i in range(7):
        for j in range(7):
            inner = sum(float(codes[i, bit] * codes[j, bit]) for bit in range(5))
            printed += 0.5 * (inner / 5 - float(similarity[i, j])) ** 2
    assert math.isclose(float(pair_loss(codes, similarity)), printed / (7 * 7 / 2), rel_tol=1e-12)


def test_pair_loss_is_zero_for_codes_that_have_the_wanted_products() -> None:
    codes = torch.tensor([[1.0, 1.0], [1.0, 1.0], [-1.0, -1.0]])
    assert float(pair_loss(codes, torch.tensor([[1.0, 1, -1], [1, 1, -1], [-1, -1, 1]]))) == 0


def test_pair_loss_without_1_over_l_draws_neighbours_to_a_product_of_one() -> None:
    codes, similarity = torch.tensor([[0.5, 0.5, 1.0, 1.0]]), torch.ones(1, 1)
    assert float(pair_loss(codes, similarity, divide_by_bits=False)) == pytest.approx((2.5 - 1) ** 2)
    assert float(pair_loss(codes, similarity)) == pytest.approx((2.5 / 4 - 1) ** 2)


def test_map_loss_sums_over_channels_and_averages_over_positions_and_images(generator: torch.Generator) -> None:
    maps, targets = torch.rand(2, 4, 3, 2, 2, generator=generator, dtype=torch.float64)
    printed = 0.0
    for image in range(4):
        for x in range(2):
            for y in range(2):
                printed += sum(float(maps[image, c, x, y] - targets[image, c, x, y]) ** 2 for c in range(3)) / 4
    assert math.isclose(float(map_loss(maps, targets)), printed / 4, rel_tol=1e-12)


def test_adversarial_terms_are_the_logarithms_of_the_probabilities() -> None:
    logits = torch.tensor([-2.0, 0.5, 3.0], dtype=torch.float64)
    probabilities = [1 / (1 + math.exp(-float(s))) for s in logits]
    assert math.isclose(float(log_real(logits)), sum(map(math.log, probabilities)) / 3, rel_tol=1e-12)
    assert math.isclose(float(log_fake(logits)), sum(math.log(1 - p) for p in probabilities) / 3, rel_tol=1e-12)


def test_adversarial_terms_stay_finite_for_a_discriminator_that_is_sure() -> None:
    logits = torch.tensor([-500.0, 500.0])
    assert math.isfinite(float(log_real(logits)))
    assert math.isfinite(float(log_fake(logits)))

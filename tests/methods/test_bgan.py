import inspect
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from torch import Tensor, nn

import hashbench
from hashbench.dataset_spec import open_dataset
from hashbench.errors import Incompatible
from hashbench.fitting import fit
from hashbench.method import Backbone, RunContext, TrainingSet
from hashbench.nets.neighbours import neighbourhood_structure
from hashbench.registry import METHODS
from tests.pictures import pictures

BGAN: Any = METHODS.get("bgan")
Trainer: Any = vars(inspect.getmodule(BGAN))["_Trainer"]
Hashing: Any = vars(inspect.getmodule(BGAN))["_Hashing"]
PARTS = ("neighbourhood", "pixel", "perceptual", "adversarial")


@pytest.fixture(scope="module")
def images() -> Tensor:
    """300 digits, uint8 [300, 1, 8, 8]."""
    digits = open_dataset("digits", Path())
    return pictures(digits, digits.split().train[:300])


def only(*parts: str) -> dict[str, Any]:
    """Weights that leave these parts of the objective on."""
    return {part: (1.0 if part == "neighbourhood" else 0.1) if part in parts else 0.0 for part in PARTS}


def context(seed: int = 0, **settings: Any) -> RunContext:
    return RunContext(torch.device("cpu"), torch.Generator().manual_seed(seed), **settings)


def noise(n: int, size: int, generator: torch.Generator) -> TrainingSet:
    """Random images and features."""
    pictures = torch.randint(0, 256, (n, 3, size, size), generator=generator, dtype=torch.uint8)
    return TrainingSet(torch.randn(n, 8, generator=generator), pictures)


def trainer_of(train: TrainingSet, seed: int = 0, **parameters: Any) -> Any:
    """A method's nets before their first step; the same initial state for the same seed."""
    method = BGAN(16, encoder="small", **parameters)
    torch.manual_seed(seed)
    encoder = vars(inspect.getmodule(BGAN))["build_encoder"]("small", context().backbone)
    similarity = neighbourhood_structure(train.features, 5, 5) if method.neighbourhood else None
    return Trainer(method, Hashing(encoder, 16), train, similarity, context())


def test_the_default_objective_is_the_papers_with_all_its_parts(images: Tensor) -> None:
    report = hashbench.method("bgan", bits=16, device="cpu", epochs=1).fit(images).epochs[0]
    assert {"neighbourhood", "pixel", "perceptual", "real", "fake", "beta", "neighbours", "imbalance"} <= set(report)
    assert all(np.isfinite(value) for value in report.values())


@pytest.mark.parametrize(
    ("left", "reported"),
    [
        (("neighbourhood",), {"neighbourhood", "neighbours"}),
        (("pixel",), {"pixel"}),
        (("perceptual",), {"pixel", "perceptual", "real", "fake"}),
        (("adversarial",), {"pixel", "perceptual", "real", "fake"}),
    ],
)
def test_each_part_trains_alone(left: tuple[str, ...], reported: set[str], images: Tensor) -> None:
    """What is switched off and not needed by another part is not even computed."""
    report = hashbench.method("bgan", bits=8, device="cpu", epochs=1, **only(*left)).fit(images[:100]).epochs[0]
    assert set(report) - {"epoch", "beta", "quantisation", "imbalance"} == reported


def test_without_neighbourhood_the_features_are_not_read(generator: torch.Generator) -> None:
    train = TrainingSet(None, noise(40, 32, generator).given_images)
    with pytest.raises(PermissionError):
        BGAN(8).fit(train, context())
    fit(BGAN(8, epochs=1, **only("pixel")), train, context(), 0)


def test_pull_on_reconstructions_is_the_sum_of_its_parts(generator: torch.Generator) -> None:
    """Each weight brings its own gradient and no other's: switching a part off takes away just that."""
    train = noise(12, 32, generator)
    real, fake = torch.rand(2, 12, 3, 32, 32, generator=generator)

    def pull(*parts: str) -> Tensor:
        trainer = trainer_of(train, **only("neighbourhood", *parts))
        gradient: Tensor = trainer._judge(real, fake.clone().requires_grad_())[0]
        return gradient

    alone = [pull(part) for part in ("pixel", "perceptual", "adversarial")]
    assert all(part.abs().max() > 0 for part in alone)
    assert torch.allclose(pull("pixel", "perceptual", "adversarial"), sum(alone, torch.zeros(())), atol=1e-9)
    assert torch.allclose(pull("pixel", "adversarial"), alone[0] + alone[2], atol=1e-9)


def test_pixel_pull_is_the_papers_weight_in_the_papers_sums(generator: torch.Generator) -> None:
    """l / (B^2 / 2): 2 / B times lambda times the gradient of mean_i (1 / (W H)) sum (I - I^R)^2."""
    train = noise(12, 32, generator)
    real, fake = torch.rand(2, 12, 3, 32, 32, generator=generator)
    trainer = trainer_of(train, **{**only("pixel"), "pixel": 0.3})
    expected = 2 / 12 * 0.3 * 2 * (fake - real) / (32 * 32) / 12
    assert torch.allclose(trainer._judge(real, fake.clone().requires_grad_())[0], expected, atol=1e-10)


def test_generator_gets_binary_codes_and_discriminator_its_reconstructions(generator: torch.Generator) -> None:
    train = noise(20, 32, generator)
    trainer = trainer_of(train)
    codes: list[Tensor] = []
    restored: list[Tensor] = []
    judged: list[Tensor] = []
    trainer.generator.register_forward_pre_hook(lambda net, given: codes.append(given[0]))
    trainer.generator.register_forward_hook(lambda net, given, result: restored.append(result))
    trainer.discriminator.register_forward_pre_hook(lambda net, given: judged.append(given[0]))
    rows = torch.arange(20)
    trainer.step(rows, 0)
    assert set(codes[0].flatten().tolist()) == {-1.0, 1.0}
    assert len(judged) == 2
    assert torch.equal(judged[0], train.images[rows].float() / 255)
    assert torch.equal(judged[1], restored[0])


def test_content_reaches_the_encoder_through_app_alone(generator: torch.Generator) -> None:
    """Where every |beta z| is above 1 app is flat, so no gradient comes back from the generator."""
    train = noise(20, 32, generator)
    for offset, reaches in ((0.0, True), (9.0, False)):
        trainer = trainer_of(train, **only("pixel"))
        nn.init.constant_(trainer.hashing.head.bias, offset)
        trainer.step(torch.arange(20), 0)
        gradient = trainer.hashing.head.weight.grad
        assert bool(gradient.abs().max() > 0) is reaches
        assert trainer.generator.layers[0].weight.grad.abs().max() > 0


def test_discriminator_raises_the_game_it_plays(generator: torch.Generator) -> None:
    train = noise(20, 32, generator)
    real = train.images[torch.arange(20)].float() / 255
    fake = torch.full_like(real, 0.5)
    trainer = trainer_of(train)
    games = []
    for _ in range(8):
        losses = trainer._judge(real, fake.clone().requires_grad_())[1]
        games.append((losses["real"] + losses["fake"]).item())
    assert games[-1] > games[0]


def test_neighbourhood_loss_falls_and_codes_stay_balanced(images: Tensor) -> None:
    """A bare linear layer on rectified features leaves it at 1, its value for codes of all zeros."""
    fitted = hashbench.method("bgan", bits=16, device="cpu", batch=50, **only("neighbourhood")).fit(images)
    assert fitted.epochs[-1]["neighbourhood"] < 0.9
    assert fitted.epochs[-1]["imbalance"] < 0.2
    assert fitted.epochs[-1]["quantisation"] < fitted.epochs[0]["quantisation"]


@pytest.mark.parametrize("activation", ["piecewise", "tanh"])
def test_beta_is_raised_in_stages(activation: str, images: Tensor) -> None:
    settings: dict[str, Any] = {"betas": (1.0, 3.0), "epochs": 4, "activation": activation, **only("neighbourhood")}
    fitted = hashbench.method("bgan", bits=8, device="cpu", **settings).fit(images[:64])
    assert [report["beta"] for report in fitted.epochs] == [1, 1, 3, 3]


def test_expansion_can_be_switched_off(images: Tensor) -> None:
    def per_row(**parameters: Any) -> float:
        settings: dict[str, Any] = {"epochs": 1, **only("neighbourhood"), **parameters}
        return hashbench.method("bgan", bits=8, device="cpu", **settings).fit(images).epochs[0]["neighbours"]

    assert 21 <= per_row(expansion=False) < per_row()


def test_code_of_an_image_does_not_depend_on_its_batch(images: Tensor) -> None:
    fitted = hashbench.method("bgan", bits=64, device="cpu", epochs=2).fit(images)
    whole = fitted.encode(images)
    order = np.random.default_rng(0).permutation(len(images))
    others = [
        np.concatenate([fitted.encode(image) for image in torch.split(images, 1)]),
        np.concatenate([fitted.encode(part) for part in torch.split(images, 7)]),
        fitted.encode(images[order])[np.argsort(order)],
    ]
    assert 0 < whole.mean() < 1
    assert all((other != whole).mean() <= 1e-4 for other in others)


def test_bit_is_set_where_z_is_zero(generator: torch.Generator) -> None:
    train = noise(30, 32, generator)
    method = fit(BGAN(4, epochs=1, **only("neighbourhood")), train, context(), 0)
    state = method.state()
    state["head.weight"] = torch.zeros_like(state["head.weight"])
    state["head.bias"] = torch.tensor([0.0, -0.0, 1e-6, -1e-6])
    method.load_state(state)
    assert method.encode(train.images[torch.arange(2)]).tolist() == [[True, True, True, False]] * 2


def test_state_restores_the_codes_without_training(generator: torch.Generator) -> None:
    train = noise(60, 32, generator)
    method = fit(BGAN(16, epochs=1), train, context(), 0)
    again = BGAN(16, encoder="small")
    again.load_state({name: tensor.clone() for name, tensor in method.state().items()})
    rows = torch.arange(60)
    assert torch.equal(again.encode(train.images[rows]), method.encode(train.images[rows]))


def test_same_seed_same_codes_and_the_global_generators_are_left_alone(images: Tensor) -> None:
    def codes(seed: int) -> Any:
        return hashbench.method("bgan", bits=16, seed=seed, device="cpu", epochs=1).fit(images[:120]).encode(images)

    before = torch.random.get_rng_state()
    first = codes(1)
    assert torch.equal(torch.random.get_rng_state(), before)
    torch.manual_seed(99)
    assert np.array_equal(codes(1), first)
    assert not np.array_equal(codes(2), first)


@pytest.mark.parametrize(("n", "batch"), [(22, 100), (101, 100), (64, 64), (22, 3)])
def test_small_sets_and_partial_batches_are_trained_on(n: int, batch: int, images: Tensor) -> None:
    fitted = hashbench.method("bgan", bits=8, device="cpu", epochs=2, batch=batch).fit(images[:n])
    assert fitted.encode(images[:n]).shape == (n, 8)


def test_constant_features_give_an_answer(images: Tensor) -> None:
    method = hashbench.method("bgan", bits=8, device="cpu", epochs=1)
    assert method.fit(images[:64], features=torch.ones(64, 5)).encode(images).shape == (300, 8)


def test_features_that_are_no_numbers_are_refused(images: Tensor) -> None:
    with pytest.raises(ValueError, match="NaN"):
        hashbench.method("bgan", bits=8).fit(images[:64], features=torch.full((64, 5), torch.nan))


def test_too_few_images_for_k1_is_an_answer_not_a_crash(images: Tensor) -> None:
    with pytest.raises(Incompatible, match="k1 is 20 and there are 20 training images"):
        hashbench.method("bgan", bits=8).fit(images[:20])


@pytest.mark.parametrize(
    ("name", "value"),
    [("pixel", -1.0), ("k1", 0), ("epochs", 0), ("batch", 2), ("betas", ()), ("betas", (1.0, 0.0)), ("rate", 0.0)],
)
def test_parameters_out_of_range_are_named(name: str, value: Any) -> None:
    with pytest.raises(ValueError, match=f"bgan: {name} is"):
        BGAN(8, **{name: value})


def test_an_objective_without_parts_is_refused() -> None:
    with pytest.raises(ValueError, match="at least one part"):
        BGAN(8, **only())


def test_mixed_precision_trains_too(generator: torch.Generator) -> None:
    run = context(dtype=torch.bfloat16)
    fit(BGAN(8, epochs=1), noise(40, 32, generator), run, 0)
    assert np.isfinite(run.epochs[0]["neighbourhood"])


def test_encoder_follows_the_features() -> None:
    def encoder(features: str, given: str = "auto") -> Any:
        return BGAN.resolve({"encoder": given, "k1": 3}, features)

    assert encoder("pixels") == encoder("gist") == encoder("pixels@16") == {"encoder": "small", "k1": 3}
    assert encoder("squeezenet1_1@128")["encoder"] == "squeezenet1_1@128"
    assert encoder("resnet50", "vgg19")["encoder"] == "vgg19"
    assert [BGAN(8).image_size(name) for name in ("gist", "squeezenet1_1@128", "resnet50")] == [32, 128, 224]


def test_declares_the_networks_it_trains_on() -> None:
    assert [BGAN(8).backbones(name) for name in ("gist", "squeezenet1_1@128")] == [(), ("squeezenet1_1@128",)]
    assert BGAN(8, encoder="mobilenet_v2@129").backbones("resnet50") == ("mobilenet_v2@129",)


def test_refuses_an_encoder_that_there_is_not() -> None:
    with pytest.raises(ValueError, match=r"encoder is 'vgg91', wanted auto, small or a network: .* mean 'vgg19'"):
        BGAN(8, encoder="vgg91")


PRETENDED = "squeezenet1_1@32"


def tiny_backbone(name: str) -> Backbone:
    """What a run may offer under any name: pretend weights at 32 px."""
    torch.manual_seed(7)
    net = nn.Sequential(nn.Conv2d(3, 6, 3, stride=2), nn.ReLU(), nn.AdaptiveAvgPool2d(1), nn.Flatten())
    return Backbone(net, 6, 32, (0.4, 0.4, 0.4), (0.2, 0.2, 0.2))


def test_a_backbone_is_trained_on_at_its_own_rate(generator: torch.Generator) -> None:
    train = noise(40, 32, generator)
    run = context(backbones=tiny_backbone, features=PRETENDED)
    before = tiny_backbone(PRETENDED).net[0].weight.detach()  # type: ignore[index]
    method = fit(BGAN(8, epochs=1, pretrained_rate=1e-4), train, run, 0)
    moved = (method.state()["encoder.net.0.weight"] - before).abs().max()
    assert 0 < moved <= 1.01e-4


def test_a_backbones_state_needs_its_provider_and_restores_the_codes(generator: torch.Generator) -> None:
    train = noise(40, 32, generator)
    method = fit(BGAN(8, encoder=PRETENDED, epochs=1), train, context(backbones=tiny_backbone), 0)
    again = BGAN(8, encoder=PRETENDED)
    with pytest.raises(LookupError, match=PRETENDED):
        again.load_state(method.state())
    again.load_state(method.state(), context(backbones=tiny_backbone))
    rows = torch.arange(40)
    assert torch.equal(again.encode(train.images[rows]), method.encode(train.images[rows]))

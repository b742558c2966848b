from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from torch import Tensor, nn

import hashbench
from hashbench.data.spec import open_dataset
from hashbench.errors import Incompatible
from hashbench.execution.frozen_maps import computed_maps
from hashbench.execution.training_data import fit
from hashbench.method import Backbone, RunContext, TrainingSet
from hashbench.nets.hash_training import HashTraining
from hashbench.nets.schedules import TrainingStep
from hashbench.nets.training import epoch_batches
from hashbench.nets.training_batches import Batch
from hashbench.plugins import hyperparameters
from hashbench.plugins.registry import METHODS
from tests.pictures import pictures

BGAN: Any = METHODS.get("bgan")
BITS = ("imbalance", "correlation", "unique")
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


def with_maps(method: Any, train: TrainingSet) -> TrainingSet:
    """The same with the maps of the blocks that ``method`` freezes, as the engine gives them."""
    maps = computed_maps(train.images, method.frozen_part(), deeper_backbone, torch.device("cpu"))
    return replace(train, given_maps=maps)


def training_of(train: TrainingSet, seed: int = 0, **parameters: Any) -> HashTraining:
    """A method's nets before their first step; the same initial state for the same seed."""
    trainings: list[HashTraining] = []
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(HashTraining, "train", lambda training: trainings.append(training))
        fit(BGAN(16, **{"k1": 5, "k2": 5, **parameters}), train, context(), seed)
    for net in (trainings[0].hasher, trainings[0].adversarial):
        if net is not None:
            net.train()
    return trainings[0]


def first_step(training: HashTraining, rows: Tensor) -> Any:
    view_ids = training.inputs.augmentation.draw(len(rows))
    return training.step(Batch(rows, view_ids), TrainingStep(0, 1, 0, 1))


def test_the_default_objective_is_the_papers_with_all_its_parts(images: Tensor) -> None:
    report = hashbench.hasher("bgan", bits=16, device="cpu", epochs=1).fit(images).epochs[0]
    assert {
        "neighbourhood",
        "pixel",
        "perceptual",
        "real",
        "fake",
        "beta",
        "imbalance",
        "correlation",
        "unique",
    } <= set(report)
    assert all(np.isfinite(value) for value in report.values())


@pytest.mark.parametrize(
    ("left", "reported"),
    [
        (("neighbourhood",), {"neighbourhood"}),
        (("pixel",), {"pixel"}),
        (("perceptual",), {"pixel", "perceptual", "real", "fake"}),
        (("adversarial",), {"pixel", "perceptual", "real", "fake"}),
    ],
)
def test_each_part_trains_alone(left: tuple[str, ...], reported: set[str], images: Tensor) -> None:
    """What is switched off and not needed by another part is not even computed."""
    report = hashbench.hasher("bgan", bits=8, device="cpu", epochs=1, **only(*left)).fit(images[:100]).epochs[0]
    assert set(report) - {"epoch", "beta", "quantisation", *BITS} == reported


def test_without_neighbourhood_the_features_are_not_read(generator: torch.Generator) -> None:
    train = TrainingSet(None, noise(40, 32, generator).given_images)
    with pytest.raises(PermissionError):
        BGAN(8).fit(train, context())
    fit(BGAN(8, epochs=1, **only("pixel")), train, context(), 0)


def test_generator_gets_binary_codes_and_discriminator_its_reconstructions(generator: torch.Generator) -> None:
    train = noise(20, 32, generator)
    training = training_of(train)
    assert training.adversarial is not None
    assert training.adversarial.discriminator is not None
    codes: list[Tensor] = []
    reconstructed: list[Tensor] = []
    discriminated: list[Tensor] = []
    training.adversarial.generator.register_forward_pre_hook(lambda net, given: codes.append(given[0]))
    training.adversarial.generator.register_forward_hook(lambda net, given, result: reconstructed.append(result))
    training.adversarial.discriminator.register_forward_pre_hook(lambda net, given: discriminated.append(given[0]))
    rows = torch.arange(20)
    first_step(training, rows)
    assert set(codes[0].flatten().tolist()) == {-1.0, 1.0}
    assert len(discriminated) == 2
    assert torch.equal(discriminated[0], train.images[rows].float() / 255)
    assert torch.equal(discriminated[1], reconstructed[0])


def test_content_reaches_the_encoder_through_the_relaxed_sign_alone(generator: torch.Generator) -> None:
    """Where every |beta z| is above 1 the relaxed sign is flat, so no gradient comes back from the generator."""
    train = noise(20, 32, generator)
    for offset, reaches in ((0.0, True), (9.0, False)):
        training = training_of(train, **only("pixel"))
        head = training.hasher.head.last
        assert training.adversarial is not None
        nn.init.constant_(head.bias, offset)
        first_step(training, torch.arange(20))
        assert head.weight.grad is not None
        assert bool(head.weight.grad.abs().max() > 0) is reaches
        assert training.adversarial.generator.layers[0].weight.grad.abs().max() > 0  # type: ignore[union-attr, operator]


def test_both_objectives_move_the_encoder_as_much_as_their_weights_say(generator: torch.Generator) -> None:
    """The gradient of the whole is the sum of those of its parts, l_N with weight 1 and l_MSE with 2/B times .3."""
    train = noise(20, 32, generator)
    rows = torch.arange(20)

    def gradient(**weights: float) -> Tensor:
        training = training_of(train, **{**only(), **weights})
        first_step(training, rows)
        weight_gradient = training.hasher.head.last.weight.grad
        assert weight_gradient is not None
        return weight_gradient

    pairs, pixels = gradient(neighbourhood=1.0), gradient(pixel=0.3)
    both = gradient(neighbourhood=1.0, pixel=0.3)
    assert pixels.abs().max() > 0
    torch.testing.assert_close(both, pairs + pixels, atol=1e-9, rtol=1e-3)


def test_neighbourhood_loss_falls_and_codes_stay_balanced(images: Tensor) -> None:
    """A bare linear layer on rectified features leaves it at 1, its value for codes of all zeros."""
    fitted = hashbench.hasher("bgan", bits=16, device="cpu", batch=50, **only("neighbourhood")).fit(images)
    assert fitted.epochs[-1]["neighbourhood"] < 0.9
    assert fitted.epochs[-1]["imbalance"] < 0.3
    assert fitted.epochs[-1]["quantisation"] < fitted.epochs[0]["quantisation"]


@pytest.mark.parametrize("activation", ["piecewise", "tanh"])
def test_beta_is_raised_in_stages(activation: str, images: Tensor) -> None:
    settings: dict[str, Any] = {"betas": (1.0, 3.0), "epochs": 4, "activation": activation, **only("neighbourhood")}
    fitted = hashbench.hasher("bgan", bits=8, device="cpu", **settings).fit(images[:64])
    assert [report["beta"] for report in fitted.epochs] == [1, 1, 3, 3]


def test_expansion_can_be_switched_off(generator: torch.Generator) -> None:
    def similar(**parameters: Any) -> int:
        run = context()
        fit(BGAN(8, epochs=1, **only("neighbourhood"), **parameters), noise(60, 32, generator), run, 0)
        assert run.positive_pairs is not None
        rows, columns = run.positive_pairs
        assert not (rows == columns).any()
        return len(rows)

    assert 60 * 20 <= similar(similarity="nearest") < similar()


def test_code_of_an_image_does_not_depend_on_its_batch(images: Tensor) -> None:
    fitted = hashbench.hasher("bgan", bits=64, device="cpu", epochs=2).fit(images)
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
    state["head.last.weight"] = torch.zeros_like(state["head.last.weight"])
    state["head.last.bias"] = torch.tensor([0.0, -0.0, 1e-6, -1e-6])
    method.load_state(state)
    assert method.encode(train.images[torch.arange(2)]).tolist() == [[True, True, True, False]] * 2


def test_state_restores_the_codes_without_training(generator: torch.Generator) -> None:
    train = noise(60, 32, generator)
    method = fit(BGAN(16, epochs=1), train, context(), 0)
    again = BGAN(16, encoder="small")
    again.load_state({name: tensor.clone() for name, tensor in method.state().items()})
    rows = torch.arange(60)
    assert torch.equal(again.encode(train.images[rows]), method.encode(train.images[rows]))


def test_names_in_a_state_are_those_of_earlier_records(generator: torch.Generator) -> None:
    method = fit(BGAN(8, epochs=1, hidden=4), noise(30, 32, generator), context(), 0)
    normalised = ("weight", "bias", "running_mean", "running_var", "num_batches_tracked")
    assert set(method.state()) == {
        *("encoder.mean", "encoder.std"),
        *(f"encoder.net.{layer}.weight" for layer in (0, 4, 8, 12, 16)),
        *(f"encoder.net.{layer}.{name}" for layer in (1, 5, 9, 13, 17) for name in normalised),
        *(f"head.centre.{name}" for name in normalised[2:]),
        *("head.hidden.0.weight", "head.hidden.0.bias", "head.last.weight", "head.last.bias"),
        *("generator.layers.0.weight", "generator.layers.0.bias"),
        *(f"generator.layers.{layer}.weight" for layer in (3, 6, 9)),
        *(f"generator.layers.{layer}.{name}" for layer in (4, 7, 10) for name in normalised),
        *("generator.layers.12.weight", "generator.layers.12.bias"),
    }


def test_same_seed_same_codes_and_the_global_generators_are_left_alone(images: Tensor) -> None:
    def codes(seed: int) -> Any:
        return hashbench.hasher("bgan", bits=16, seed=seed, device="cpu", epochs=1).fit(images[:120]).encode(images)

    before = torch.random.get_rng_state()
    first = codes(1)
    assert torch.equal(torch.random.get_rng_state(), before)
    torch.manual_seed(99)
    assert np.array_equal(codes(1), first)
    assert not np.array_equal(codes(2), first)


@pytest.mark.parametrize(("n", "batch"), [(22, 100), (101, 100), (64, 64), (22, 3)])
def test_small_sets_and_partial_batches_are_trained_on(n: int, batch: int, images: Tensor) -> None:
    fitted = hashbench.hasher("bgan", bits=8, device="cpu", epochs=2, batch=batch).fit(images[:n])
    assert fitted.encode(images[:n]).shape == (n, 8)


def test_constant_features_give_codes(images: Tensor) -> None:
    method = hashbench.hasher("bgan", bits=8, device="cpu", epochs=1)
    assert method.fit(images[:64], features=torch.ones(64, 5)).encode(images).shape == (300, 8)


def test_features_that_are_no_numbers_are_refused(images: Tensor) -> None:
    with pytest.raises(ValueError, match="NaN"):
        hashbench.hasher("bgan", bits=8).fit(images[:64], features=torch.full((64, 5), torch.nan))


def test_too_few_images_for_k1_is_an_error_with_a_reason(images: Tensor) -> None:
    with pytest.raises(Incompatible, match="k1 is 20 and there are 20 training images"):
        hashbench.hasher("bgan", bits=8).fit(images[:20])


@pytest.mark.parametrize(
    ("name", "value"),
    [
        *(("pixel", -1.0), ("hidden", -1), ("freeze", -1), ("k1", 0), ("epochs", 0), ("batch", 2)),
        *(("head_warmup_epochs", -1), ("batch_neighbours", 100)),
        *(("betas", ()), ("betas", (1.0, 0.0)), ("rate", 0.0), ("shift", 1.0)),
        *(("betas", (1.0, float("inf"))), ("rate", float("inf")), ("variant", "nobody's")),
    ],
)
def test_parameters_out_of_range_are_named(name: str, value: Any) -> None:
    with pytest.raises(ValueError, match=f"bgan: {name} is"):
        BGAN(8, **{name: value})


def test_what_would_do_nothing_is_refused() -> None:
    with pytest.raises(ValueError, match="batch_neighbours is 4, wanted 0 where neighbourhood is 0"):
        BGAN(8, batch_neighbours=4, neighbourhood=0.0)
    for encoder in ("small", "auto"):
        with pytest.raises(ValueError, match="freeze is 3, wanted 0 for the small encoder"):
            BGAN(8, encoder=encoder, freeze=3)


def test_an_objective_without_parts_is_refused() -> None:
    with pytest.raises(ValueError, match="are all 0, wanted at least one above 0"):
        BGAN(8, **only())


def test_mixed_precision_trains_too(generator: torch.Generator) -> None:
    run = context(dtype=torch.bfloat16)
    fit(BGAN(8, epochs=1), noise(40, 32, generator), run, 0)
    assert np.isfinite(run.epochs[0]["neighbourhood"])


def resolved(features: str, **given: Any) -> dict[str, Any]:
    """Parameters as a plan records them."""
    values: dict[str, Any] = BGAN.resolve(hyperparameters.resolve("bgan", BGAN, given), features)
    return values


def test_encoder_follows_the_features() -> None:
    encoders = [resolved(features)["encoder"] for features in ("pixels", "gist", "pixels@16", "squeezenet1_1@128")]
    assert encoders == ["small", "small", "small", "squeezenet1_1@128"]
    assert resolved("resnet50", encoder="vgg19")["encoder"] == "vgg19"
    sizes = [BGAN(8, **resolved(name)).image_size(name) for name in ("gist", "squeezenet1_1@128", "resnet50")]
    assert sizes == [32, 128, 224]


def test_head_epochs_and_views_follow_the_encoder_unless_they_are_given() -> None:
    small, network = resolved("pixels"), resolved("squeezenet1_1@128")
    assert (small["hidden"], small["epochs"], small["views"]) == (0, 12, 1)
    assert network["hidden"] > 0
    assert network["epochs"] < 12
    assert network["views"] > 1
    assert resolved("squeezenet1_1@128", epochs=12, views=1)["epochs"] == 12
    assert resolved("squeezenet1_1@128", encoder="small") == {**small, "encoder": "small"}


def test_declares_the_networks_it_trains_on() -> None:
    nets = [BGAN(8, **resolved(name)).backbones(name) for name in ("gist", "squeezenet1_1@128")]
    assert nets == [(), ("squeezenet1_1@128",)]
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


def deeper_backbone(name: str) -> Backbone:
    """The same with something to freeze."""
    torch.manual_seed(7)
    convolutions = (nn.Conv2d(3, 6, 3, stride=2), nn.ReLU(), nn.Conv2d(6, 8, 3, stride=2))
    net = nn.Sequential(*convolutions, nn.AdaptiveAvgPool2d(1), nn.Flatten())
    return Backbone(net, 8, 32, (0.4, 0.4, 0.4), (0.2, 0.2, 0.2))


def test_a_backbone_is_trained_on_at_its_own_rate(generator: torch.Generator) -> None:
    train = noise(40, 32, generator)
    run = context(backbones=tiny_backbone, features=PRETENDED)
    before = tiny_backbone(PRETENDED).net[0].weight.detach()  # type: ignore[index]
    method = fit(BGAN(8, encoder=PRETENDED, epochs=1, head_warmup_epochs=0, pretrained_rate=1e-4), train, run, 0)
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


def test_pictures_are_restored_from_codes_and_with_the_state(generator: torch.Generator) -> None:
    train = noise(60, 32, generator)
    method = fit(BGAN(16, epochs=1), train, context(), 0)
    codes = method.encode(train.images[torch.arange(5)])
    pictures = method.restore(codes)
    assert pictures is not None
    assert pictures.shape == (5, 3, 32, 32)
    assert 0 <= pictures.min() < pictures.max() <= 1
    again = BGAN(16, encoder="small")
    again.load_state(method.state())
    assert torch.equal(again.restore(codes), pictures)
    assert not torch.equal(again.restore(~codes), pictures)


def test_without_a_generator_nothing_is_restored(generator: torch.Generator) -> None:
    method = fit(BGAN(16, epochs=1, **only("neighbourhood")), noise(60, 32, generator), context(), 0)
    assert method.restore(torch.ones(2, 16, dtype=torch.bool)) is None
    again = BGAN(16, encoder="small")
    again.load_state(method.state())
    assert again.restore(torch.ones(2, 16, dtype=torch.bool)) is None


def test_the_head_learns_first_and_alone(generator: torch.Generator) -> None:
    """The head's warm-up changes no weight of the encoder, and l_N of the first epoch is lower for it."""
    train = noise(80, 32, generator)
    before = tiny_backbone(PRETENDED).net[0].weight.detach()  # type: ignore[index]
    run = context(backbones=tiny_backbone, features=PRETENDED)
    losses = []
    parameters: dict[str, Any] = {"encoder": PRETENDED, "batch": 20, "epochs": 1, "rate": 1e-2, **only("neighbourhood")}
    for warmup in (0, 30):
        method = fit(BGAN(8, **parameters, head_warmup_epochs=warmup, pretrained_rate=1e-12), train, run, 0)
        torch.testing.assert_close(method.state()["encoder.net.0.weight"], before, atol=1e-9, rtol=0)
        losses.append(run.epochs[-1]["neighbourhood"])
    assert losses[1] < losses[0] - 0.05
    assert run.facts["neighbourhood_after_warm_start"] == pytest.approx(losses[1], abs=0.05)


def test_a_head_warmup_that_diverges_ends_the_training(generator: torch.Generator) -> None:
    run = context(backbones=tiny_backbone, features=PRETENDED)
    method = BGAN(8, encoder=PRETENDED, head_warmup_epochs=3, batch=20, rate=1e38)
    message = "epoch 1 of 3 of the head's warm-up: neighbourhood is nan; there is no"
    with pytest.raises(FloatingPointError, match=message):
        fit(method, noise(60, 32, generator), run, 0)


@pytest.mark.parametrize("augmented", [{}, {"views": 3}])
def test_frozen_blocks_stay_as_they_are(augmented: dict[str, Any], generator: torch.Generator) -> None:
    train = noise(40, 32, generator)
    run = context(backbones=deeper_backbone, features=PRETENDED)
    before = deeper_backbone(PRETENDED).net.state_dict()
    method = BGAN(8, encoder=PRETENDED, epochs=1, freeze=2, k1=5, k2=5, **augmented)
    state = fit(method, with_maps(method, train), run, 0).state()
    assert torch.equal(state["encoder.net.0.weight"], before["0.weight"])
    assert not torch.equal(state["encoder.net.2.weight"], before["2.weight"])


def test_maps_of_frozen_blocks_have_the_codes_of_their_images(generator: torch.Generator) -> None:
    train, run = noise(40, 32, generator), context(backbones=deeper_backbone, features=PRETENDED)
    method = BGAN(8, encoder=PRETENDED, epochs=1, freeze=2, k1=5, k2=5)
    trained = with_maps(method, train)
    fit(method, trained, run, 0)
    rows = torch.arange(40)
    images = train.images[rows]
    assert torch.equal(method.encode_maps(trained.maps(rows, torch.zeros_like(rows))), method.encode(images))
    restored = BGAN(8, encoder=PRETENDED, epochs=1, freeze=2, k1=5, k2=5)
    restored.load_state(method.state(), context(backbones=deeper_backbone))
    assert torch.equal(restored.encode(images), method.encode(images))


def test_more_frozen_blocks_than_there_are_is_an_error(generator: torch.Generator) -> None:
    run = context(backbones=deeper_backbone, features=PRETENDED)
    with pytest.raises(Incompatible, match="freeze is 9, wanted 0 to 4"):
        fit(BGAN(8, encoder=PRETENDED, freeze=9), noise(40, 32, generator), run, 0)


def test_neighbours_of_an_image_are_drawn_into_its_batch(generator: torch.Generator) -> None:
    training = training_of(noise(60, 32, generator), batch_neighbours=2, batch=12)
    assert training.similarity is not None
    batches = training._batches()
    assert sum(len(rows) for rows in batches) == 60
    for rows in batches:
        seeds, near = rows[:4], rows[4:].view(4, 2)
        assert (training.similarity.block(rows)[torch.arange(4)[:, None], torch.arange(4, 12).view(4, 2)] == 1).all()
        assert not (near == seeds[:, None]).any()


def test_an_epochs_views_are_drawn_behind_its_rows_batch_after_batch(generator: torch.Generator) -> None:
    training = training_of(noise(50, 32, generator), views=3, batch=20)
    again = torch.Generator()
    again.set_state(training.run.generator.get_state())
    epoch = list(training._epoch())
    expected = epoch_batches(50, 20, again, torch.device("cpu"))
    assert [len(batch.rows) for batch in epoch] == [17, 17, 16]
    for batch, rows in zip(epoch, expected, strict=True):
        assert torch.equal(batch.rows, rows)
        assert torch.equal(batch.view_ids, torch.randint(0, 3, (len(rows),), generator=again))


def test_a_killed_training_resumes_and_ends_with_the_same_codes(
    generator: torch.Generator, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    train = noise(60, 32, generator)

    def state(folder: Path | None) -> dict[str, Tensor]:
        run = context(backbones=deeper_backbone, features=PRETENDED, checkpoint=folder)
        method = BGAN(8, encoder=PRETENDED, epochs=3, head_warmup_epochs=3, batch=20, views=2)
        return dict(fit(method, train, run, 0).state())

    whole = state(None)
    steps = []
    step = HashTraining.step

    def killed(training: HashTraining, batch: Batch, training_step: TrainingStep) -> Any:
        steps.append(training_step)
        if len(steps) == 5:
            raise KeyboardInterrupt
        return step(training, batch, training_step)

    monkeypatch.setattr(HashTraining, "step", killed)
    with pytest.raises(KeyboardInterrupt):
        state(tmp_path)
    resumed = state(tmp_path)
    assert (steps[5].epoch, steps[5].step) == (1, 0), "the first epoch was over and kept"
    assert all(torch.equal(value, whole[name]) for name, value in resumed.items())


def test_a_loss_that_is_no_number_names_the_last_good_checkpoint(
    generator: torch.Generator, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    step = HashTraining.step

    def broken(training: HashTraining, batch: Batch, training_step: TrainingStep) -> Any:
        values = dict(step(training, batch, training_step))
        return {**values, "perceptual": values["perceptual"] * (torch.nan if training_step.epoch == 1 else 1)}

    monkeypatch.setattr(HashTraining, "step", broken)
    with pytest.raises(FloatingPointError) as raised:
        fit(BGAN(8, epochs=3, batch=20), noise(60, 32, generator), context(checkpoint=tmp_path / "checkpoints/k"), 0)
    assert str(raised.value) == (
        "epoch 2 of 3: perceptual is nan; the last good checkpoint is checkpoints/k/training.pt, after epoch 1; "
        "a smaller rate may help"
    )


NETWORK = "squeezenet1_1@128"
LITE = "efficientnet_lite0@128"
SHARED = {"similarity": "shared", "k1": 20, "average_views": False, "fixed_statistics": False}
DIFFUSION = {"similarity": "diffusion", "k1": 10, "average_views": True, "fixed_statistics": True}
COMMON = {
    "freeze": 0,
    "k2": 30,
    "similar": 400,
    "reconstruction_size": 32,
    "rate": 1e-3,
    "batch_neighbours": 0,
    "flip": True,
    "shift": 0.1,
    "precision": "auto",
    "compiled": False,
}
OBJECTIVE = {
    "neighbourhood": 1.0,
    "pixel": 0.1,
    "perceptual": 0.1,
    "adversarial": 0.1,
    **COMMON,
    "divide_by_bits": True,
    "activation": "piecewise",
    "betas": (1.0, 2.0, 4.0, 8.0),
}
TUNED = {
    **OBJECTIVE,
    "variant": "tuned",
    "head_warmup_epochs": 60,
    "batch": 100,
    "pretrained_rate": 5e-5,
    "cosine_decay": True,
}
PAPER = {
    **OBJECTIVE,
    **SHARED,
    "variant": "paper",
    "head_warmup_epochs": 0,
    "batch": 40,
    "pretrained_rate": 1e-4,
    "cosine_decay": False,
}
RELEASED = {
    **SHARED,
    "variant": "released",
    "neighbourhood": 10.0,
    "pixel": 0.0,
    "perceptual": 1.0,
    "adversarial": 1.0,
    **COMMON,
    "divide_by_bits": False,
    "activation": "tanh",
    "betas": (1.0,),
    "head_warmup_epochs": 0,
    "batch": 40,
    "pretrained_rate": 1e-3,
    "cosine_decay": False,
}


@pytest.mark.parametrize(
    ("asked", "features", "values"),
    [
        ({}, "pixels", {**TUNED, **SHARED, "encoder": "small", "hidden": 0, "epochs": 12, "views": 1}),
        ({}, NETWORK, {**TUNED, **DIFFUSION, "encoder": NETWORK, "hidden": 512, "epochs": 4, "views": 4}),
        ({}, LITE, {**TUNED, **DIFFUSION, "encoder": LITE, "freeze": 17, "hidden": 512, "epochs": 4, "views": 4}),
        (
            {"encoder": "vgg19", "similarity": "shared"},
            "gist",
            {
                **TUNED,
                **SHARED,
                "fixed_statistics": True,
                "encoder": "vgg19",
                "hidden": 512,
                "epochs": 4,
                "views": 4,
            },
        ),
        ({"variant": "paper"}, "gist", {**PAPER, "encoder": "small", "hidden": 0, "epochs": 12, "views": 1}),
        ({"variant": "paper"}, NETWORK, {**PAPER, "encoder": NETWORK, "hidden": 0, "epochs": 4, "views": 1}),
        ({"variant": "released"}, "gist", {**RELEASED, "encoder": "small", "hidden": 0, "epochs": 12, "views": 1}),
        ({"variant": "released"}, NETWORK, {**RELEASED, "encoder": NETWORK, "hidden": 0, "epochs": 4, "views": 1}),
    ],
)
def test_every_default_by_variant_and_encoder(asked: dict[str, Any], features: str, values: dict[str, Any]) -> None:
    assert resolved(features, **asked) == values
    assert resolved(features, **values) == values
    quick = BGAN.traits.presets["quick"]
    assert resolved(features, **asked, **quick) == {**values, **quick}
    assert resolved(features, **{**asked, "batch": 77})["batch"] == 77
    assert vars(BGAN(8, **values)) == {"bits": 8, **values}


def test_without_features_the_encoder_is_the_small_one() -> None:
    assert vars(BGAN(8)) == {"bits": 8, **resolved("pixels")}


def test_released_keeps_what_was_asked_for_even_where_it_is_the_papers_default() -> None:
    asked = {"batch": 100, "betas": (1.0, 2.0, 4.0, 8.0), "head_warmup_epochs": 60, "hidden": 512}
    asked |= {"cosine_decay": True}
    values = resolved("squeezenet1_1@128", variant="released", **asked)
    assert {name: values[name] for name in asked} == asked
    method = BGAN(8, variant="released", divide_by_bits=True)
    assert (method.divide_by_bits, method.activation, method.head_warmup_epochs) == (True, "tanh", 0)


def test_released_has_no_head_warmup_with_the_quick_preset_either() -> None:
    assert resolved("squeezenet1_1@128", variant="released", **BGAN.traits.presets["quick"])["head_warmup_epochs"] == 0


def test_released_has_weights_of_its_own() -> None:
    with pytest.raises(ValueError, match=r"bgan: pixel is 0.1, wanted 0.0: variant=released has weights of its own"):
        BGAN(8, variant="released", pixel=0.1)
    values = resolved("pixels", variant="released")
    assert [values[name] for name in PARTS] == [10.0, 0.0, 1.0, 1.0]


def test_released_trains_on_noise_and_the_hidden_layer(generator: torch.Generator) -> None:
    run = context()
    method: Any = fit(BGAN(8, **resolved("pixels", variant="released", epochs=2)), noise(90, 32, generator), run, 0)
    assert set(run.epochs[0]) - {"epoch", "beta", "quantisation", *BITS} == {
        *("neighbourhood", "perceptual", "real", "fake")
    }
    assert isinstance(method.hasher_.head.centre, nn.Identity)
    assert method.encode(torch.zeros(2, 3, 32, 32, dtype=torch.uint8)).shape == (2, 8)


def test_reconstructions_of_64_px_bring_the_authors_widths(generator: torch.Generator) -> None:
    training = training_of(noise(30, 32, generator), reconstruction_size=64)
    assert training.adversarial is not None
    assert training.adversarial.discriminator is not None
    widths = [layer.weight.shape for layer in training.adversarial.modules() if isinstance(layer, nn.ConvTranspose2d)]
    assert [(shape[0], shape[1]) for shape in widths] == [(256, 256), (256, 128), (128, 32)]
    assert training.targets is not None
    assert training.targets(Batch(torch.arange(3), torch.zeros(3, dtype=torch.int64))).shape == (3, 3, 64, 64)
    assert training.adversarial.discriminator.last.in_features == 1024


@pytest.mark.parametrize("precision", ["float32", "bfloat16"])
def test_precision_is_logged(precision: str, generator: torch.Generator) -> None:
    run = context(dtype=torch.bfloat16)
    fit(BGAN(8, epochs=1, precision=precision), noise(40, 32, generator), run, 0)
    assert run.facts["precision"] == precision


def test_compiled_nets_train_alike(generator: torch.Generator, monkeypatch: pytest.MonkeyPatch) -> None:
    """By torch's own tracing, without a compiler."""
    train = noise(41, 32, generator)  # batches of 13 and 14
    compiled: list[nn.Module] = []
    compile_ = nn.Module.compile

    def traced(net: nn.Module) -> None:
        compiled.append(net)
        compile_(net, backend="aot_eager")

    monkeypatch.setattr(nn.Module, "compile", traced)
    plain, traced_state = (
        fit(BGAN(8, epochs=1, batch=14, compiled=flag), train, context(), 0).state() for flag in (False, True)
    )
    assert len(compiled) == 2
    for name, value in traced_state.items():
        torch.testing.assert_close(value, plain[name], atol=1e-3, rtol=1e-3)

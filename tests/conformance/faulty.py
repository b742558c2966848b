"""A sound method, and others that have one fault each."""

import math
import pickle
import random
from collections.abc import Mapping
from dataclasses import replace
from typing import Any, ClassVar, Self

import numpy as np
import torch
from torch import Tensor, nn

from hashbench.method import HashMethod, RunContext, TrainingSet, Traits
from hashbench.search.signed_products import signed_products

PAPER = "Nobody, Signs of random directions, 2026"
FAULTS: list[tuple[type["Sound"], str]] = []


class Sound(HashMethod):
    """Signs of random directions: nothing is wrong with it."""

    traits = Traits(paper=PAPER, presets={"quick": {"scale": 2.0}}, zero_is_one=True)
    renamed: ClassVar[Mapping[str, str]] = {"size": "scale"}

    def __init__(self, bits: int, scale: float = 1.0) -> None:
        super().__init__(bits)
        self.scale = scale

    def fit(self, train: TrainingSet, run: RunContext) -> Self:
        x = train.features
        self.mean_ = x.double().mean(0)
        self._width = x.shape[1]  # private, and nothing that encoding needs
        self.directions_ = torch.randn(x.shape[1], self.bits, generator=run.generator, dtype=torch.float64)
        run.log_epoch(1, 1, objective=0.5)
        return self

    def z(self, batch: Tensor) -> Tensor:
        return (batch.double() - self.mean_) @ self.directions_

    def encode(self, batch: Tensor) -> Tensor:
        return self.z(batch) >= 0


def fault(check: str) -> Any:
    """Note which check has to find the fault of a class."""

    def note(faulty: type[Sound]) -> type[Sound]:
        FAULTS.append((faulty, check))
        return faulty

    return note


@fault("names-its-paper")
class NoPaper(Sound):
    """A fault."""

    traits = Traits()


@fault("has-a-docstring")
class NoDocstring(Sound):
    pass


@fault("has-valid-traits")
class UnknownInput(Sound):
    """A fault."""

    traits = Traits(paper=PAPER, input="sounds")  # type: ignore[arg-type]


NESTED = replace(Sound.traits, nested=True)


class DrawsBitByBit(Sound):
    """Nothing is wrong with it: its codes are nested."""

    traits = NESTED

    def fit(self, train: TrainingSet, run: RunContext) -> Self:
        super().fit(train, RunContext(run.device, torch.Generator()))
        width = train.features.shape[1]
        each = [torch.randn(width, generator=run.generator, dtype=torch.float64) for _ in range(self.bits)]
        self.directions_ = torch.stack(each, dim=1)
        run.log_epoch(1, 1, objective=0.5)
        return self

    def first_bits(self, bits: int) -> Self:
        first = type(self)(bits, self.scale)
        first.mean_, first.directions_ = self.mean_, self.directions_[:, :bits].contiguous()
        return first


@fault("nests-as-declared")
class DrawsRowByRow(DrawsBitByBit):
    """A fault: what the first bits draw hangs on how many there are."""

    def fit(self, train: TrainingSet, run: RunContext) -> Self:
        return Sound.fit(self, train, run)


@fault("nests-as-declared")
class TakesTheLastBits(DrawsBitByBit):
    """A fault."""

    def first_bits(self, bits: int) -> Self:
        first = super().first_bits(bits)
        first.directions_ = self.directions_[:, -bits:].contiguous()
        return first


@fault("nests-as-declared")
class LeavesTheMeanOut(DrawsBitByBit):
    """A fault: what it makes does not encode."""

    def first_bits(self, bits: int) -> Self:
        first = super().first_bits(bits)
        first.mean_ = torch.zeros_like(self.mean_)
        return first


@fault("types-its-hyper-parameters")
class Untyped(Sound):
    """A fault."""

    renamed: ClassVar[Mapping[str, str]] = {}

    def __init__(self, bits: int, scale=1.0) -> None:  # type: ignore[no-untyped-def]
        super().__init__(bits, scale)

    traits = Traits(paper=PAPER)


@fault("types-its-hyper-parameters")
class DefaultOfAnotherType(Sound):
    """A fault."""

    renamed: ClassVar[Mapping[str, str]] = {}
    traits = Traits(paper=PAPER)

    def __init__(self, bits: int, depth: int = "deep") -> None:  # type: ignore[assignment]
        super().__init__(bits)
        self.depth = depth


@fault("stores-its-hyper-parameters")
class Forgetful(Sound):
    """A fault."""

    def __init__(self, bits: int, scale: float = 1.0) -> None:
        super().__init__(bits, 2 * scale)


@fault("constructs-without-work")
class DrawsWhenMade(Sound):
    """A fault."""

    def __init__(self, bits: int, scale: float = 1.0) -> None:
        super().__init__(bits, scale)
        self.offset = float(np.random.rand())  # noqa: NPY002


@fault("constructs-without-work")
class LearntWhenMade(Sound):
    """A fault."""

    def __init__(self, bits: int, scale: float = 1.0) -> None:
        super().__init__(bits, scale)
        self.mean_ = torch.zeros(64)


@fault("has-presets-of-its-parameters")
class StrayPreset(Sound):
    """A fault."""

    traits = Traits(paper=PAPER, presets={"quick": {"epochs": 1}})


@fault("renames-to-its-parameters")
class StrayName(Sound):
    """A fault."""

    renamed: ClassVar[Mapping[str, str]] = {"size": "width"}


@fault("resolves-once-and-for-all")
class ResolvesOnAndOn(Sound):
    """A fault."""

    @classmethod
    def resolve(cls, parameters: dict[str, Any], features: str) -> dict[str, Any]:
        return {"scale": parameters["scale"] + 1}


@fault("fits-digits")
class DoesNotFit(Sound):
    """A fault."""

    def fit(self, train: TrainingSet, run: RunContext) -> Self:
        raise RuntimeError("the matrix is singular")


@fault("fit-returns-self")
class ReturnsNothing(Sound):
    """A fault."""

    def fit(self, train: TrainingSet, run: RunContext) -> Self:
        super().fit(train, run)
        return None  # type: ignore[return-value]


@fault("fit-keeps-its-hyper-parameters")
class ChangesItsParameter(Sound):
    """A fault."""

    def fit(self, train: TrainingSet, run: RunContext) -> Self:
        self.scale += 1
        return super().fit(train, run)


@fault("fit-keeps-its-hyper-parameters")
class LearntWithoutUnderscore(Sound):
    """A fault."""

    def fit(self, train: TrainingSet, run: RunContext) -> Self:
        self.width = train.features.shape[1]
        return super().fit(train, run)


@fault("reads-no-labels")
class ReadsLabels(Sound):
    """A fault."""

    def fit(self, train: TrainingSet, run: RunContext) -> Self:
        super().fit(train, run)
        if train.given_labels is not None:
            self.mean_ = train.features[train.given_labels[:, 0]].double().mean(0)
        return self


@fault("fit-leaves-its-input")
class CentresInPlace(Sound):
    """A fault."""

    def fit(self, train: TrainingSet, run: RunContext) -> Self:
        super().fit(train, run)
        train.features.sub_(self.mean_.float())
        return self


@fault("repeats-with-a-seed")
class Unseeded(Sound):
    """A fault."""

    def fit(self, train: TrainingSet, run: RunContext) -> Self:
        run.generator.seed()
        return super().fit(train, run)


@fault("draws-as-declared")
class DrawsThoughDeterministic(Sound):
    """A fault."""

    traits = Traits(paper=PAPER, deterministic=True)


@fault("draws-as-declared")
class SeedOfItsOwn(Sound):
    """A fault."""

    def fit(self, train: TrainingSet, run: RunContext) -> Self:
        run.generator.manual_seed(7)
        return super().fit(train, run)


@fault("reseeds-no-generator")
class SeedsTorch(Sound):
    """A fault."""

    def fit(self, train: TrainingSet, run: RunContext) -> Self:
        torch.manual_seed(0)
        return super().fit(train, run)


@fault("reseeds-no-generator")
class SeedsNumpy(Sound):
    """A fault."""

    def fit(self, train: TrainingSet, run: RunContext) -> Self:
        np.random.seed(0)  # noqa: NPY002
        random.seed(0)
        return super().fit(train, run)


@fault("fit-leaves-global-settings")
class SetsDefaultType(Sound):
    """A fault."""

    def fit(self, train: TrainingSet, run: RunContext) -> Self:
        torch.set_default_dtype(torch.float64)
        return super().fit(train, run)


@fault("fit-leaves-global-settings")
class TurnsGradientsOff(Sound):
    """A fault."""

    def fit(self, train: TrainingSet, run: RunContext) -> Self:
        torch.set_grad_enabled(False)
        return super().fit(train, run)


@fault("fit-starts-anew")
class Accumulates(Sound):
    """A fault."""

    def fit(self, train: TrainingSet, run: RunContext) -> Self:
        earlier = getattr(self, "mean_", None)
        super().fit(train, run)
        if earlier is not None:
            self.mean_ = (self.mean_ + earlier) / 2
        return self


@fault("logs-finite-values")
class LogsNan(Sound):
    """A fault."""

    def fit(self, train: TrainingSet, run: RunContext) -> Self:
        run.log_epoch(1, 2, objective=float("nan"))
        return super().fit(train, run)


@fault("codes-are-bool")
class FloatCodes(Sound):
    """A fault."""

    def encode(self, batch: Tensor) -> Tensor:
        return super().encode(batch).float()


@fault("codes-have-a-column-per-bit")
class ColumnTooMany(Sound):
    """A fault."""

    def encode(self, batch: Tensor) -> Tensor:
        codes = super().encode(batch)
        return torch.cat([codes, codes[:, :1]], 1)


@fault("codes-have-a-column-per-bit")
class WholeBytes(Sound):
    """A fault."""

    def encode(self, batch: Tensor) -> Tensor:
        return nn.functional.pad(super().encode(batch), (0, -self.bits % 8))


@fault("codes-do-not-depend-on-the-batch")
class BatchSize(Sound):
    """A fault."""

    def encode(self, batch: Tensor) -> Tensor:
        return self.z(batch) + 0.3 * math.log(max(len(batch), 1)) >= 0


@fault("codes-do-not-depend-on-the-batch")
class BatchOrder(Sound):
    """A fault."""

    def encode(self, batch: Tensor) -> Tensor:
        odd = torch.arange(len(batch))[:, None] % 2 == 1
        return super().encode(batch) ^ (odd & (batch != batch[:1]).any())


@fault("codes-keep-neighbours")
class ContentHash(Sound):
    """A fault."""

    def encode(self, batch: Tensor) -> Tensor:
        return torch.sin(1e6 * self.z(batch)) >= 0


@fault("encode-draws-nothing")
class DrawsWhenEncoding(Sound):
    """A fault."""

    def encode(self, batch: Tensor) -> Tensor:
        torch.rand(1)
        return super().encode(batch)


@fault("encode-learns-nothing")
class LearnsFromQueries(Sound):
    """A fault."""

    def encode(self, batch: Tensor) -> Tensor:
        codes = super().encode(batch)
        self.seen_ = batch.nanmean(0)
        return codes


@fault("encode-leaves-its-input")
class CentresBatchInPlace(Sound):
    """A fault."""

    def encode(self, batch: Tensor) -> Tensor:
        codes = super().encode(batch)
        batch -= self.mean_.float()
        return codes


@fault("codes-are-the-sign-of-project")
class OtherProjection(Sound):
    """A fault."""

    def project(self, batch: Tensor) -> Tensor:
        return -self.z(batch).float()


@fault("codes-are-the-sign-of-project")
class OtherSignOfZero(Sound):
    """A fault."""

    def project(self, batch: Tensor) -> Tensor:
        z = self.z(batch).float()
        return torch.where(z == 0, -1.0, z)


@fault("zero-is-one")
class ZeroIsZero(Sound):
    """A fault."""

    def encode(self, batch: Tensor) -> Tensor:
        return torch.sign(self.z(batch)) > 0


@fault("restores-images")
class RestoresBytes(Sound):
    """A fault."""

    def restore(self, codes: Tensor) -> Tensor:
        return torch.full((len(codes), 3, 8, 8), 255.0)


@fault("takes-constant-features")
class NeedsVariance(Sound):
    """A fault."""

    def fit(self, train: TrainingSet, run: RunContext) -> Self:
        if not train.features.std(0).any():
            raise ZeroDivisionError("no feature varies")
        return super().fit(train, run)


@fault("takes-64-items")
class Needs100Neighbours(Sound):
    """A fault."""

    def fit(self, train: TrainingSet, run: RunContext) -> Self:
        torch.cdist(train.features, train.features).topk(100)
        return super().fit(train, run)


@fault("takes-more-bits-than-the-rank")
class NeedsRank(Sound):
    """A fault."""

    def fit(self, train: TrainingSet, run: RunContext) -> Self:
        if 1 < int(torch.linalg.matrix_rank(train.features)) < self.bits:
            raise RuntimeError("the matrix is singular")
        return super().fit(train, run)


@fault("takes-any-memory-layout")
class NeedsContiguous(Sound):
    """A fault."""

    def encode(self, batch: Tensor) -> Tensor:
        return super().encode(batch.view(-1).view(batch.shape))


@fault("takes-float16-input")
class NeedsFloat32(Sound):
    """A fault."""

    def encode(self, batch: Tensor) -> Tensor:
        return (batch - self.mean_.to(batch.dtype)) @ self.directions_.float() >= 0


@fault("takes-an-empty-batch")
class NeedsItems(Sound):
    """A fault."""

    def encode(self, batch: Tensor) -> Tensor:
        batch.amax(0)
        return super().encode(batch)


@fault("keeps-a-broken-item-to-itself")
class SpreadsNan(Sound):
    """A fault."""

    def encode(self, batch: Tensor) -> Tensor:
        return super().encode(batch) & bool(batch.isfinite().all())


@fault("state-is-tensors")
class NumberInState(Sound):
    """A fault."""

    def state(self) -> dict[str, Tensor]:
        return {**super().state(), "bits": self.bits}  # type: ignore[dict-item]


@fault("state-holds-no-pickle")
class PickleInState(Sound):
    """A fault."""

    def state(self) -> dict[str, Tensor]:
        content = bytearray(pickle.dumps({"scale": self.scale}))
        return {**super().state(), "settings": torch.frombuffer(content, dtype=torch.uint8)}


@fault("state-reloads")
class ForgetsItsMean(Sound):
    """A fault."""

    def state(self) -> dict[str, Tensor]:
        return {**super().state(), "mean_": torch.zeros_like(self.mean_)}


@fault("state-has-no-gradient")
class KeepsGradient(Sound):
    """A fault."""

    def fit(self, train: TrainingSet, run: RunContext) -> Self:
        super().fit(train, run)
        self.directions_ = nn.Parameter(self.directions_)
        return self


@fault("has-valid-traits")
class UnknownRanking(Sound):
    """A fault."""

    traits = Traits(paper=PAPER, ranking="cosine", zero_is_one=True)  # type: ignore[arg-type]
    renamed: ClassVar[Mapping[str, str]] = {}


class SoundEstimator(Sound):
    """Products of projections with signs, less the mean one: nothing is wrong with it."""

    traits = Traits(paper=PAPER, zero_is_one=True, ranking="estimator")

    def factors(self, batch: Tensor) -> Tensor:
        return self.z(batch).abs().mean(1, keepdim=True).float()

    def prepare(self, queries: Tensor) -> Tensor:
        return self.z(queries).float()

    def scores(self, prepared: Tensor, codes: Tensor, factors: Tensor) -> Tensor:
        return factors[:, 0] - signed_products(prepared, codes)


@fault("scores-do-not-depend-on-the-block")
class CentresItsBlock(SoundEstimator):
    """A fault."""

    def scores(self, prepared: Tensor, codes: Tensor, factors: Tensor) -> Tensor:
        scores = super().scores(prepared, codes, factors)
        return scores - scores.mean(dim=1, keepdim=True)


@fault("scores-do-not-depend-on-the-block")
class ScalesItsQueries(SoundEstimator):
    """A fault."""

    def scores(self, prepared: Tensor, codes: Tensor, factors: Tensor) -> Tensor:
        return super().scores(prepared / prepared.std(), codes, factors)


@fault("factors-do-not-depend-on-the-batch")
class FactorsOfItsBatch(SoundEstimator):
    """A fault."""

    def factors(self, batch: Tensor) -> Tensor:
        factors = super().factors(batch)
        return factors - factors.mean()


@fault("factors-do-not-depend-on-the-batch")
class DoubleFactors(SoundEstimator):
    """A fault."""

    def factors(self, batch: Tensor) -> Tensor:
        return super().factors(batch).double()


@fault("scores-keep-neighbours")
class MoreIsNearer(SoundEstimator):
    """A fault."""

    def scores(self, prepared: Tensor, codes: Tensor, factors: Tensor) -> Tensor:
        return factors[:, 0] + signed_products(prepared, codes)

"""What a method makes of queries and database, and how its codes are ranked where it is not by Hamming distance."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor

from hashbench.codes import Codes
from hashbench.dataset import Items, Split
from hashbench.errors import Incompatible
from hashbench.evaluation.scored_codes import ScoredCodes, asymmetric_codes
from hashbench.execution import training_data
from hashbench.execution.training_data import TrainingData
from hashbench.method import HashMethod, RunContext
from hashbench.records.trial_spec import Ranking
from hashbench.util.device import repeatable
from hashbench.util.halving import Halving
from hashbench.util.progress import Log, no_log

FloatRows = npt.NDArray[np.float32]

CHECKED_QUERIES, CHECKED_ITEMS = 4, 48
ROUNDED = 1e-4  # of the largest score: sums in another order


@dataclass(frozen=True, eq=False)
class Encoded:
    """What a method made of queries and database.

    Attributes:
        query, database: codes.
        query_vectors: float32 [q, p], what a ranking by scores reads of queries: their projections, or what
            ``prepare`` returned; None where codes are ranked by Hamming distance.
        factors: float32 [n, f], what an estimator keeps beside the codes; None for other rankings.
    """

    query: Codes
    database: Codes
    query_vectors: FloatRows | None = None
    factors: FloatRows | None = None

    def arrays(self) -> dict[str, FloatRows]:
        """What is stored beside the codes, by name."""
        arrays = {"query_vectors": self.query_vectors, "database_factors": self.factors}
        return {name: array for name, array in arrays.items() if array is not None}

    def scored(self, method: HashMethod | None, device: torch.device) -> ScoredCodes | None:
        """The codes with the scores that they are ranked by; None where it is by Hamming distance.

        Args:
            method: whose codes they are; only an estimator's is needed.
            device: where the ranking runs.
        """
        if self.query_vectors is None:
            return None
        vectors = torch.from_numpy(self.query_vectors).to(device)
        if self.factors is None:
            return asymmetric_codes(vectors, self.database)
        assert method is not None
        packed, factors = (torch.from_numpy(each).to(device) for each in (self.database.packed, self.factors))
        return ScoredCodes(method.scores, vectors, packed, factors)


def check_ranking(method: HashMethod, ranking: Ranking | None) -> None:
    """Check, before it is fitted, that a method has what a ranking reads.

    Raises:
        Incompatible: it has no projection.
    """
    kind = type(method)
    if ranking == "asymmetric" and kind.project is HashMethod.project and kind.linear is HashMethod.linear:
        raise _no_projection(method)


def encoded(
    method: HashMethod,
    inputs: TrainingData,
    split: Split,
    run: RunContext,
    ranking: Ranking | None,
    codes: tuple[Codes, Codes] | None = None,
    log: Log = no_log,
) -> Encoded:
    """Codes of queries and database, and what the ranking reads beside them.

    Args:
        method: fitted.
        inputs: features and images of all items.
        split: queries and database.
        run: that it was fitted in.
        ranking: None is by Hamming distance.
        codes: of queries and database, where they are there already.
        log: gets a line where batches had to be halved.

    Raises:
        Incompatible: the method has no projection.
        ValueError: it returns something else than its contract says, or scores that hang on the block.
    """
    if codes is None:
        codes = _codes(method, inputs, split.query, run, log), _codes(method, inputs, split.database, run, log)
    if ranking is None:
        return Encoded(*codes)
    whole = replace(inputs, maps=None)  # projections and factors are those of images, not of maps of frozen blocks
    vectors = query_vectors(method, whole.batches(method, split.query, run), ranking)
    if ranking == "asymmetric":
        return Encoded(*codes, vectors)
    factors = _rows(method.factors, whole.batches(method, split.database, run), "factors", method)
    made = Encoded(*codes, vectors, factors)
    _check_blocks(method, made, run.device)
    return made


def query_vectors(method: HashMethod, batches: Iterator[Tensor], ranking: Ranking) -> FloatRows:
    """What a ranking by scores reads of queries, float32 [q, p].

    Args:
        method: fitted.
        batches: of its input.
        ranking: whose scores.

    Raises:
        Incompatible: the method has no projection.
        ValueError: it returns something else than its contract says.
    """
    if ranking == "asymmetric":
        return _rows(lambda batch: _projections(method, batch), batches, "project", method)
    return _rows(method.prepare, batches, "prepare", method)


def _codes(method: HashMethod, inputs: TrainingData, items: Items, run: RunContext, log: Log) -> Codes:
    return training_data.encode(method, inputs.batches(method, items, run), inputs.maps is not None, log)


def _projections(method: HashMethod, batch: Tensor) -> Tensor:
    z = method.project(batch)
    if z is None:
        raise _no_projection(method)
    return z.float()


def _no_projection(method: HashMethod) -> Incompatible:
    return Incompatible(f"{type(method).__name__} has no projection to rank by (HashMethod.project): its bits alone")


def _rows(function: Callable[[Tensor], Tensor], batches: Iterator[Tensor], name: str, method: HashMethod) -> FloatRows:
    """What a function of the method returns for all batches, float32 [n, numbers]."""
    parts, halving = [], Halving(name)

    def checked(batch: Tensor) -> Tensor:
        part = function(batch)
        if part.dtype != torch.float32 or part.dim() != 2 or len(part) != len(batch):
            raise ValueError(
                f"{type(method).__name__}.{name} gave {part.dtype} {list(part.shape)}, "
                f"wanted torch.float32 [{len(batch)}, numbers]"
            )
        return part

    with torch.inference_mode(), repeatable():
        for batch in batches:
            parts += [part.cpu().numpy() for part in halving(checked, batch)]
    return np.concatenate(parts)


def _check_blocks(method: HashMethod, made: Encoded, device: torch.device) -> None:
    """Check that a score does not hang on what stands beside it in its block."""
    scored = made.scored(method, device)
    assert scored is not None
    rows = scored.rows[:CHECKED_QUERIES]
    packed, factors = scored.packed[:CHECKED_ITEMS], scored.factors[:CHECKED_ITEMS]
    with torch.inference_mode():
        whole = scored.score(rows, packed, factors)
        if whole.dtype != torch.float32 or list(whole.shape) != [len(rows), len(packed)]:
            raise ValueError(
                f"{type(method).__name__}.scores gave {whole.dtype} {list(whole.shape)}, wanted torch.float32 "
                f"[{len(rows)}, {len(packed)}]"
            )
        alone = torch.cat(
            [scored.score(rows, *one) for one in zip(torch.split(packed, 1), torch.split(factors, 1), strict=True)], 1
        )
        turned = torch.cat([scored.score(one, packed.flip(0), factors.flip(0)).flip(1) for one in torch.split(rows, 1)])
    far = max(float((whole - other).abs().max()) for other in (alone, turned))
    if not far <= ROUNDED * max(float(whole.abs().max()), 1e-30):
        raise ValueError(
            f"{type(method).__name__}.scores differ by {far:.3g} with the block that an item or a query stands in, "
            "wanted the same score in any"
        )

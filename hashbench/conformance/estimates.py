"""What an estimator makes beside its codes: factors, prepared queries and scores."""

import torch
from torch import Tensor

from hashbench.codes import Codes
from hashbench.conformance.check import Inapplicable, check
from hashbench.conformance.encoding import NEIGHBOURS
from hashbench.conformance.subject import Subject

ROUNDED = 1e-4  # of the largest number: sums in another order
BLOCK = 5
NEAR = 0.8  # of the middle rank: nearest items stand before it


@check("compute each score from one row of prepared, one code and its factors: no statistics of the block")
def scores_do_not_depend_on_the_block(subject: Subject) -> str | None:
    """An estimator scores a query and an item alike in any block, float32 [queries, items]."""
    prepared, codes, factors = _sides(subject, subject.queries)
    whole = _scores(subject, prepared, codes, factors)
    wanted = [len(prepared), len(codes)]
    if list(whole.shape) != wanted or whole.dtype != torch.float32 or not bool(torch.isfinite(whole).all()):
        return f"scores returned {whole.dtype} {list(whole.shape)}, or numbers that are not finite"
    blocks = zip(torch.split(codes, BLOCK), torch.split(factors, BLOCK), strict=True)
    parts = torch.cat([_scores(subject, prepared, *block) for block in blocks], dim=1)
    alone = torch.cat([_scores(subject, row, codes, factors) for row in torch.split(prepared, 1)])
    for other, how in ((parts, f"in blocks of {BLOCK} items"), (alone, "of one query at a time")):
        if (far := _far(whole, other)) > ROUNDED:
            return f"scores {how} differ by {far:.1%}"
    return None


@check("compute each row from itself and what fit has learnt, and return .float() of [n, numbers]")
def factors_do_not_depend_on_the_batch(subject: Subject) -> str | None:
    """An estimator's `factors` and `prepare` make float32 [n, numbers], of an item the same in any batch."""
    _check_applies(subject)
    with torch.inference_mode():
        for name in ("factors", "prepare"):
            function = getattr(subject.fitted, name)
            whole = function(subject.queries.clone())
            if whole.dtype != torch.float32 or whole.dim() != 2 or len(whole) != len(subject.queries):
                return f"{name} returned {whole.dtype} {list(whole.shape)} for {len(subject.queries)} items"
            alone = torch.cat([function(row[None].clone()) for row in subject.queries])
            if (far := _far(whole, alone)) > ROUNDED:
                return f"{name} of one item at a time differ by {far:.1%}"
    return None


@check("check the sign of the scores: less is nearer")
def scores_keep_neighbours(subject: Subject) -> str | None:
    """Digits that are near each other have lower scores than others have."""
    scores = _scores(subject, *_sides(subject, subject.batch(subject.items)))
    x = subject.items.features - subject.items.features.mean(0)
    nearest = torch.cdist(x, x).topk(NEIGHBOURS + 1, largest=False).indices[:, 1:]
    ranks = scores.argsort(dim=1).argsort(dim=1).double()
    near, middle = float(ranks.gather(1, nearest).mean()), (len(x) - 1) / 2
    seen = f"the {NEIGHBOURS} nearest items stand at rank {near:.0f} of {len(x)} on average"
    return None if near < NEAR * middle else seen


def _check_applies(subject: Subject) -> None:
    if subject.traits.ranking != "estimator":
        raise Inapplicable("traits.ranking is not 'estimator'")


def _sides(subject: Subject, batch: Tensor) -> tuple[Tensor, Tensor, Tensor]:
    """Prepared queries, packed codes and factors, all of one batch."""
    _check_applies(subject)
    codes = torch.from_numpy(Codes.pack(subject.encode(subject.fitted, batch)).packed)
    with torch.inference_mode():
        prepared, factors = (make(batch.clone()) for make in (subject.fitted.prepare, subject.fitted.factors))
    return prepared.float(), codes, factors.float()  # another check looks at their type


def _scores(subject: Subject, prepared: Tensor, codes: Tensor, factors: Tensor) -> Tensor:
    with torch.inference_mode():
        return subject.fitted.scores(prepared.clone(), codes.clone(), factors.clone())


def _far(one: Tensor, other: Tensor) -> float:
    """The largest difference, by the largest number; 1 where shapes differ."""
    if one.shape != other.shape:
        return 1.0
    return float((one - other).abs().max() / one.abs().max().clamp(min=1e-30))

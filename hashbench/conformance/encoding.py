"""What ``encode`` returns, and what it must leave alone."""

import torch

from hashbench.conformance.check import Inapplicable, check
from hashbench.conformance.global_state import GlobalState
from hashbench.conformance.items import constant
from hashbench.conformance.subject import Subject, agreement
from hashbench.errors import Incompatible
from hashbench.method import HashMethod

ROUNDED = 0.999  # share of bits that are equal where sums are rounded in another order
OTHER_LENGTHS = (12, 1)
NEIGHBOURS = 10
RESTORED = 4


@check("compare with the threshold: return z >= 0")
def codes_are_bool(subject: Subject) -> str | None:
    """`encode` returns a bool tensor, True is +1."""
    codes = subject.codes
    return None if codes.dtype == torch.bool else f"encode returned {codes.dtype}"


@check("return bool [n, bits] for each length that fit accepts; one that cannot be made is Incompatible, in fit")
def codes_have_a_column_per_bit(subject: Subject) -> str | None:
    """`encode` returns a row per item and a column per bit, at lengths that fill no byte too."""
    for bits in (subject.bits, *OTHER_LENGTHS):
        try:
            method = subject.fitted if bits == subject.bits else subject.fit(subject.items, bits).method
        except Incompatible:
            continue
        shape = list(subject.encode(method, subject.queries).shape)
        if shape != [len(subject.queries), bits]:
            return f"encode returned {shape} for {len(subject.queries)} items at {bits} bits"
    return None


@check("draw bit by bit, in an order that does not hang on their number, or leave traits.nested out")
def nests_as_declared(subject: Subject) -> str | None:
    """Where codes are declared nested, the first bits are the shorter code, and `first_bits` makes them."""
    if not subject.fitted.is_nested():
        raise Inapplicable("its codes are not declared nested")
    half = max(1, subject.bits // 2)
    shorter = subject.encode(subject.fit(subject.items, half).method, subject.queries)
    begins = f"of {half}-bit codes"
    if (share := agreement(subject.codes[:, :half], shorter)) != 1:
        return f"{1 - share:.1%} of the bits {begins} differ from the first ones of {subject.bits}"
    first = subject.fitted.first_bits(half)
    if (share := agreement(subject.encode(first, subject.queries), shorter)) != 1:
        return f"{1 - share:.1%} of the bits {begins} differ from those that first_bits makes"
    reloaded = subject.make(half)
    reloaded.load_state({name: value.clone() for name, value in first.state().items()}, subject.context())
    if (share := agreement(subject.encode(reloaded, subject.queries), shorter)) != 1:
        return f"{1 - share:.1%} of the bits {begins} differ after the state of what first_bits makes was reloaded"
    return None


@check("compute each row from itself and what fit has learnt: no statistics of the batch, networks in eval mode")
def codes_do_not_depend_on_the_batch(subject: Subject) -> str | None:
    """An item has the same code alone, in any order and among any others."""
    alone = torch.cat([subject.encode(subject.fitted, row[None]) for row in subject.queries])
    if (share := agreement(alone, subject.codes)) < ROUNDED:
        return f"{1 - share:.1%} of bits differ when items are encoded one at a time"
    order = torch.arange(len(subject.queries) - 1, -1, -1)
    turned = subject.encode(subject.fitted, subject.queries[order])
    if (share := agreement(turned, subject.codes[order])) < ROUNDED:
        return f"{1 - share:.1%} of bits differ when the batch is in the reverse order"
    return None


@check("check the signs and what the bits are taken from: these are no better than random codes")
def codes_keep_neighbours(subject: Subject) -> str | None:
    """Digits that are near each other have nearer codes than others have."""
    rows = subject.batch(subject.items)
    codes = torch.where(subject.encode(subject.fitted, rows) != 0, 1.0, -1.0)
    x = subject.items.features - subject.items.features.mean(0)
    nearest = torch.cdist(x, x).topk(NEIGHBOURS + 1, largest=False).indices[:, 1:]
    products = codes @ codes.T
    near, all_pairs = products.gather(1, nearest).mean(), (products.sum() - products.trace()) / (len(x) * (len(x) - 1))
    bits = codes.shape[1]
    near_distance, distance = float((bits - near) / 2), float((bits - all_pairs) / 2)
    if near_distance < 0.95 * distance:
        return None
    return f"the codes of {NEIGHBOURS} nearest items are {near_distance:.2f} bits apart, all pairs {distance:.2f}"


@check("compute it from what fit has learnt, or draw once in fit")
def encode_draws_nothing(subject: Subject) -> str | None:
    """`encode` leaves the global random generators as they were."""
    assert subject.trained
    before = GlobalState.now()
    try:
        subject.encode(subject.fitted, subject.queries)
        drawn = before.drawn(GlobalState.now())
    finally:
        before.restore()
    return f"encode changed the state of {' and '.join(drawn)} global generator" if drawn else None


@check("learn in fit alone: means, neighbours and running statistics are the training set's")
def encode_learns_nothing(subject: Subject) -> str | None:
    """Queries change neither the state nor the codes of what comes after them."""
    method = subject.second  # not the one that other checks look at
    before = {name: value.detach().clone() for name, value in _tensors(method.state()).items()}
    first = subject.encode(method, subject.queries)
    subject.encode(method, subject.batch(constant(len(subject.queries))))
    for name, value in _tensors(method.state()).items():
        if name not in before or not torch.equal(before[name].nan_to_num(), value.nan_to_num()):
            return f"encode changed {name} of the state"
    later = subject.encode(method, subject.queries)
    return None if agreement(first, later) == 1 else f"{1 - agreement(first, later):.1%} of bits differ the second time"


@check("work on a copy: x = batch - mean, not batch -= mean")
def encode_leaves_its_input(subject: Subject) -> str | None:
    """`encode` leaves the batch as it was."""
    batch = subject.queries.clone()
    with torch.inference_mode():
        subject.fitted.encode(batch)
    changed = int((batch != subject.queries).sum())
    return f"encode changed {changed:,} of {batch.numel():,} numbers of its batch in place" if changed else None


@check("let both come from one projection, and have traits.zero_is_one say what the bit of 0 is")
def codes_are_the_sign_of_project(subject: Subject) -> str | None:
    """`encode` is project >= 0, or project > 0 where traits.zero_is_one is False."""
    with torch.inference_mode():
        if _projected(subject.fitted, subject.queries) is None:
            raise Inapplicable("it has no projection")
    fault = _other_signs(subject, subject.fitted, subject.queries, "")
    if fault is None and (method := _fitted_to_constant(subject)) is not None:  # where each z may be 0
        same = subject.batch(constant(len(subject.queries)))
        fault = _other_signs(subject, method, same, " of items that are all the same")
    return fault


def _other_signs(subject: Subject, method: HashMethod, batch: torch.Tensor, of: str) -> str | None:
    """What is wrong with the projection of a batch, beside its codes."""
    codes = subject.encode(method, batch)
    with torch.inference_mode():
        z = _projected(method, batch)
    if z is None or list(z.shape) != list(codes.shape) or not z.is_floating_point():
        found = "None" if z is None else f"{z.dtype} {list(z.shape)}"
        return f"project returned {found}, encode {list(codes.shape)}"
    share = agreement(z >= 0 if _zero_is_one(subject) else z > 0, codes)
    return None if share >= ROUNDED else f"{1 - share:.1%} of bits{of} are not the sign of project"


def _projected(method: HashMethod, batch: torch.Tensor) -> torch.Tensor | None:
    return method.project(batch.clone())


def _fitted_to_constant(subject: Subject) -> HashMethod | None:
    """The method, fitted to items that are all the same; None where that fails."""
    try:
        return subject.fit(constant(len(subject.items))).method
    except Exception:
        return None


@check("return z >= 0: torch.sign(0) and numpy.sign(0) are 0")
def zero_is_one(subject: Subject) -> str | None:
    """sgn(0) is +1: items that are all the mean of the training set have no code of zeros alone."""
    if not _zero_is_one(subject):
        raise Inapplicable("traits.zero_is_one is False")
    assert subject.trained
    method = _fitted_to_constant(subject)
    if method is None:
        raise Inapplicable("it cannot be fitted to items that are all the same")
    codes = subject.encode(method, subject.batch(constant(len(subject.queries))))
    return None if bool((codes != 0).any()) else "all bits of items that are all the same are 0"


@check("return float [n, 3, h, w] in [0, 1], or None")
def restores_images(subject: Subject) -> str | None:
    """`restore` makes an image of each code."""
    with torch.inference_mode():
        images = subject.fitted.restore(subject.codes[:RESTORED].clone())
    if images is None:
        raise Inapplicable("it restores none")
    if images.dim() != 4 or list(images.shape[:2]) != [RESTORED, 3] or not images.is_floating_point():
        return f"restore returned {images.dtype} {list(images.shape)} for {RESTORED} codes"
    low, high = float(images.amin()), float(images.amax())
    return None if low >= 0 and high <= 1 else f"restored values lie between {low:.3g} and {high:.3g}"


def _zero_is_one(subject: Subject) -> bool:
    return subject.traits.zero_is_one


def _tensors(state: dict[str, torch.Tensor]) -> dict[str, torch.Tensor]:
    return {name: value for name, value in state.items() if isinstance(value, torch.Tensor)}

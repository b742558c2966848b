"""How many of 512 items at a time are at each distance, or are marked."""

import itertools
from typing import Any

from llvmlite import ir
from numba import types
from numba.core import cgutils
from numba.extending import intrinsic

from hashbench.search.bit_planes import GROUP, LANES
from hashbench.search.ir_builder import VECTOR, Steps

_LOW = 3  # counter rows that tell eight distances apart


@intrinsic
def low_masks(typing_context: Any, counters: Any, tiles: Any, low: Any) -> Any:  # noqa: ARG001
    """Row ``d`` of ``low``, uint64 [tiles, 8, LANES], marks the items whose distance is d modulo 8."""

    def code(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
        steps = Steps(context, builder)
        counts, masks = (steps.array(signature.args[place], arguments[place]) for place in (0, 2))
        counter_rows = builder.extract_value(counts.shape, 1)
        with cgutils.for_range(builder, arguments[1]) as across:
            start = steps.words(builder.mul(across.index, counter_rows))
            rows = [steps.load(counts.data, builder.add(start, steps.number(row * LANES))) for row in range(_LOW)]
            for value in range(GROUP):
                bits = [row if value >> place & 1 else builder.not_(row) for place, row in enumerate(rows)]
                mask = builder.and_(builder.and_(bits[0], bits[1]), bits[2])
                index = steps.words(builder.add(builder.mul(across.index, steps.number(GROUP)), steps.number(value)))
                steps.store(mask, masks.data, index)
        return context.get_dummy_value()

    return types.void(counters, tiles, low), code


@intrinsic
def high_mask(typing_context: Any, counters: Any, tiles: Any, eights: Any, high: Any) -> Any:  # noqa: ARG001
    """Mark in ``high``, uint64 [tiles, LANES], the items at distance 8 * eights to 8 * eights + 7; 0 without any."""

    def code(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
        steps = Steps(context, builder)
        counts, marks = (steps.array(signature.args[place], arguments[place]) for place in (0, 3))
        rows = builder.extract_value(counts.shape, 1)
        ones, none = (ir.Constant(VECTOR, [value] * LANES) for value in (2**64 - 1, 0))
        some = cgutils.alloca_once_value(builder, none)
        builder.store(none, some)
        mask = cgutils.alloca_once(builder, VECTOR)
        with cgutils.for_range(builder, arguments[1]) as across:
            word = builder.mul(across.index, steps.number(LANES))
            builder.store(ones, mask)
            with cgutils.for_range(builder, rows, start=steps.number(_LOW)) as up:
                bit = builder.and_(
                    builder.lshr(arguments[2], builder.sub(up.index, steps.number(_LOW))), steps.number(1)
                )
                flip = steps.spread(builder.sub(bit, steps.number(1)))  # all ones where the bit is 0
                index = steps.words(builder.add(builder.mul(across.index, rows), up.index))
                held = builder.xor(steps.load(counts.data, index), flip)
                builder.store(builder.and_(builder.load(mask), held), mask)
            steps.store(builder.load(mask), marks.data, word)
            builder.store(builder.or_(builder.load(some), builder.load(mask)), some)
        return steps.any(builder.load(some))

    return types.uint64(counters, tiles, eights, high), code


def _count_eight(steps: Steps, kinds: Any, values: Any) -> Any:
    """Write how many items there are at each of eight distances, plus 2^32 times the relevant ones where asked for."""
    builder = steps.builder
    high, low, *relevant, numbers = (
        steps.array(kind, value).data for kind, value in zip(kinds[1:], values[1:], strict=True)
    )
    zero = ir.Constant(VECTOR, [0] * LANES)
    sums = [[cgutils.alloca_once_value(builder, zero) for _ in [low, *relevant]] for _ in range(GROUP)]
    for place in itertools.chain.from_iterable(sums):
        builder.store(zero, place)
    with cgutils.for_range(builder, values[0]) as across:
        word = builder.mul(across.index, steps.number(LANES))
        start = builder.mul(word, steps.number(GROUP))
        group = steps.load(high, word)
        wanted = [steps.load(row, word) for row in relevant]
        for rest, places in enumerate(sums):
            mask = builder.and_(group, steps.load(low, builder.add(start, steps.number(rest * LANES))))
            for place, marks in zip(places, [mask, *(builder.and_(mask, row) for row in wanted)], strict=True):
                builder.store(builder.add(builder.load(place), steps.ones(marks)), place)
    for rest, places in enumerate(sums):
        items, *hits = (builder.load(place) for place in places)
        for found in hits:
            items = builder.add(items, builder.shl(found, steps.spread(steps.number(32))))
        builder.store(steps.total(items), builder.gep(numbers, [steps.number(rest)]))
    return steps.context.get_dummy_value()


@intrinsic
def count_eight(typing_context: Any, tiles: Any, high: Any, low: Any, numbers: Any) -> Any:  # noqa: ARG001
    """Write into ``numbers``, uint64 [8], how many of the items marked in ``high`` each row of ``low`` marks."""

    def code(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
        return _count_eight(Steps(context, builder), signature.args, arguments)

    return types.void(tiles, high, low, numbers), code


@intrinsic
def count_eight_relevant(typing_context: Any, tiles: Any, high: Any, low: Any, relevant: Any, numbers: Any) -> Any:  # noqa: ARG001
    """The same, plus 2^32 times how many of those are marked in ``relevant``, uint64 [tiles, LANES], as well."""

    def code(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
        return _count_eight(Steps(context, builder), signature.args, arguments)

    return types.void(tiles, high, low, relevant, numbers), code


@intrinsic
def ones_in_both(typing_context: Any, planes: Any, first: Any, tiles: Any, one: Any, other: Any) -> Any:  # noqa: ARG001
    """How many items of some tiles of planes are marked in both of two rows."""

    def code(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
        steps = Steps(context, builder)
        given = steps.array(signature.args[0], arguments[0])
        rows = builder.extract_value(given.shape, 1)
        zero = ir.Constant(VECTOR, [0] * LANES)
        count = cgutils.alloca_once_value(builder, zero)
        builder.store(zero, count)
        with cgutils.for_range(builder, arguments[2]) as across:
            start = builder.mul(builder.add(arguments[1], across.index), rows)
            both = builder.and_(
                *(steps.load(given.data, steps.words(builder.add(start, row))) for row in arguments[3:])
            )
            builder.store(builder.add(builder.load(count), steps.ones(both)), count)
        return steps.total(builder.load(count))

    return types.int64(planes, first, tiles, one, other), code

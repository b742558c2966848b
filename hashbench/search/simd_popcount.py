"""How many of 512 items at a time are at each distance, or have both of two bits set."""

import itertools
from typing import Any

from llvmlite import ir
from numba import types
from numba.core import cgutils
from numba.extending import intrinsic

from hashbench.search.ir_builder import VECTOR, IRBuilderOps
from hashbench.search.layout import GROUP_DISTANCES, LANES

_LOW_ROWS = 3  # counter rows in which the distances of a group differ


@intrinsic
def low_masks(typing_context: Any, counters: Any, tiles: Any, low: Any) -> Any:  # noqa: ARG001
    """Row ``d`` of ``low``, uint64 [tiles, 8, LANES], marks the items whose distance is d modulo 8."""

    def code(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
        ops = IRBuilderOps(context, builder)
        counts, masks = (ops.array(signature.args[i], arguments[i]) for i in (0, 2))
        counter_rows = builder.extract_value(counts.shape, 1)
        with cgutils.for_range(builder, arguments[1]) as tile:
            start = ops.row_words(builder.mul(tile.index, counter_rows))
            rows = [ops.load(counts.data, builder.add(start, ops.word(row * LANES))) for row in range(_LOW_ROWS)]
            for value in range(GROUP_DISTANCES):
                bits = [row if value >> i & 1 else builder.not_(row) for i, row in enumerate(rows)]
                mask = builder.and_(builder.and_(bits[0], bits[1]), bits[2])
                index = ops.row_words(builder.add(builder.mul(tile.index, ops.word(GROUP_DISTANCES)), ops.word(value)))
                ops.store(mask, masks.data, index)
        return context.get_dummy_value()

    return types.void(counters, tiles, low), code


@intrinsic
def high_mask(typing_context: Any, counters: Any, tiles: Any, group: Any, high: Any) -> Any:  # noqa: ARG001
    """Mark in ``high``, uint64 [tiles, LANES], the items at distance 8 * group to 8 * group + 7; returns 0 if none."""

    def code(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
        ops = IRBuilderOps(context, builder)
        counts, masks = (ops.array(signature.args[i], arguments[i]) for i in (0, 3))
        rows = builder.extract_value(counts.shape, 1)
        ones, zeros = (ir.Constant(VECTOR, [value] * LANES) for value in (2**64 - 1, 0))
        any_item = cgutils.alloca_once_value(builder, zeros)
        builder.store(zeros, any_item)
        mask = cgutils.alloca_once(builder, VECTOR)
        with cgutils.for_range(builder, arguments[1]) as tile:
            word = builder.mul(tile.index, ops.word(LANES))
            builder.store(ones, mask)
            with cgutils.for_range(builder, rows, start=ops.word(_LOW_ROWS)) as row:
                bit = builder.and_(builder.lshr(arguments[2], builder.sub(row.index, ops.word(_LOW_ROWS))), ops.word(1))
                flip = ops.broadcast(builder.sub(bit, ops.word(1)))  # all ones where the bit is 0
                index = ops.row_words(builder.add(builder.mul(tile.index, rows), row.index))
                equal = builder.xor(ops.load(counts.data, index), flip)
                builder.store(builder.and_(builder.load(mask), equal), mask)
            ops.store(builder.load(mask), masks.data, word)
            builder.store(builder.or_(builder.load(any_item), builder.load(mask)), any_item)
        return ops.or_reduce(builder.load(any_item))

    return types.uint64(counters, tiles, group, high), code


def _count_group(ops: IRBuilderOps, argument_types: Any, values: Any) -> Any:
    """Write how many items there are at each distance of a group, plus 2^32 times the relevant ones where asked for."""
    builder = ops.builder
    high, low, *relevant, numbers = (
        ops.array(kind, value).data for kind, value in zip(argument_types[1:], values[1:], strict=True)
    )
    zero = ir.Constant(VECTOR, [0] * LANES)
    sums = [[cgutils.alloca_once_value(builder, zero) for _ in [low, *relevant]] for _ in range(GROUP_DISTANCES)]
    for total in itertools.chain.from_iterable(sums):
        builder.store(zero, total)
    with cgutils.for_range(builder, values[0]) as tile:
        word = builder.mul(tile.index, ops.word(LANES))
        start = builder.mul(word, ops.word(GROUP_DISTANCES))
        in_group = ops.load(high, word)
        relevant_masks = [ops.load(row, word) for row in relevant]
        for rest, totals in enumerate(sums):
            mask = builder.and_(in_group, ops.load(low, builder.add(start, ops.word(rest * LANES))))
            for total, marked in zip(totals, [mask, *(builder.and_(mask, row) for row in relevant_masks)], strict=True):
                builder.store(builder.add(builder.load(total), ops.popcount(marked)), total)
    for rest, totals in enumerate(sums):
        items, *hits = (builder.load(total) for total in totals)
        for hit_counts in hits:
            items = builder.add(items, builder.shl(hit_counts, ops.broadcast(ops.word(32))))
        builder.store(ops.sum_reduce(items), builder.gep(numbers, [ops.word(rest)]))
    return ops.context.get_dummy_value()


@intrinsic
def count_group(typing_context: Any, tiles: Any, high: Any, low: Any, numbers: Any) -> Any:  # noqa: ARG001
    """Write into ``numbers``, uint64 [8], how many items both ``high`` and each row of ``low`` mark."""

    def code(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
        return _count_group(IRBuilderOps(context, builder), signature.args, arguments)

    return types.void(tiles, high, low, numbers), code


@intrinsic
def count_group_relevant(typing_context: Any, tiles: Any, high: Any, low: Any, relevant: Any, numbers: Any) -> Any:  # noqa: ARG001
    """The same, plus 2^32 times how many of these items ``relevant``, uint64 [tiles, LANES], marks as well."""

    def code(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
        return _count_group(IRBuilderOps(context, builder), signature.args, arguments)

    return types.void(tiles, high, low, relevant, numbers), code


@intrinsic
def count_group_both(typing_context: Any, tiles: Any, high: Any, marked: Any, low: Any, numbers: Any) -> Any:  # noqa: ARG001
    """Write into ``numbers``, uint64 [8], how many items ``high``, ``marked`` and each row of ``low`` mark together."""

    def code(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
        ops = IRBuilderOps(context, builder)
        masks, others, lows, counts = (ops.array(signature.args[i], arguments[i]).data for i in (1, 2, 3, 4))
        sums = [cgutils.alloca_once_value(builder, ir.Constant(VECTOR, [0] * LANES)) for _ in range(GROUP_DISTANCES)]
        for total in sums:
            builder.store(ir.Constant(VECTOR, [0] * LANES), total)
        with cgutils.for_range(builder, arguments[0]) as tile:
            word = builder.mul(tile.index, ops.word(LANES))
            start = builder.mul(word, ops.word(GROUP_DISTANCES))
            both = builder.and_(ops.load(masks, word), ops.load(others, word))
            for rest, total in enumerate(sums):
                mask = builder.and_(both, ops.load(lows, builder.add(start, ops.word(rest * LANES))))
                builder.store(builder.add(builder.load(total), ops.popcount(mask)), total)
        for rest, total in enumerate(sums):
            builder.store(ops.sum_reduce(builder.load(total)), builder.gep(counts, [ops.word(rest)]))
        return context.get_dummy_value()

    return types.void(tiles, high, marked, low, numbers), code


@intrinsic
def popcount_both(typing_context: Any, planes: Any, first: Any, tiles: Any, one: Any, other: Any) -> Any:  # noqa: ARG001
    """How many items of some tiles of planes have both of two bits set."""

    def code(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
        ops = IRBuilderOps(context, builder)
        all_planes = ops.array(signature.args[0], arguments[0])
        rows = builder.extract_value(all_planes.shape, 1)
        zero = ir.Constant(VECTOR, [0] * LANES)
        count = cgutils.alloca_once_value(builder, zero)
        builder.store(zero, count)
        with cgutils.for_range(builder, arguments[2]) as tile:
            start = builder.mul(builder.add(arguments[1], tile.index), rows)
            both = builder.and_(
                *(ops.load(all_planes.data, ops.row_words(builder.add(start, row))) for row in arguments[3:])
            )
            builder.store(builder.add(builder.load(count), ops.popcount(both)), count)
        return ops.sum_reduce(builder.load(count))

    return types.int64(planes, first, tiles, one, other), code

"""Which of 512 items at a time lie within a radius, at what distance one of them is, and masks of bits."""

from typing import Any

from llvmlite import ir
from numba import types
from numba.core import cgutils
from numba.extending import intrinsic

from hashbench.search.ir_builder import VECTOR, WORD, IRBuilderOps
from hashbench.search.layout import LANES


@intrinsic
def popcount_word(typing_context: Any, word: Any) -> Any:  # noqa: ARG001 - numba's signature
    """How many bits of a word are set."""

    def code(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:  # noqa: ARG001
        return builder.ctpop(arguments[0])

    return types.uint64(types.uint64), code


@intrinsic
def lowest_bit(typing_context: Any, word: Any) -> Any:  # noqa: ARG001
    """The index of the lowest bit that is set in a word; 64 for 0."""

    def code(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:  # noqa: ARG001
        return builder.cttz(arguments[0], ir.Constant(ir.IntType(1), 0))

    return types.uint64(types.uint64), code


@intrinsic
def bytes_to_bitmask(typing_context: Any, column: Any, bits: Any) -> Any:  # noqa: ARG001
    """A word whose bit ``i`` is set where byte ``i`` of ``column``, uint8 [64], has one of the ``bits``."""

    def code(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
        ops = IRBuilderOps(context, builder)
        source = ops.array(signature.args[0], arguments[0])
        kind, zero = ir.VectorType(ir.IntType(8), 64), ir.Constant(ir.IntType(32), 0)
        loaded = builder.load(builder.bitcast(source.data, kind.as_pointer()), align=1)
        undefined, zeros = ir.Constant(kind, ir.Undefined), ir.Constant(kind, [0] * 64)
        mask = builder.insert_element(undefined, arguments[1], zero)
        mask = builder.shuffle_vector(mask, undefined, ir.Constant(ir.VectorType(ir.IntType(32), 64), [0] * 64))
        return builder.bitcast(builder.icmp_unsigned("!=", builder.and_(loaded, mask), zeros), WORD)

    return types.uint64(column, bits), code


@intrinsic
def mask_within_radius(typing_context: Any, counters: Any, tiles: Any, radius: Any, marks: Any, lanes: Any) -> Any:  # noqa: ARG001
    """Mark in ``marks``, uint64 [tiles, LANES], the items within a radius.

    Bit ``i`` of ``lanes``, uint8 [tiles], is set where lane ``i`` of a tile has any.
    """

    def code(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
        ops = IRBuilderOps(context, builder)
        counts, masks, filled_lanes = (ops.array(signature.args[i], arguments[i]) for i in (0, 3, 4))
        rows = builder.extract_value(counts.shape, 1)
        ones, zeros = (ir.Constant(VECTOR, [value] * LANES) for value in (2**64 - 1, 0))
        mask = cgutils.alloca_once(builder, VECTOR)
        with cgutils.for_range(builder, arguments[1]) as tile:
            builder.store(ones, mask)
            with cgutils.for_range(builder, rows) as row:  # the carry out of radius + not counter + 1
                bit = builder.and_(builder.lshr(arguments[2], row.index), ops.word(1))
                index = ops.row_words(builder.add(builder.mul(tile.index, rows), row.index))
                inverted = builder.not_(ops.load(counts.data, index))
                builder.store(ops.full_add(inverted, ops.broadcast(builder.neg(bit)), builder.load(mask))[0], mask)
            near = builder.load(mask)
            ops.store(near, masks.data, ops.row_words(tile.index))
            filled = builder.bitcast(builder.icmp_unsigned("!=", near, zeros), ir.IntType(LANES))
            builder.store(filled, builder.gep(filled_lanes.data, [tile.index]))
        return context.get_dummy_value()

    return types.void(counters, tiles, radius, marks, lanes), code


@intrinsic
def mark_class(
    typing_context: Any,  # noqa: ARG001
    classes: Any,
    first: Any,
    tiles: Any,
    number: Any,
    bits: Any,
    marks: Any,
) -> Any:
    """Mark in ``marks`` as well, uint64 [tiles, LANES], the items of some tiles whose number is this one.

    The first ``bits`` rows of a tile of ``classes`` are the bits of its items' numbers, the lowest first.
    """

    def code(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
        ops = IRBuilderOps(context, builder)
        planes, masks = (ops.array(signature.args[i], arguments[i]) for i in (0, 5))
        rows = builder.extract_value(planes.shape, 1)
        same = cgutils.alloca_once(builder, VECTOR)
        with cgutils.for_range(builder, arguments[2]) as tile:
            builder.store(ir.Constant(VECTOR, [2**64 - 1] * LANES), same)
            start = builder.mul(builder.add(arguments[1], tile.index), rows)
            with cgutils.for_range(builder, arguments[4]) as row:
                bit = builder.and_(builder.lshr(arguments[3], row.index), ops.word(1))
                flip = ops.broadcast(builder.sub(bit, ops.word(1)))  # all ones where the bit is 0
                equal = builder.xor(ops.load(planes.data, ops.row_words(builder.add(start, row.index))), flip)
                builder.store(builder.and_(builder.load(same), equal), same)
            word = ops.row_words(tile.index)
            ops.store(builder.or_(ops.load(masks.data, word), builder.load(same)), masks.data, word)
        return context.get_dummy_value()

    return types.void(classes, first, tiles, number, bits, marks), code


@intrinsic
def distance_at(typing_context: Any, counters: Any, offset: Any) -> Any:  # noqa: ARG001
    """The distance of one item, by its offset in the counters' tiles, which must have one more tile behind them."""

    def code(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
        ops = IRBuilderOps(context, builder)
        counts, offset = ops.array(signature.args[0], arguments[0]), arguments[1]
        rows = builder.extract_value(counts.shape, 1)
        word = builder.lshr(offset, ops.word(6))
        tile, lane = builder.udiv(word, ops.word(LANES)), builder.and_(word, ops.word(LANES - 1))
        data = builder.gep(counts.data, [builder.add(ops.row_words(builder.mul(tile, rows)), lane)])
        bit = ops.broadcast(builder.shl(ops.word(1), builder.and_(offset, ops.word(63))))
        distance = cgutils.alloca_once(builder, WORD)
        builder.store(_column(ops, data, 0, bit), distance)
        with builder.if_then(builder.icmp_unsigned(">", rows, ops.word(8)), likely=False):
            upper = builder.shl(_column(ops, data, 8, bit), ops.word(8))
            builder.store(builder.or_(builder.load(distance), upper), distance)
        valid = builder.sub(builder.shl(ops.word(1), rows), ops.word(1))
        return builder.and_(builder.load(distance), valid)

    return types.uint64(counters, offset), code


def _column(ops: IRBuilderOps, data: Any, first: int, bit: Any) -> Any:
    """One bit each of the first words of eight rows of counters, as a number."""
    builder = ops.builder
    words = ir.Constant(VECTOR, ir.Undefined)
    for row in range(8):
        word = builder.load(builder.gep(data, [ops.word((first + row) * LANES)]))
        words = builder.insert_element(words, word, ir.Constant(ir.IntType(32), row))
    zeros = ir.Constant(VECTOR, [0] * LANES)
    ones = builder.bitcast(builder.icmp_unsigned("!=", builder.and_(words, bit), zeros), ir.IntType(8))
    return builder.zext(ones, WORD)

"""Which of 512 items at a time are marked or near, and how near one of them is."""

from typing import Any

from llvmlite import ir
from numba import types
from numba.core import cgutils
from numba.extending import intrinsic

from hashbench.search.bit_planes import LANES
from hashbench.search.ir_builder import VECTOR, WORD, Steps


@intrinsic
def ones_in(typing_context: Any, word: Any) -> Any:  # noqa: ARG001 - numba's signature
    """How many bits of a word are set."""

    def code(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:  # noqa: ARG001
        return builder.ctpop(arguments[0])

    return types.uint64(types.uint64), code


@intrinsic
def lowest(typing_context: Any, word: Any) -> Any:  # noqa: ARG001
    """The place of the lowest bit that is set in a word; 64 of 0."""

    def code(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:  # noqa: ARG001
        return builder.cttz(arguments[0], ir.Constant(ir.IntType(1), 0))

    return types.uint64(types.uint64), code


@intrinsic
def marked(typing_context: Any, column: Any, bits: Any) -> Any:  # noqa: ARG001
    """A word of which bit ``i`` is set where byte ``i`` of ``column``, uint8 [64], has one of the ``bits``."""

    def code(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
        steps = Steps(context, builder)
        given = steps.array(signature.args[0], arguments[0])
        kind, zero = ir.VectorType(ir.IntType(8), 64), ir.Constant(ir.IntType(32), 0)
        bytes_of = builder.load(builder.bitcast(given.data, kind.as_pointer()), align=1)
        undefined, zeros = ir.Constant(kind, ir.Undefined), ir.Constant(kind, [0] * 64)
        own = builder.insert_element(undefined, arguments[1], zero)
        own = builder.shuffle_vector(own, undefined, ir.Constant(ir.VectorType(ir.IntType(32), 64), [0] * 64))
        return builder.bitcast(builder.icmp_unsigned("!=", builder.and_(bytes_of, own), zeros), WORD)

    return types.uint64(column, bits), code


@intrinsic
def within(typing_context: Any, counters: Any, tiles: Any, limit: Any, marks: Any, lanes: Any) -> Any:  # noqa: ARG001
    """Mark in ``marks``, uint64 [tiles, LANES], the items within the distance ``limit``.

    Bit ``i`` of ``lanes``, uint8 [tiles], tells whether lane ``i`` of a tile has any.
    """

    def code(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
        steps = Steps(context, builder)
        counts, places, some = (steps.array(signature.args[place], arguments[place]) for place in (0, 3, 4))
        rows = builder.extract_value(counts.shape, 1)
        ones, none = (ir.Constant(VECTOR, [value] * LANES) for value in (2**64 - 1, 0))
        mask = cgutils.alloca_once(builder, VECTOR)
        with cgutils.for_range(builder, arguments[1]) as across:
            builder.store(ones, mask)
            with cgutils.for_range(builder, rows) as up:  # what is carried out of limit + 1 + not the counter
                bit = builder.and_(builder.lshr(arguments[2], up.index), steps.number(1))
                index = steps.words(builder.add(builder.mul(across.index, rows), up.index))
                row = builder.not_(steps.load(counts.data, index))
                builder.store(steps.add(row, steps.spread(builder.neg(bit)), builder.load(mask))[0], mask)
            found = builder.load(mask)
            steps.store(found, places.data, steps.words(across.index))
            filled = builder.bitcast(builder.icmp_unsigned("!=", found, none), ir.IntType(LANES))
            builder.store(filled, builder.gep(some.data, [across.index]))
        return context.get_dummy_value()

    return types.void(counters, tiles, limit, marks, lanes), code


@intrinsic
def distance_at(typing_context: Any, counters: Any, place: Any) -> Any:  # noqa: ARG001
    """The distance of the item at one place of the counters' tiles, which have one more behind them to be read."""

    def code(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
        steps = Steps(context, builder)
        counts, place = steps.array(signature.args[0], arguments[0]), arguments[1]
        rows = builder.extract_value(counts.shape, 1)
        word = builder.lshr(place, steps.number(6))
        tile, lane = builder.udiv(word, steps.number(LANES)), builder.and_(word, steps.number(LANES - 1))
        data = builder.gep(counts.data, [builder.add(steps.words(builder.mul(tile, rows)), lane)])
        bit = steps.spread(builder.shl(steps.number(1), builder.and_(place, steps.number(63))))
        found = cgutils.alloca_once(builder, WORD)
        builder.store(_column(steps, data, 0, bit), found)
        with builder.if_then(builder.icmp_unsigned(">", rows, steps.number(8)), likely=False):
            upper = builder.shl(_column(steps, data, 8, bit), steps.number(8))
            builder.store(builder.or_(builder.load(found), upper), found)
        known = builder.sub(builder.shl(steps.number(1), rows), steps.number(1))
        return builder.and_(builder.load(found), known)

    return types.uint64(counters, place), code


def _column(steps: Steps, data: Any, first: int, bit: Any) -> Any:
    """One bit each of the first words of eight rows of counters, as a number."""
    builder = steps.builder
    words = ir.Constant(VECTOR, ir.Undefined)
    for row in range(8):
        word = builder.load(builder.gep(data, [steps.number((first + row) * LANES)]))
        words = builder.insert_element(words, word, ir.Constant(ir.IntType(32), row))
    none = ir.Constant(VECTOR, [0] * LANES)
    ones = builder.bitcast(builder.icmp_unsigned("!=", builder.and_(words, bit), none), ir.IntType(8))
    return builder.zext(ones, WORD)

"""Steps on eight words, 512 items, at a time, written as vector instructions: what a compiler does not find by itself.

Where the CPU has AVX-512, adding three bits takes two instructions for 512 items; elsewhere the same steps become the
instructions that there are.
"""

import itertools
from typing import Any

from llvmlite import ir
from numba import types
from numba.core import cgutils
from numba.extending import intrinsic

from hashbench.search.bit_planes import GROUP, LANES

_WORD = ir.IntType(64)
_VECTOR = ir.VectorType(_WORD, LANES)
_XOR3, _MAJORITY = 0x96, 0xE8  # truth tables of three inputs
_LOW, _HIGH = 3, 4  # counter rows of one group, and of the two that are added at a time
_TOP = 8  # the highest row above those, of the longest codes


class _Steps:
    """Writes operations on vectors of words where ``builder`` stands."""

    def __init__(self, context: Any, builder: Any) -> None:
        self.context, self.builder = context, builder
        features = str(context.codegen().magic_tuple()[2])
        self.ternary = "+avx512f" in features.split(",")

    def array(self, kind: Any, value: Any) -> Any:
        return self.context.make_array(kind)(self.context, self.builder, value)

    def place(self, data: Any, index: Any) -> Any:
        return self.builder.bitcast(self.builder.gep(data, [index]), _VECTOR.as_pointer())

    def load(self, data: Any, index: Any) -> Any:
        return self.builder.load(self.place(data, index), align=8)

    def store(self, value: Any, data: Any, index: Any) -> None:
        self.builder.store(value, self.place(data, index), align=8)

    def words(self, rows: Any) -> Any:
        """How many words that many rows of a tile have."""
        return self.builder.mul(rows, self.number(LANES))

    def number(self, value: int) -> Any:
        return ir.Constant(_WORD, value)

    def spread(self, word: Any) -> Any:
        """A vector with the same word in each place."""
        one = self.builder.insert_element(ir.Constant(_VECTOR, ir.Undefined), word, ir.Constant(ir.IntType(32), 0))
        places = ir.Constant(ir.VectorType(ir.IntType(32), LANES), [0] * LANES)
        return self.builder.shuffle_vector(one, ir.Constant(_VECTOR, ir.Undefined), places)

    def add(self, a: Any, b: Any, c: Any) -> tuple[Any, Any]:
        """Carry and sum of three bits in each place."""
        if self.ternary:
            return self._table(_MAJORITY, a, b, c), self._table(_XOR3, a, b, c)
        build = self.builder
        differ = build.xor(a, b)
        return build.or_(build.and_(a, b), build.and_(differ, c)), build.xor(differ, c)

    def _table(self, table: int, a: Any, b: Any, c: Any) -> Any:
        kind = ir.FunctionType(_VECTOR, [_VECTOR, _VECTOR, _VECTOR, ir.IntType(32)])
        name = "llvm.x86.avx512.pternlog.q.512"
        function = cgutils.get_or_insert_function(self.builder.module, kind, name)
        return self.builder.call(function, [a, b, c, ir.Constant(ir.IntType(32), table)])

    def ones(self, value: Any) -> Any:
        """How many bits are set, in each word."""
        kind = ir.FunctionType(_VECTOR, [_VECTOR])
        return self.builder.call(cgutils.get_or_insert_function(self.builder.module, kind, "llvm.ctpop.v8i64"), [value])

    def any(self, value: Any) -> Any:
        """The bits that are set in one of the eight words."""
        kind = ir.FunctionType(_WORD, [_VECTOR])
        function = cgutils.get_or_insert_function(self.builder.module, kind, "llvm.vector.reduce.or.v8i64")
        return self.builder.call(function, [value])

    def total(self, value: Any) -> Any:
        """The sum over the eight words."""
        kind = ir.FunctionType(_WORD, [_VECTOR])
        function = cgutils.get_or_insert_function(self.builder.module, kind, "llvm.vector.reduce.add.v8i64")
        return self.builder.call(function, [value])


@intrinsic
def add_planes(typing_context: Any, planes: Any, first: Any, tiles: Any, flips: Any, counters: Any) -> Any:  # noqa: ARG001
    """Distances of some tiles' items to a query, as binary numbers: row ``i`` of ``counters`` has their bits 2^i.

    Planes are uint64 [all tiles, rows, LANES], rows a multiple of 8; flips uint64 [rows]; counters uint64 [tiles, 4 or
    more, LANES], as many rows as the number ``rows`` has bits.
    """

    def code(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
        steps = _Steps(context, builder)
        given, own, counts = (steps.array(signature.args[place], arguments[place]) for place in (0, 3, 4))
        rows = builder.extract_value(given.shape, 1)
        start = builder.gep(given.data, [steps.words(builder.mul(arguments[1], rows))])
        counter_rows = builder.extract_value(counts.shape, 1)
        pairs = builder.udiv(rows, steps.number(2 * GROUP))
        with cgutils.for_range(builder, arguments[2]) as across:
            sums = builder.gep(counts.data, [steps.words(builder.mul(across.index, counter_rows))])
            zero = ir.Constant(_VECTOR, [0] * LANES)
            held = [cgutils.alloca_once_value(builder, zero) for _ in range(_HIGH)]
            for place in held:
                builder.store(zero, place)
            tile = builder.gep(start, [steps.words(builder.mul(across.index, rows))])
            add_group = _group_adder(steps, tile, own.data, held)
            with cgutils.for_range(builder, pairs) as pair:
                row = builder.mul(pair.index, steps.number(2 * GROUP))
                first = add_group(row)
                second = add_group(builder.add(row, steps.number(GROUP)))
                carry, eight = steps.add(builder.load(held[_LOW]), first, second)
                builder.store(eight, held[_LOW])
                _ripple(steps, sums, carry, pair.index)
            odd = builder.icmp_unsigned("!=", builder.and_(rows, steps.number(GROUP)), steps.number(0))
            with builder.if_then(odd):
                carry = add_group(builder.sub(rows, steps.number(GROUP)))
                eight = builder.load(held[_LOW])
                builder.store(builder.xor(eight, carry), held[_LOW])
                _ripple(steps, sums, builder.and_(eight, carry), pairs, grows=False)
            for level, place in enumerate(held):
                steps.store(builder.load(place), sums, steps.number(level * LANES))
        return context.get_dummy_value()

    return types.void(planes, first, tiles, flips, counters), code


def _group_adder(steps: _Steps, tile: Any, flips: Any, held: list[Any]) -> Any:
    """A function that adds eight rows of planes to the counters held, and gives the eights that come out."""
    builder = steps.builder

    def bits(rows: Any, own: Any, row: int) -> Any:
        flip = builder.load(builder.gep(own, [steps.number(row)]))
        return builder.xor(steps.load(rows, steps.number(row * LANES)), steps.spread(flip))

    def add_two(level: int, first: Any, second: Any) -> Any:
        carry, rest = steps.add(builder.load(held[level]), first, second)
        builder.store(rest, held[level])
        return carry

    def add_group(start: Any) -> Any:
        rows, own = builder.gep(tile, [steps.words(start)]), builder.gep(flips, [start])
        twos = [add_two(0, bits(rows, own, row), bits(rows, own, row + 1)) for row in range(0, GROUP, 2)]
        fours = [add_two(1, *twos[:2]), add_two(1, *twos[2:])]
        return add_two(2, *fours)

    return add_group


def _ripple(steps: _Steps, counters: Any, carry: Any, before: Any, grows: bool = True, level: int = 0) -> None:
    """Add sixteens to the rows above, which hold ``before`` such numbers and may need one more row for this."""
    builder = steps.builder
    place = steps.number((_HIGH + level) * LANES)
    with builder.if_else(builder.icmp_unsigned(">=", before, steps.number(1 << level))) as (held, new):
        with held:
            row = steps.load(counters, place)
            steps.store(builder.xor(row, carry), counters, place)
            if level < _TOP:
                _ripple(steps, counters, builder.and_(row, carry), before, grows, level + 1)
        with new:
            if grows:
                with builder.if_then(builder.icmp_unsigned("==", before, steps.number((1 << level) - 1))):
                    steps.store(carry, counters, place)


@intrinsic
def low_masks(typing_context: Any, counters: Any, tiles: Any, low: Any) -> Any:  # noqa: ARG001
    """Row ``d`` of ``low``, uint64 [tiles, 8, LANES], marks the items whose distance is d modulo 8."""

    def code(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
        steps = _Steps(context, builder)
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
        steps = _Steps(context, builder)
        counts, marks = (steps.array(signature.args[place], arguments[place]) for place in (0, 3))
        rows = builder.extract_value(counts.shape, 1)
        ones, none = (ir.Constant(_VECTOR, [value] * LANES) for value in (2**64 - 1, 0))
        some = cgutils.alloca_once_value(builder, none)
        builder.store(none, some)
        mask = cgutils.alloca_once(builder, _VECTOR)
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


def _count_eight(steps: _Steps, kinds: Any, values: Any) -> Any:
    """Write how many items there are at each of eight distances, plus 2^32 times the relevant ones where asked for."""
    builder = steps.builder
    high, low, *relevant, numbers = (
        steps.array(kind, value).data for kind, value in zip(kinds[1:], values[1:], strict=True)
    )
    zero = ir.Constant(_VECTOR, [0] * LANES)
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
        return _count_eight(_Steps(context, builder), signature.args, arguments)

    return types.void(tiles, high, low, numbers), code


@intrinsic
def count_eight_relevant(typing_context: Any, tiles: Any, high: Any, low: Any, relevant: Any, numbers: Any) -> Any:  # noqa: ARG001
    """The same, plus 2^32 times how many of those are marked in ``relevant``, uint64 [tiles, LANES], as well."""

    def code(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
        return _count_eight(_Steps(context, builder), signature.args, arguments)

    return types.void(tiles, high, low, relevant, numbers), code


@intrinsic
def marked(typing_context: Any, column: Any, bits: Any) -> Any:  # noqa: ARG001
    """A word of which bit ``i`` is set where byte ``i`` of ``column``, uint8 [64], has one of the ``bits``."""

    def code(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
        steps = _Steps(context, builder)
        given = steps.array(signature.args[0], arguments[0])
        kind, zero = ir.VectorType(ir.IntType(8), 64), ir.Constant(ir.IntType(32), 0)
        bytes_of = builder.load(builder.bitcast(given.data, kind.as_pointer()), align=1)
        undefined, zeros = ir.Constant(kind, ir.Undefined), ir.Constant(kind, [0] * 64)
        own = builder.insert_element(undefined, arguments[1], zero)
        own = builder.shuffle_vector(own, undefined, ir.Constant(ir.VectorType(ir.IntType(32), 64), [0] * 64))
        return builder.bitcast(builder.icmp_unsigned("!=", builder.and_(bytes_of, own), zeros), _WORD)

    return types.uint64(column, bits), code


@intrinsic
def ones_in_both(typing_context: Any, planes: Any, first: Any, tiles: Any, one: Any, other: Any) -> Any:  # noqa: ARG001
    """How many items of some tiles of planes are marked in both of two rows."""

    def code(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
        steps = _Steps(context, builder)
        given = steps.array(signature.args[0], arguments[0])
        rows = builder.extract_value(given.shape, 1)
        zero = ir.Constant(_VECTOR, [0] * LANES)
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


@intrinsic
def within(typing_context: Any, counters: Any, tiles: Any, limit: Any, marks: Any, lanes: Any) -> Any:  # noqa: ARG001
    """Mark in ``marks``, uint64 [tiles, LANES], the items within the distance ``limit``.

    Bit ``i`` of ``lanes``, uint8 [tiles], tells whether lane ``i`` of a tile has any.
    """

    def code(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
        steps = _Steps(context, builder)
        counts, places, some = (steps.array(signature.args[place], arguments[place]) for place in (0, 3, 4))
        rows = builder.extract_value(counts.shape, 1)
        ones, none = (ir.Constant(_VECTOR, [value] * LANES) for value in (2**64 - 1, 0))
        mask = cgutils.alloca_once(builder, _VECTOR)
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
        steps = _Steps(context, builder)
        counts, place = steps.array(signature.args[0], arguments[0]), arguments[1]
        rows = builder.extract_value(counts.shape, 1)
        tile, lane = builder.lshr(place, steps.number(9)), builder.lshr(place, steps.number(6))
        lane = builder.and_(lane, steps.number(LANES - 1))
        data = builder.gep(counts.data, [builder.add(steps.words(builder.mul(tile, rows)), lane)])
        bit = steps.spread(builder.shl(steps.number(1), builder.and_(place, steps.number(63))))
        found = cgutils.alloca_once(builder, _WORD)
        builder.store(_column(steps, data, 0, bit), found)
        with builder.if_then(builder.icmp_unsigned(">", rows, steps.number(8)), likely=False):
            upper = builder.shl(_column(steps, data, 8, bit), steps.number(8))
            builder.store(builder.or_(builder.load(found), upper), found)
        known = builder.sub(builder.shl(steps.number(1), rows), steps.number(1))
        return builder.and_(builder.load(found), known)

    return types.uint64(counters, place), code


def _column(steps: _Steps, data: Any, first: int, bit: Any) -> Any:
    """One bit each of the first words of eight rows of counters, as a number."""
    builder = steps.builder
    words = ir.Constant(_VECTOR, ir.Undefined)
    for row in range(8):
        word = builder.load(builder.gep(data, [steps.number((first + row) * LANES)]))
        words = builder.insert_element(words, word, ir.Constant(ir.IntType(32), row))
    none = ir.Constant(_VECTOR, [0] * LANES)
    ones = builder.bitcast(builder.icmp_unsigned("!=", builder.and_(words, bit), none), ir.IntType(8))
    return builder.zext(ones, _WORD)

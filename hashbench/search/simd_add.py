"""Distances of 512 items at a time: the bits in which they differ from a query, added up in each place of a vector."""

from typing import Any

from llvmlite import ir
from numba import types
from numba.core import cgutils
from numba.extending import intrinsic

from hashbench.search.bit_planes import GROUP, LANES
from hashbench.search.ir_builder import VECTOR, Steps

_EIGHTS, _HELD = 3, 4  # the last counter row that stays in registers, and how many do
_TOP = 8  # the highest row above those, of the longest codes


@intrinsic
def add_planes(typing_context: Any, planes: Any, first: Any, tiles: Any, flips: Any, counters: Any) -> Any:  # noqa: ARG001
    """Distances of some tiles' items to a query, as binary numbers: row ``i`` of ``counters`` has their bits 2^i.

    Planes are uint64 [all tiles, rows, LANES], rows a multiple of 8; flips uint64 [rows]; counters uint64 [tiles, 4 or
    more, LANES], as many rows as the number ``rows`` has bits.
    """

    def code(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
        steps = Steps(context, builder)
        given, own, counts = (steps.array(signature.args[place], arguments[place]) for place in (0, 3, 4))
        rows = builder.extract_value(given.shape, 1)
        start = builder.gep(given.data, [steps.words(builder.mul(arguments[1], rows))])
        counter_rows = builder.extract_value(counts.shape, 1)
        pairs = builder.udiv(rows, steps.number(2 * GROUP))
        with cgutils.for_range(builder, arguments[2]) as across:
            sums = builder.gep(counts.data, [steps.words(builder.mul(across.index, counter_rows))])
            zero = ir.Constant(VECTOR, [0] * LANES)
            held = [cgutils.alloca_once_value(builder, zero) for _ in range(_HELD)]
            for place in held:
                builder.store(zero, place)
            tile = builder.gep(start, [steps.words(builder.mul(across.index, rows))])
            add_group = _group_adder(steps, tile, own.data, held)
            with cgutils.for_range(builder, pairs) as pair:
                row = builder.mul(pair.index, steps.number(2 * GROUP))
                first = add_group(row)
                second = add_group(builder.add(row, steps.number(GROUP)))
                carry, eight = steps.add(builder.load(held[_EIGHTS]), first, second)
                builder.store(eight, held[_EIGHTS])
                _ripple(steps, sums, carry, pair.index)
            odd = builder.icmp_unsigned("!=", builder.and_(rows, steps.number(GROUP)), steps.number(0))
            with builder.if_then(odd):
                carry = add_group(builder.sub(rows, steps.number(GROUP)))
                eight = builder.load(held[_EIGHTS])
                builder.store(builder.xor(eight, carry), held[_EIGHTS])
                _ripple(steps, sums, builder.and_(eight, carry), pairs, grows=False)
            for level, place in enumerate(held):
                steps.store(builder.load(place), sums, steps.number(level * LANES))
        return context.get_dummy_value()

    return types.void(planes, first, tiles, flips, counters), code


def _group_adder(steps: Steps, tile: Any, flips: Any, held: list[Any]) -> Any:
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


def _ripple(steps: Steps, counters: Any, carry: Any, before: Any, grows: bool = True, level: int = 0) -> None:
    """Add sixteens to the rows above, which hold ``before`` such numbers and may need one more row for this."""
    builder = steps.builder
    place = steps.number((_HELD + level) * LANES)
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

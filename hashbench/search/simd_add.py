"""Distances of 512 items at a time: the bits in which each differs from a query, added up in binary counters."""

from typing import Any

from llvmlite import ir
from numba import types
from numba.core import cgutils
from numba.extending import intrinsic

from hashbench.search.ir_builder import VECTOR, IRBuilderOps
from hashbench.search.layout import GROUP_ROWS, LANES

_EIGHTS, _REGISTER_ROWS = 3, 4  # the last counter row that stays in registers, and how many do
_TOP_LEVEL = 8  # the highest row above those, of the longest codes


@intrinsic
def add_planes(typing_context: Any, planes: Any, first: Any, tiles: Any, query_masks: Any, counters: Any) -> Any:  # noqa: ARG001
    """Distances of some tiles' items to a query, as binary numbers: row ``i`` of ``counters`` has their bits 2^i.

    Planes are uint64 [all tiles, rows, LANES], rows a multiple of 8; query masks uint64 [rows]; counters uint64 [tiles,
    counter bits, LANES], as many bits as the number ``rows`` has, at least 4.
    """

    def code(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
        ops = IRBuilderOps(context, builder)
        all_planes, masks, counts = (ops.array(signature.args[i], arguments[i]) for i in (0, 3, 4))
        rows = builder.extract_value(all_planes.shape, 1)
        start = builder.gep(all_planes.data, [ops.row_words(builder.mul(arguments[1], rows))])
        counter_bits = builder.extract_value(counts.shape, 1)
        pairs = builder.udiv(rows, ops.word(2 * GROUP_ROWS))
        with cgutils.for_range(builder, arguments[2]) as tile:
            sums = builder.gep(counts.data, [ops.row_words(builder.mul(tile.index, counter_bits))])
            zero = ir.Constant(VECTOR, [0] * LANES)
            registers = [cgutils.alloca_once_value(builder, zero) for _ in range(_REGISTER_ROWS)]
            for register in registers:
                builder.store(zero, register)
            tile_rows = builder.gep(start, [ops.row_words(builder.mul(tile.index, rows))])
            add_group = _group_adder(ops, tile_rows, masks.data, registers)
            with cgutils.for_range(builder, pairs) as pair:
                row = builder.mul(pair.index, ops.word(2 * GROUP_ROWS))
                first = add_group(row)
                second = add_group(builder.add(row, ops.word(GROUP_ROWS)))
                carry, eight = ops.full_add(builder.load(registers[_EIGHTS]), first, second)
                builder.store(eight, registers[_EIGHTS])
                _ripple(ops, sums, carry, pair.index)
            odd = builder.icmp_unsigned("!=", builder.and_(rows, ops.word(GROUP_ROWS)), ops.word(0))
            with builder.if_then(odd):
                carry = add_group(builder.sub(rows, ops.word(GROUP_ROWS)))
                eight = builder.load(registers[_EIGHTS])
                builder.store(builder.xor(eight, carry), registers[_EIGHTS])
                _ripple(ops, sums, builder.and_(eight, carry), pairs, grows=False)
            for level, register in enumerate(registers):
                ops.store(builder.load(register), sums, ops.word(level * LANES))
        return context.get_dummy_value()

    return types.void(planes, first, tiles, query_masks, counters), code


def _group_adder(ops: IRBuilderOps, tile_rows: Any, query_masks: Any, registers: list[Any]) -> Any:
    """A function that adds eight rows of planes to the counters in registers and returns the eights carried out."""
    builder = ops.builder

    def bits(rows: Any, own: Any, row: int) -> Any:
        mask = builder.load(builder.gep(own, [ops.word(row)]))
        return builder.xor(ops.load(rows, ops.word(row * LANES)), ops.broadcast(mask))

    def add_two(level: int, first: Any, second: Any) -> Any:
        carry, rest = ops.full_add(builder.load(registers[level]), first, second)
        builder.store(rest, registers[level])
        return carry

    def add_group(start: Any) -> Any:
        rows, own = builder.gep(tile_rows, [ops.row_words(start)]), builder.gep(query_masks, [start])
        twos = [add_two(0, bits(rows, own, row), bits(rows, own, row + 1)) for row in range(0, GROUP_ROWS, 2)]
        fours = [add_two(1, *twos[:2]), add_two(1, *twos[2:])]
        return add_two(2, *fours)

    return add_group


def _ripple(ops: IRBuilderOps, counters: Any, carry: Any, before: Any, grows: bool = True, level: int = 0) -> None:
    """Add sixteens to the rows above, which hold ``before`` such numbers and may need one more row for this."""
    builder = ops.builder
    offset = ops.word((_REGISTER_ROWS + level) * LANES)
    with builder.if_else(builder.icmp_unsigned(">=", before, ops.word(1 << level))) as (exists, new):
        with exists:
            row = ops.load(counters, offset)
            ops.store(builder.xor(row, carry), counters, offset)
            if level < _TOP_LEVEL:
                _ripple(ops, counters, builder.and_(row, carry), before, grows, level + 1)
        with new:
            if grows:
                with builder.if_then(builder.icmp_unsigned("==", before, ops.word((1 << level) - 1))):
                    ops.store(carry, counters, offset)

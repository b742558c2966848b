"""Vectors of eight words, 512 items, and steps on them, written as instructions: what no compiler finds by itself.

Where the CPU has AVX-512, adding three bits takes two instructions for 512 items; elsewhere the same steps become the
instructions that there are.
"""

from typing import Any

from llvmlite import ir
from numba.core import cgutils

from hashbench.search.bit_planes import LANES

WORD = ir.IntType(64)
VECTOR = ir.VectorType(WORD, LANES)
_XOR3, _MAJORITY = 0x96, 0xE8  # truth tables of three inputs


class Steps:
    """Writes operations on vectors of words where ``builder`` stands."""

    def __init__(self, context: Any, builder: Any) -> None:
        self.context, self.builder = context, builder
        features = str(context.codegen().magic_tuple()[2])
        self.ternary = "+avx512f" in features.split(",")

    def array(self, kind: Any, value: Any) -> Any:
        """An argument that is an array, with its ``data`` and ``shape``."""
        return self.context.make_array(kind)(self.context, self.builder, value)

    def load(self, data: Any, index: Any) -> Any:
        """The vector that begins with a word of ``data``."""
        return self.builder.load(self._place(data, index), align=8)

    def store(self, value: Any, data: Any, index: Any) -> None:
        """Put a vector where one begins."""
        self.builder.store(value, self._place(data, index), align=8)

    def _place(self, data: Any, index: Any) -> Any:
        return self.builder.bitcast(self.builder.gep(data, [index]), VECTOR.as_pointer())

    def words(self, rows: Any) -> Any:
        """How many words that many rows of a tile have."""
        return self.builder.mul(rows, self.number(LANES))

    def number(self, value: int) -> Any:
        """A word that is the same at each call."""
        return ir.Constant(WORD, value)

    def spread(self, word: Any) -> Any:
        """A vector with the same word in each place."""
        one = self.builder.insert_element(ir.Constant(VECTOR, ir.Undefined), word, ir.Constant(ir.IntType(32), 0))
        places = ir.Constant(ir.VectorType(ir.IntType(32), LANES), [0] * LANES)
        return self.builder.shuffle_vector(one, ir.Constant(VECTOR, ir.Undefined), places)

    def add(self, a: Any, b: Any, c: Any) -> tuple[Any, Any]:
        """Carry and sum of three bits in each place."""
        if self.ternary:
            return self._table(_MAJORITY, a, b, c), self._table(_XOR3, a, b, c)
        build = self.builder
        differ = build.xor(a, b)
        return build.or_(build.and_(a, b), build.and_(differ, c)), build.xor(differ, c)

    def _table(self, table: int, a: Any, b: Any, c: Any) -> Any:
        kind = ir.FunctionType(VECTOR, [VECTOR, VECTOR, VECTOR, ir.IntType(32)])
        name = "llvm.x86.avx512.pternlog.q.512"
        function = cgutils.get_or_insert_function(self.builder.module, kind, name)
        return self.builder.call(function, [a, b, c, ir.Constant(ir.IntType(32), table)])

    def ones(self, value: Any) -> Any:
        """How many bits are set, in each word."""
        kind = ir.FunctionType(VECTOR, [VECTOR])
        return self.builder.call(cgutils.get_or_insert_function(self.builder.module, kind, "llvm.ctpop.v8i64"), [value])

    def any(self, value: Any) -> Any:
        """The bits that are set in one of the eight words."""
        kind = ir.FunctionType(WORD, [VECTOR])
        function = cgutils.get_or_insert_function(self.builder.module, kind, "llvm.vector.reduce.or.v8i64")
        return self.builder.call(function, [value])

    def total(self, value: Any) -> Any:
        """The sum over the eight words."""
        kind = ir.FunctionType(WORD, [VECTOR])
        function = cgutils.get_or_insert_function(self.builder.module, kind, "llvm.vector.reduce.add.v8i64")
        return self.builder.call(function, [value])

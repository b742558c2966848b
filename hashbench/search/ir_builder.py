"""Operations on vectors of eight words, 512 items, written as LLVM instructions that no compiler generates from loops.

Where the CPU has AVX-512, adding three bits takes two instructions for 512 items; elsewhere LLVM turns the same
operations into the instructions that there are.
"""

from typing import Any

from llvmlite import ir
from numba.core import cgutils

from hashbench.search.layout import LANES

WORD = ir.IntType(64)
VECTOR = ir.VectorType(WORD, LANES)
_XOR3, _MAJORITY = 0x96, 0xE8  # truth tables of three inputs


class IRBuilderOps:
    """Writes operations on vectors of words at the position of ``builder``.

    Args:
        context: numba's target context.
        builder: llvmlite's IRBuilder.
    """

    def __init__(self, context: Any, builder: Any) -> None:
        self.context, self.builder = context, builder
        cpu_features = str(context.codegen().magic_tuple()[2])
        self.has_avx512 = "+avx512f" in cpu_features.split(",")

    def array(self, kind: Any, value: Any) -> Any:
        """An argument that is an array, with its ``data`` and ``shape``."""
        return self.context.make_array(kind)(self.context, self.builder, value)

    def load(self, data: Any, index: Any) -> Any:
        """The vector that begins at a word of ``data``."""
        return self.builder.load(self._vector_pointer(data, index), align=8)

    def store(self, value: Any, data: Any, index: Any) -> None:
        """Write a vector that begins at a word of ``data``."""
        self.builder.store(value, self._vector_pointer(data, index), align=8)

    def _vector_pointer(self, data: Any, index: Any) -> Any:
        return self.builder.bitcast(self.builder.gep(data, [index]), VECTOR.as_pointer())

    def row_words(self, rows: Any) -> Any:
        """How many words that many rows have."""
        return self.builder.mul(rows, self.word(LANES))

    def word(self, value: int) -> Any:
        """A constant word."""
        return ir.Constant(WORD, value)

    def broadcast(self, word: Any) -> Any:
        """A vector of eight times the same word."""
        one = self.builder.insert_element(ir.Constant(VECTOR, ir.Undefined), word, ir.Constant(ir.IntType(32), 0))
        lanes = ir.Constant(ir.VectorType(ir.IntType(32), LANES), [0] * LANES)
        return self.builder.shuffle_vector(one, ir.Constant(VECTOR, ir.Undefined), lanes)

    def full_add(self, a: Any, b: Any, c: Any) -> tuple[Any, Any]:
        """Carry and sum of three bits of every item."""
        if self.has_avx512:
            return self._truth_table(_MAJORITY, a, b, c), self._truth_table(_XOR3, a, b, c)
        build = self.builder
        differ = build.xor(a, b)
        return build.or_(build.and_(a, b), build.and_(differ, c)), build.xor(differ, c)

    def _truth_table(self, table: int, a: Any, b: Any, c: Any) -> Any:
        kind = ir.FunctionType(VECTOR, [VECTOR, VECTOR, VECTOR, ir.IntType(32)])
        name = "llvm.x86.avx512.pternlog.q.512"
        function = cgutils.get_or_insert_function(self.builder.module, kind, name)
        return self.builder.call(function, [a, b, c, ir.Constant(ir.IntType(32), table)])

    def popcount(self, value: Any) -> Any:
        """How many bits are set, in each word."""
        kind = ir.FunctionType(VECTOR, [VECTOR])
        return self.builder.call(cgutils.get_or_insert_function(self.builder.module, kind, "llvm.ctpop.v8i64"), [value])

    def or_reduce(self, value: Any) -> Any:
        """The OR of the eight words."""
        kind = ir.FunctionType(WORD, [VECTOR])
        function = cgutils.get_or_insert_function(self.builder.module, kind, "llvm.vector.reduce.or.v8i64")
        return self.builder.call(function, [value])

    def sum_reduce(self, value: Any) -> Any:
        """The sum of the eight words."""
        kind = ir.FunctionType(WORD, [VECTOR])
        function = cgutils.get_or_insert_function(self.builder.module, kind, "llvm.vector.reduce.add.v8i64")
        return self.builder.call(function, [value])

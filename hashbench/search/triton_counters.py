"""What the Triton kernels share: counters of the bits that differ, of 32 items at a time, and masks of their values.

A thread holds one word of one query, which stands for 32 pairs. Carry-save adders turn the rows of a tile into a
counter of the bits that differ, itself in planes: ``ones``, ``twos``, ``fours`` and a tuple of higher places. A program
takes as many queries as it has warps through the same tiles, each lane of a warp a word of a tile.

Triton has no popcount that its interpreter knows as well: the sum over ever wider fields below is one, which LLVM
recognises and compiles to the processor's own instruction.
"""

import triton
import triton.language as tl

from hashbench.search.word_planes import TILE_WORDS

CHUNK_DISTANCES = 64  # that a program counts at a time, in counters of its threads
GROUP_ROWS = 8  # that are added at a time
NO_LABELS, CLASSES, ANY_LABEL, AT_LEAST = range(4)
"""Which items are relevant: none is looked at; of the query's class; that share a label; that share ``level`` ones."""

LANES = tl.constexpr(TILE_WORDS)  # of a warp, one for each word of a tile's row
_GROUP_ROWS = tl.constexpr(GROUP_ROWS)
_CLASSES, _AT_LEAST = tl.constexpr(CLASSES), tl.constexpr(AT_LEAST)


@triton.jit
def popcount(words: tl.tensor) -> tl.tensor:
    """How many bits of each word are set."""
    words = words.to(tl.uint32, bitcast=True)
    words = words - ((words >> 1) & 0x55555555)
    words = (words & 0x33333333) + ((words >> 2) & 0x33333333)
    words = (words + (words >> 4)) & 0x0F0F0F0F
    return ((words * 0x01010101) >> 24).to(tl.int32)


@triton.jit
def _full_add(a: tl.tensor, b: tl.tensor, c: tl.tensor) -> tl.tuple:
    """Sum and carry of three bits, in every place of their words."""
    half = a ^ b
    return half ^ c, (a & b) | (half & c)


@triton.jit
def _add_rows(ones: tl.tensor, planes: tl.tensor, masks: tl.tensor, ALIKE: tl.constexpr) -> tl.tuple:
    """Sum and carry of a place and two rows.

    A row has a 1 where an item's bit differs from the query's, or with ALIKE where both are set.
    """
    first, second = tl.load(planes), tl.load(planes + LANES)
    first_mask, second_mask = tl.load(masks), tl.load(masks + 1)
    first = first & first_mask if ALIKE else first ^ first_mask
    second = second & second_mask if ALIKE else second ^ second_mask
    half = ones ^ first
    return half ^ second, (ones & first) | (half & second)


@triton.jit
def _add_group(
    counter: tl.tuple, planes: tl.tensor, masks: tl.tensor, PLACES: tl.constexpr, ALIKE: tl.constexpr
) -> tl.tuple:
    """A counter to which eight rows are added; its places from the fourth on are a tuple."""
    ones, twos, fours, high = counter
    ones, two_a = _add_rows(ones, planes, masks, ALIKE)
    ones, two_b = _add_rows(ones, planes + 2 * LANES, masks + 2, ALIKE)
    twos, four_a = _full_add(twos, two_a, two_b)
    ones, two_a = _add_rows(ones, planes + 4 * LANES, masks + 4, ALIKE)
    ones, two_b = _add_rows(ones, planes + 6 * LANES, masks + 6, ALIKE)
    twos, four_b = _full_add(twos, two_a, two_b)
    fours, carry = _full_add(fours, four_a, four_b)
    added: tl.tuple = ()
    for place in tl.static_range(PLACES - 3):
        added = added + (high[place] ^ carry,)  # noqa: RUF005 - Triton unpacks no stars
        carry = high[place] & carry
    return ones, twos, fours, added


@triton.jit
def count_rows(
    planes: tl.tensor,
    masks: tl.tensor,
    rows: tl.tensor,  # a multiple of STEP
    STEP: tl.constexpr,  # rows that are unrolled
    PLACES: tl.constexpr,
    ALIKE: tl.constexpr,
    T: tl.constexpr,
) -> tl.tuple:
    """In how many of the rows the bits of item and query differ, or with ALIKE are both set, in planes."""
    zero = tl.zeros([T], tl.int32)
    high: tl.tuple = ()
    for _ in tl.static_range(PLACES - 3):
        high = high + (zero,)  # noqa: RUF005 - Triton unpacks no stars
    counter = (zero, zero, zero, high)
    for start in range(0, rows, STEP):
        for first in tl.static_range(0, STEP, _GROUP_ROWS):
            row = start + first
            counter = _add_group(counter, planes + row * LANES, masks + row, PLACES, ALIKE)
    return counter


@triton.jit
def _equals(place: tl.tensor, value: tl.tensor) -> tl.tensor:
    """A mask of the items whose bit in a place of the counter is ``value``, 0 or 1."""
    return place ^ (value - 1)


@triton.jit
def low_masks(counter: tl.tuple) -> tl.tensor:
    """Int32 [8, T]: the items whose count ends in 0 .. 7."""
    values = tl.arange(0, 8)[:, None]
    low = _equals(counter[0][None, :], values & 1) & _equals(counter[1][None, :], (values >> 1) & 1)
    return low & _equals(counter[2][None, :], values >> 2)


@triton.jit
def top_mask(counter: tl.tuple, chunk: tl.tensor, PLACES: tl.constexpr) -> tl.tensor:
    """The items whose count is one of the chunk's 64."""
    top = ~tl.zeros_like(counter[0])
    for place in tl.static_range(6, PLACES):
        top &= _equals(counter[3][place - 3], (chunk >> (place - 6)) & 1)
    return top


@triton.jit
def high_masks(counter: tl.tuple, top: tl.tensor, EIGHTS: tl.constexpr, PLACES: tl.constexpr) -> tl.tensor:
    """Int32 [EIGHTS, T]: of the items of a chunk those with 0, 1, ... whole eights in it."""
    values = tl.arange(0, EIGHTS)[:, None]
    high = top[None, :] & _equals(counter[3][0][None, :], values & 1)
    if PLACES > 4:
        high &= _equals(counter[3][1][None, :], (values >> 1) & 1)
    if PLACES > 5:
        high &= _equals(counter[3][2][None, :], values >> 2)
    return high


@triton.jit
def relevant(
    planes: tl.tensor,
    masks: tl.tensor,
    rows: tl.tensor,
    level: tl.tensor,
    KIND: tl.constexpr,
    PLACES: tl.constexpr,
    T: tl.constexpr,
) -> tl.tensor:
    """A mask of the relevant items."""
    if KIND == _AT_LEAST:
        shared = count_rows(planes, masks, rows, _GROUP_ROWS, PLACES, True, T)
        found = ~below(shared, level, PLACES, T)
    else:
        found = tl.zeros([T], tl.int32)
        for row in range(rows):
            words, mask = tl.load(planes + row * LANES), tl.load(masks + row)
            found |= words ^ mask if KIND == _CLASSES else words & mask
        if KIND == _CLASSES:
            found = ~found
    return found


@triton.jit
def below(counter: tl.tuple, limits: tl.tensor, PLACES: tl.constexpr, T: tl.constexpr) -> tl.tensor:
    """A mask of the items whose count is below the limit, int32 [T]."""
    less = tl.zeros([T], tl.int32)
    for place in tl.static_range(PLACES):
        bit = -((limits >> place) & 1)
        count = counter[place] if place < 3 else counter[3][place - 3]
        less = (~count & bit) | (less & (~count | bit))
    return less


@triton.jit
def equal_to(counter: tl.tuple, limits: tl.tensor, PLACES: tl.constexpr, T: tl.constexpr) -> tl.tensor:
    """A mask of the items whose count is the limit, int32 [T]."""
    equal = ~tl.zeros([T], tl.int32)
    for place in tl.static_range(PLACES):
        count = counter[place] if place < 3 else counter[3][place - 3]
        equal &= _equals(count, (limits >> place) & 1)
    return equal

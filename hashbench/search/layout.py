"""Sizes of bit planes, shared by all kernels.

A word holds one bit of 64 items. Eight words of a bit lie side by side, a row, and the rows of a tile one behind the
other. A block is the tiles that every query of a thread reads before the next block.
"""

LANES = 8  # words of a row
TILE_ITEMS = 64 * LANES
BLOCK_TILES = 16  # a block of 64-bit codes is 64 KiB, which a core's second cache holds
BLOCK_ITEMS = TILE_ITEMS * BLOCK_TILES
GROUP_ROWS = 8  # rows that are added at once: planes of codes have a multiple of these
GROUP_DISTANCES = 8  # distances that are counted at once: those that differ in their lowest three bits only

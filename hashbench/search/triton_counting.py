"""Launches the kernels that count: tables of the items at each distance of each query."""

from dataclasses import dataclass

import torch
from torch import Tensor

from hashbench.codes import Codes
from hashbench.search.backend import LabelPair
from hashbench.search.triton_counters import ANY_LABEL, AT_LEAST, CHUNK_DISTANCES, CLASSES, GROUP_ROWS, NO_LABELS
from hashbench.search.triton_kernels import count_distances, count_long_distances
from hashbench.search.word_planes import TILE_ITEMS, WordPlanes, masks, unpack, word_planes

PROGRAM_QUERIES = 4  # a warp each
UNROLLED_ROWS = 64  # and more are added in a loop
MAX_CHUNKS = 4  # longer codes are compared once, and their counts added in memory
WIDE_CAPABILITY = 90  # GPUs from which on the compiler keeps both counts of a chunk in registers
_PROGRAMS = 8192  # so many that a card is not idle for long while it waits for the last ones
_LONG_PROGRAMS = 4  # fewer by this: their tables are large
_TABLE_NUMBERS = 1 << 28  # of all tables of a launch


@dataclass(frozen=True, eq=False)
class Labelled:
    """The labels of queries and database on a device.

    Attributes:
        kind: one of the kernels' rules of relevance.
        planes: int32 [tiles, rows, 32] of the database's labels; one row that is not read where there are none.
        masks: int32 [queries, rows].
    """

    kind: int
    planes: Tensor
    masks: Tensor

    def part(self, queries: slice) -> "Labelled":
        """Those of some queries, which begin at a multiple of a program's."""
        return Labelled(self.kind, self.planes, self.masks[queries])


@dataclass(frozen=True, eq=False)
class Tables:
    """Counts of each segment of the database.

    Attributes:
        items: int64 [segments, q, bits + 1]; None where they were not wanted.
        hits: int64 [segments, q, bits + 1], the relevant ones; None without labels.
    """

    items: Tensor | None
    hits: Tensor | None


def query_masks(queries: Codes, device: torch.device) -> Tensor:
    """Int32 [q, 8 width] as the kernels read them, q filled up to a multiple of a program's."""
    return masks(unpack(torch.tensor(queries.packed, device=device)), PROGRAM_QUERIES)


def labelled(labels: LabelPair, device: torch.device) -> Labelled:
    """Labels on a device: planes of class numbers where both sides have those, else of multi-hot labels."""
    query, database = (torch.tensor(side, device=device) for side in labels)
    if query.ndim == database.ndim == 1:
        rows = int(max(query.max(), database.max()) + 1).bit_length()
        places = torch.arange(rows, device=device)
        planes = word_planes(
            len(database), rows, lambda part: (database[part, None] + 1 >> places).bitwise_and_(1), device
        )
        return Labelled(CLASSES, planes.words, masks((query[:, None] + 1 >> places) & 1, PROGRAM_QUERIES))
    columns = (query if query.ndim == 2 else database).shape[1]
    rows = -(-max(columns, 1) // GROUP_ROWS) * GROUP_ROWS
    classes = torch.arange(rows, device=device)
    planes = word_planes(len(database), rows, lambda part: _multi_hot(database[part], classes), device)
    return Labelled(ANY_LABEL, planes.words, masks(_multi_hot(query, classes), PROGRAM_QUERIES))


def _multi_hot(labels: Tensor, classes: Tensor) -> Tensor:
    """Bool [n, classes] of class numbers [n] or of a narrower multi-hot matrix."""
    if labels.ndim == 1:
        return labels[:, None] == classes
    return torch.nn.functional.pad(labels, (0, len(classes) - labels.shape[1]))


def no_labels(planes: WordPlanes, queries: Tensor) -> Labelled:
    """In place of labels where none are looked at."""
    return Labelled(NO_LABELS, planes.words, queries)


def query_step(planes: WordPlanes, bits: int, per_query: int = 0) -> int:
    """How many queries fit a launch whose tables, and ``per_query`` numbers of each, stay within bounds."""
    numbers = 6 * (bits + CHUNK_DISTANCES) + planes.rows + per_query
    return max(1, _TABLE_NUMBERS // numbers // PROGRAM_QUERIES) * PROGRAM_QUERIES


def count(
    planes: WordPlanes, queries: Tensor, bits: int, labels: Labelled, *, level: int = 1, every: bool = True
) -> Tables:
    """Items at each distance, and those of them that are relevant.

    Args:
        planes: the database's codes.
        queries: int32 [q, rows] as :func:`query_masks` gives them.
        bits: code length.
        labels: which items are relevant.
        level: how many labels those share; more than one is a count of multi-hot labels.
        every: whether all items are counted as well.
    """
    kind = AT_LEAST if level > 1 else labels.kind
    chunks = -(-bits // CHUNK_DISTANCES)
    slots, blocks = chunks * CHUNK_DISTANCES, len(queries) // PROGRAM_QUERIES
    long = chunks > MAX_CHUNKS
    segments = min(max(1, _PROGRAMS // (blocks * (_LONG_PROGRAMS if long else chunks))), planes.tiles)
    make = torch.zeros if long else torch.empty
    device = queries.device
    items, hits = (
        make(segments, len(queries), slots, dtype=torch.int32, device=device) if wanted else queries
        for wanted in (every, kind != NO_LABELS)
    )
    totals = torch.zeros(segments, len(queries), dtype=torch.int32, device=device)
    label_rows = labels.masks.shape[1]
    arguments = (
        planes.words,
        queries,
        labels.planes,
        labels.masks,
        label_rows,
        level,
        planes.tiles,
        items,
        hits,
        totals,
        slots,
    )
    constants: dict[str, int] = {
        **row_constants(planes.rows),
        "LABEL_PLACES": label_rows.bit_length() if kind == AT_LEAST else 0,
    }
    with torch.cuda.device_of(queries):  # type: ignore[no-untyped-call]
        for counted in launches(bits, every, kind, _capability(device)):
            constants |= counted
            if long:
                count_long_distances[(blocks, segments)](*arguments, **constants, num_warps=PROGRAM_QUERIES)
            else:
                count_distances[(blocks, segments, chunks)](*arguments, **constants, num_warps=PROGRAM_QUERIES)
    sizes = segment_items(planes, segments)
    return Tables(
        _all_distances(items, sizes[:, None], bits, _zeros_at(planes, queries)) if every else None,
        _all_distances(hits, totals, bits, None) if kind != NO_LABELS else None,
    )


def launches(bits: int, every: bool, kind: int, capability: int) -> list[dict[str, int]]:
    """What each launch of a kernel counts: all items and the relevant ones together, where registers hold that.

    Args:
        bits: code length.
        every: whether all items are counted.
        kind: the rule of relevance.
        capability: of the GPU, 80 for an A100; below 90 a chunk of 64 distances has one of the counts at a time.
    """
    if bits > MAX_CHUNKS * CHUNK_DISTANCES:
        return [{"ALL": every, "KIND": kind}]
    chunk = {"EIGHTS": eights(bits)}
    if capability < WIDE_CAPABILITY and chunk["EIGHTS"] == 8 and every and kind != NO_LABELS:
        return [{"ALL": True, "KIND": NO_LABELS, **chunk}, {"ALL": False, "KIND": kind, **chunk}]
    return [{"ALL": every, "KIND": kind, **chunk}]


def _capability(device: torch.device) -> int:
    """Of a GPU, 90 for an H200; the interpreter, which runs on the CPU, counts as one."""
    if device.type != "cuda":
        return 90
    major, minor = torch.cuda.get_device_capability(device)
    return 10 * major + minor


def row_constants(rows: int) -> dict[str, int]:
    """What all kernels are compiled for: rows of codes, how many are unrolled, places of a count, queries at a time.

    Of codes below 64 bits all rows are unrolled, so that a query's masks stay in registers.
    """
    step = rows if rows < UNROLLED_ROWS else GROUP_ROWS * (4 if rows % (4 * GROUP_ROWS) == 0 else 1)
    return {"ROWS": rows, "STEP": step, "PLACES": rows.bit_length(), "QUERIES": PROGRAM_QUERIES}


def eights(bits: int) -> int:
    """How many eights of distances a chunk has: 8, or as many as short codes need, a power of two."""
    return min(8, 1 << (-(-bits // 8) - 1).bit_length())


def segment_items(planes: WordPlanes, segments: int) -> Tensor:
    """Int64 [segments]: items of each segment, those behind the last item included."""
    ends = torch.arange(segments + 1, device=planes.words.device) * planes.tiles // segments
    return ends.diff() * TILE_ITEMS


def _zeros_at(planes: WordPlanes, queries: Tensor) -> tuple[Tensor, int]:
    """The distance of each query to a code of zeros, int64 [q], and how many of them stand behind the last item."""
    return -queries.sum(dim=1), planes.padding


def _all_distances(counted: Tensor, total: Tensor, bits: int, zeros: tuple[Tensor, int] | None) -> Tensor:
    """Int64 [segments, q, bits + 1]: what is not counted below ``bits`` is at it, and zeros in the last segment go."""
    counts = torch.empty(*counted.shape[:2], bits + 1, dtype=torch.int64, device=counted.device)
    counts[:, :, :bits] = counted[:, :, :bits]
    counts[:, :, bits] = total - counts[:, :, :bits].sum(dim=2)
    if zeros:
        counts[-1].scatter_add_(1, zeros[0][:, None], torch.full_like(zeros[0][:, None], -zeros[1]))
    return counts

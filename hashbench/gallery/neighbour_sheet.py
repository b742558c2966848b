"""The sheet of queries with their nearest items: relevant and other ones marked by colour and sign."""

import numpy as np

from hashbench.dataset import Dataset
from hashbench.execution.stored_trial import StoredCodes, StoredTrial
from hashbench.gallery.canvas import BLACK, FRAME_WIDTH, GREY, MARGIN, Canvas, cut, font, line_height
from hashbench.gallery.heading import heading
from hashbench.gallery.neighbours import Neighbours
from hashbench.gallery.thumbnails import THUMBNAIL_SIZE, Bitmap, thumbnails

# Frame and sign of relevant items and of the others: colours that people who cannot tell red from green tell apart.
MARKS = {True: ("#007f5f", "✓"), False: ("#d55e00", "✗")}
NAMES_WIDTH = 130  # pixels, of the class names at the left
MAX_CLASS_NAMES = 5  # of a query's classes
COLUMN_STEP = THUMBNAIL_SIZE + 2 * FRAME_WIDTH + 6  # pixels from one picture to the next
MIN_WIDTH = 900  # pixels, for the words
NEARNESS = {  # by the record's ranking: what items are near by, and what stands below each
    None: ("Hamming distance", "its distance in bits"),
    "asymmetric": ("asymmetric score", "its score, the real query times its code in -1 and +1, more is nearer"),
    "estimator": ("estimated distance", "the distance that the method estimates"),
}
HEADING_FONT, BODY_FONT, NAME_FONT, SIGN_FONT = font(13, bold=True), font(9.5), font(9.5), font(10.5, bold=True)


def neighbour_sheet(stored: StoredTrial, codes: StoredCodes, neighbours: Neighbours, dataset: Dataset) -> Canvas:
    """A row per query: its class names and average precision, its picture, and its nearest items."""
    across = neighbours.items.shape[1]
    canvas = Canvas(max(MIN_WIDTH, _left(across + 1) + MARGIN))
    canvas.paragraph(heading(stored.record), HEADING_FONT)
    canvas.bottom += MARGIN
    classes = dataset.classes()
    queries = thumbnails(dataset, codes.query_items[neighbours.queries])
    items = thumbnails(dataset, codes.database_items[neighbours.items.ravel()])
    # A score of an asymmetric ranking is shown as `hashbench query` prints it, more is nearer.
    distances = 0 - neighbours.distances if stored.trial.ranking == "asymmetric" else neighbours.distances
    for row, query in enumerate(neighbours.queries):
        names = [classes[column] for column in codes.query_labels[query].nonzero()[0]]
        _names(canvas, names, float(codes.average_precision[query]))
        pictures = [queries[row], *items[row * across : (row + 1) * across]]
        _pictures(canvas, pictures, distances[row].tolist(), neighbours.relevant[row].tolist())
    for sentence in caption(stored, codes, neighbours):
        canvas.paragraph(sentence, BODY_FONT, GREY)
    return canvas


def caption(stored: StoredTrial, codes: StoredCodes, neighbours: Neighbours) -> list[str]:
    """Sentences on the meaning of the marks and the choice of queries."""
    shown, across = neighbours.items.shape
    answerable = int((~np.isnan(codes.average_precision)).sum())
    left_out = len(codes.query) - answerable
    near_by, below = NEARNESS[stored.trial.ranking]
    over_all = stored.record["metrics"].get(f"precision@{across}")
    return [
        f"Each row: a query, then its {across} nearest database items by {near_by}, equally near ones in the "
        f"database's order. Below each item {below}. "
        f"{MARKS[True][1]}, green frame: relevant, it shares a label with the query. "
        f"{MARKS[False][1]}, orange frame: it shares none.",
        f"Queries: all {answerable:,} ranked by their average precision (AP, in the top 1,000) and cut into {shown} "
        "equal parts; shown is the middle one of each, best first."
        + (f" {left_out:,} queries without any relevant item are left out." if left_out else ""),
        f"Of the items shown, {neighbours.relevant.sum():,} of {neighbours.relevant.size:,} are relevant"
        + (f"; precision@{across} over all queries is {over_all:.3f}." if over_all is not None else "."),
        f"Record {stored.record['key']}.",
    ]


def _left(column: int) -> int:
    """The left edge of a picture in pixels: column 0 is the query, with a gap before its neighbours."""
    return MARGIN + NAMES_WIDTH + column * COLUMN_STEP + (MARGIN if column else 0)


def _names(canvas: Canvas, names: list[str], average_precision: float) -> None:
    more = [f"and {len(names) - MAX_CLASS_NAMES} more"] if len(names) > MAX_CLASS_NAMES else []
    lines = [*(cut(name, NAMES_WIDTH - FRAME_WIDTH, NAME_FONT) for name in names[:MAX_CLASS_NAMES]), *more]
    for number, line in enumerate(lines):
        canvas.words(MARGIN, canvas.bottom + number * line_height(NAME_FONT), line, NAME_FONT)
    top = canvas.bottom + len(lines) * line_height(NAME_FONT)
    canvas.words(MARGIN, top, f"AP {average_precision:.3f}", NAME_FONT, GREY)


def _pictures(canvas: Canvas, pictures: list[Bitmap], distances: list[float], relevant: list[bool]) -> None:
    """The query and its items, centred in a line as high as the highest of them."""
    height = max(THUMBNAIL_SIZE // 2, *(picture.shape[0] for picture in pictures))
    for column, picture in enumerate(pictures):
        left = _left(column) + (THUMBNAIL_SIZE - picture.shape[1]) // 2
        top = canvas.bottom + (height - picture.shape[0]) // 2
        if column == 0:
            canvas.picture(left, top, picture, BLACK)
            continue
        colour, sign = MARKS[relevant[column - 1]]
        canvas.picture(left, top, picture, colour)
        under, centre = canvas.bottom + height + FRAME_WIDTH + 4, _left(column) + THUMBNAIL_SIZE / 2
        canvas.words(centre, under, f"{sign} {distances[column - 1]:.5g}", SIGN_FONT, colour, "center")
    canvas.bottom += height + line_height(SIGN_FONT) + MARGIN

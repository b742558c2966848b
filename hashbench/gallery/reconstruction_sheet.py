"""The sheet of originals above their reconstructions."""

import torch
from torch import Tensor

from hashbench.execution.stored_trial import StoredTrial
from hashbench.gallery.canvas import FRAME_WIDTH, GREY, MARGIN, Canvas, font, line_height
from hashbench.gallery.heading import heading
from hashbench.gallery.reconstructions import Reconstructions
from hashbench.gallery.thumbnails import THUMBNAIL_SIZE, Bitmap, thumbnail

PAIRS_PER_ROW = 10  # pairs in a row
NAMES_WIDTH = 70  # pixels
COLUMN_STEP = THUMBNAIL_SIZE + 2 * FRAME_WIDTH + 6
FRAME_COLOUR = "#bbbbbb"
HEADING_FONT, BODY_FONT, NAME_FONT = font(13, bold=True), font(9.5), font(9.5)


def reconstruction_sheet(stored: StoredTrial, reconstructions: Reconstructions) -> Canvas:
    """Rows of originals, each above what its code was turned into, with the error below."""
    count = len(reconstructions.originals)
    canvas = Canvas(MARGIN + NAMES_WIDTH + PAIRS_PER_ROW * COLUMN_STEP + MARGIN)
    canvas.paragraph(heading(stored.record), HEADING_FONT)
    canvas.bottom += MARGIN
    originals, restored = (_bitmaps(pictures) for pictures in (reconstructions.originals, reconstructions.restored))
    errors = reconstructions.errors()
    for start in range(0, count, PAIRS_PER_ROW):
        part = slice(start, start + PAIRS_PER_ROW)
        for name, pictures in (("original", originals[part]), ("restored", restored[part])):
            canvas.words(MARGIN, canvas.bottom, name, NAME_FONT)
            for column, picture in enumerate(pictures):
                canvas.picture(_left(column), canvas.bottom, picture, FRAME_COLOUR)
            canvas.bottom += THUMBNAIL_SIZE + 2 * FRAME_WIDTH + 4
        for column, error in enumerate(errors[part]):
            canvas.words(_left(column) + THUMBNAIL_SIZE / 2, canvas.bottom, f"{error:.4f}", NAME_FONT, GREY, "center")
        canvas.bottom += line_height(NAME_FONT) + MARGIN
    for sentence in caption(stored, reconstructions):
        canvas.paragraph(sentence, BODY_FONT, GREY)
    return canvas


def caption(stored: StoredTrial, reconstructions: Reconstructions) -> list[str]:
    """Sentences on what is shown, with the mean error over all queries."""
    shown, size = len(reconstructions.originals), reconstructions.originals.shape[-1]
    queries = stored.record["protocol_card"]["sizes"]["query"]
    return [
        f"Above: queries at {size} px, as the method was to restore them. Below: pictures it makes of their "
        f"{stored.record['trial']['bits']}-bit codes alone, with the mean squared error over pixels and channels, "
        "which go from 0 to 1.",
        f"Mean error over all {queries:,} queries: {reconstructions.mean_error:.4f}; one and the same picture for all, "
        f"their mean, has {reconstructions.flat_error:.4f}.",
        f"Queries: ranked by average precision and cut into {shown} equal parts; shown is the middle "
        "one of each, best first.",
        f"Record {stored.record['key']}.",
    ]


def _left(column: int) -> int:
    return MARGIN + NAMES_WIDTH + column * COLUMN_STEP


def _bitmaps(pictures: Tensor) -> list[Bitmap]:
    whole = (pictures * 255).round().clamp(0, 255).to(torch.uint8)
    return [thumbnail(picture) for picture in whole]

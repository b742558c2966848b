"""Sheets: pictures pixel for pixel, words that fit, right and wrong items marked by colour and by sign."""

from pathlib import Path

import numpy as np
import pytest
import torch
from matplotlib.colors import to_hex
from matplotlib.font_manager import findfont
from matplotlib.ft2font import FT2Font
from PIL import Image

import hashbench as hb
from hashbench.data.spec import open_dataset
from hashbench.execution.stored_trial import StoredCodes, StoredTrial, load_method_codes
from hashbench.gallery.canvas import BLACK, FRAME_WIDTH, Canvas, cut, font, wrapped
from hashbench.gallery.neighbour_sheet import MARKS, caption, neighbour_sheet
from hashbench.gallery.neighbours import Neighbours, nearest, spread
from hashbench.gallery.thumbnails import thumbnail
from hashbench.replay.ranked_index import ranked_index
from hashbench.search.index import HammingIndex
from tests.stored_trials import stored

Parts = tuple[StoredTrial, StoredCodes, Neighbours, Canvas]


@pytest.fixture(scope="module")
def parts(results: Path) -> Parts:
    """Eight queries of digits with five neighbours, some of them wrong, and their sheet."""
    record = stored(results, "itq")
    codes = load_method_codes(record)
    neighbours = nearest(codes, spread(codes.average_precision, 8), 5, HammingIndex(codes.database))
    assert 0 < neighbours.relevant.sum() < 40
    return record, codes, neighbours, neighbour_sheet(record, codes, neighbours, open_dataset("digits", Path()))


def test_small_pictures_are_enlarged_pixel_for_pixel(generator: torch.Generator) -> None:
    image = torch.randint(0, 256, (3, 32, 24), generator=generator, dtype=torch.uint8)
    shown = thumbnail(image)
    assert shown.shape == (128, 96, 3)
    for dy, dx in ((0, 0), (1, 2), (3, 3)):
        assert np.array_equal(shown[dy::4, dx::4], image.permute(1, 2, 0).numpy())
    grey = thumbnail(image[:1, :8, :8])
    assert grey.shape == (128, 128, 3)
    assert np.array_equal(grey[..., 0], grey[..., 2])


def test_photos_are_scaled_down_and_keep_their_shape() -> None:
    photo = torch.zeros(3, 300, 600, dtype=torch.uint8)
    photo[0, :, 300:] = 200
    shown = thumbnail(photo)
    assert shown.shape == (64, 128, 3)
    assert shown[:, :60].max() == 0
    assert np.array_equal(shown[:, 70:], np.broadcast_to([200, 0, 0], (64, 58, 3)))
    assert thumbnail(torch.zeros(3, 1, 5000, dtype=torch.uint8)).shape == (1, 128, 3)


def test_a_written_sheet_holds_its_pictures_in_their_frames(tmp_path: Path) -> None:
    draw = np.random.default_rng(0)
    bitmap = draw.integers(0, 256, (50, 70, 3), dtype=np.uint8)
    canvas = Canvas(300)
    canvas.picture(33, 41, bitmap, "#d55e00")
    canvas.bottom = 141
    for name in ("a.png", "b.png"):
        canvas.save(tmp_path / name)
    pixels = np.asarray(Image.open(tmp_path / "a.png").convert("RGB"))
    assert pixels.shape == (161, 300, 3)
    assert np.array_equal(pixels[41:91, 33:103], bitmap)
    frame = np.concatenate([pixels[41 - FRAME_WIDTH : 41, 33:103], pixels[91 : 91 + FRAME_WIDTH, 33:103]])
    assert np.array_equal(frame, np.broadcast_to([0xD5, 0x5E, 0x00], frame.shape))
    assert (pixels[: 41 - FRAME_WIDTH - 1] == 255).all()
    assert (tmp_path / "a.png").read_bytes() == (tmp_path / "b.png").read_bytes()


def test_lines_are_broken_between_words_and_long_words_are_cut() -> None:
    text, face = "all of these words are to be read " * 5, font(10)
    lines = wrapped(text, 150, face)
    assert " ".join(lines).split() == text.split()
    assert len(lines) > 5
    assert cut("short", 150, face) == "short"
    long = cut("m" * 100, 150, face)
    assert long.endswith("…")
    assert 5 < len(long) < 30


@pytest.mark.filterwarnings("error")
def test_signs_that_the_font_lacks_are_boxes_without_a_warning(tmp_path: Path) -> None:
    canvas = Canvas(300)
    canvas.paragraph("鳥 bird", font(10))
    canvas.save(tmp_path / "sheet.png")


def test_every_item_is_signed_and_framed_by_what_it_is(parts: Parts) -> None:
    _, codes, neighbours, canvas = parts
    labels = codes.query_labels.argmax(1), codes.database_labels.argmax(1)
    right = labels[0][neighbours.queries][:, None] == labels[1][neighbours.items]
    signs = [
        text.get_text() for text in canvas.axes.texts if text.get_text()[0] in "✓✗" and text.get_text()[2:].isdigit()
    ]
    wanted = [f"{'✓' if good else '✗'} {d}" for good, d in zip(right.flat, neighbours.distances.flat, strict=True)]
    assert signs == wanted
    frames = [to_hex(frame.get_edgecolor()) for frame in canvas.axes.patches]
    colours = [[BLACK, *("#007f5f" if good else "#d55e00" for good in row)] for row in right]
    assert frames == [colour for row in colours for colour in row]


def test_the_font_has_the_signs() -> None:
    for bold in (False, True):
        face = FT2Font(findfont(font(10, bold), fallback_to_default=False))
        assert all(face.get_char_index(ord(sign)) for _, sign in MARKS.values())


def test_pictures_are_those_of_the_queries_and_their_neighbours(parts: Parts) -> None:
    _, codes, neighbours, canvas = parts
    digits = open_dataset("digits", Path())
    shown = [np.asarray(image.get_array())[::16, ::16, 0] for image in canvas.axes.images]
    for row, query in enumerate(neighbours.queries):
        items = np.concatenate([codes.query_items[[query]], codes.database_items[neighbours.items[row]]])
        for column, image in enumerate(digits.images(items)):
            assert np.array_equal(shown[row * 6 + column], image[0].numpy())


def test_classes_and_precision_stand_beside_each_query(parts: Parts) -> None:
    _, codes, neighbours, canvas = parts
    texts = [text.get_text() for text in canvas.axes.texts]
    for query in neighbours.queries:
        index = texts.index(f"AP {codes.average_precision[query]:.3f}")
        assert texts[index - 1] == str(codes.query_labels[query].argmax())


def test_the_caption_says_what_marks_mean_and_how_queries_were_chosen(parts: Parts) -> None:
    record, codes, neighbours, _ = parts
    sentences = " ".join(caption(record, codes, neighbours))
    assert "✓, green frame: relevant" in sentences
    assert "✗, orange frame" in sentences
    assert "all 200 ranked by their average precision" in sentences
    assert "cut into 8 equal parts; shown is the middle one of each, best first." in sentences
    assert f"{neighbours.relevant.sum()} of 40 are relevant" in sentences
    assert "left out" not in sentences
    unanswerable = codes.average_precision.copy()
    unanswerable[:3] = np.nan
    fewer = StoredCodes(**{**vars(codes), "average_precision": unanswerable})
    assert "3 queries without any relevant item are left out" in " ".join(caption(record, fewer, neighbours))


def test_a_ranking_by_scores_is_not_called_one_by_hamming_distance(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("hashbench.reporting.write.write_figures", lambda *_: [])
    monkeypatch.setenv("HASHBENCH_CACHE", str(tmp_path / "cache"))
    hb.run(methods="lsh", bits=[8], rankings="asymmetric", rates=False, results=tmp_path, executor="inline")
    record = stored(tmp_path, "lsh")
    codes = load_method_codes(record)
    index = ranked_index(record, codes, torch.device("cpu"))
    neighbours = nearest(codes, np.arange(2), 3, index)
    sheet = neighbour_sheet(record, codes, neighbours, open_dataset("digits", Path()))
    said = " ".join(caption(record, codes, neighbours))
    assert "Hamming" not in said
    assert "in bits" not in said
    assert "nearest database items by asymmetric score" in said
    assert codes.query_vectors is not None
    signs = np.where(codes.database.unpack(), 1.0, -1.0)
    products = np.sort(codes.query_vectors[:2].astype(np.float64) @ signs.T)[:, ::-1][:, :3]
    below = [float(text.get_text()[2:]) for text in sheet.axes.texts if text.get_text()[0] in "✓✗"]
    assert np.allclose(below, products.ravel(), rtol=1e-4)


def test_the_title_names_method_bits_score_protocol_and_features(parts: Parts) -> None:
    record, _, _, canvas = parts
    score = record.record["metrics"]["map@1000"]
    assert canvas.axes.texts[0].get_text() == (
        f"itq, 16 bits: mAP@1000 {score:.3f} on digits/holdout-200, features pixels, first 100 training items"
    )


def test_all_words_lie_on_the_sheet(parts: Parts, tmp_path: Path) -> None:
    """Also those of a record with a long list of changed parameters, and of a query with many long classes."""
    record, codes, neighbours, _ = parts
    crowded = StoredTrial(record.file, {**record.record, "variant": {f"parameter_{n}": n for n in range(30)}})
    many = StoredCodes(**{**vars(codes), "query_labels": np.ones_like(codes.query_labels)})
    digits = open_dataset("digits", Path())
    digits.classes = lambda: tuple(f"$^^$ a class with_a_long_name {n}" for n in range(10))  # type: ignore[method-assign]
    canvas = neighbour_sheet(crowded, many, neighbours, digits)
    canvas.save(tmp_path / "sheet.png")
    width, height = canvas.figure.bbox.size
    boxes = [text.get_window_extent() for text in canvas.axes.texts]
    assert min(min(box.x0, box.y0) for box in boxes) >= 0
    assert max(box.x1 for box in boxes) <= width
    assert max(box.y1 for box in boxes) <= height
    names = [box for box, text in zip(boxes, canvas.axes.texts, strict=True) if "…" in text.get_text()]
    assert len(names) == 8 * 5
    assert max(box.x1 for box in names) <= canvas.axes.images[0].get_extent()[0] - FRAME_WIDTH
    assert sum(text.get_text() == "and 5 more" for text in canvas.axes.texts) == 8

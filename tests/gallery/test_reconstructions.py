"""Originals and reconstructions, and how far apart they are."""

from pathlib import Path

import numpy as np
import pytest
import torch

from hashbench.data.spec import open_dataset
from hashbench.execution.stored_trial import load_method, load_method_codes
from hashbench.gallery import reconstructions
from hashbench.gallery.reconstruction_sheet import caption, reconstruction_sheet
from hashbench.gallery.reconstructions import Reconstructions, reconstruct
from tests.pictures import pictures
from tests.stored_trials import stored

QUERIES = np.array([7, 0, 199])


@pytest.fixture
def pairs(results: Path, monkeypatch: pytest.MonkeyPatch) -> Reconstructions:
    """Of a method whose pictures have .75 where one of the first 16 pixels is bright."""
    monkeypatch.setattr(reconstructions, "QUERY_CHUNK", 70)  # 200 queries are no multiple
    record = stored(results, "paints")
    method, run = load_method(record, torch.device("cpu"))
    made = reconstruct(method, run, load_method_codes(record), open_dataset("digits", Path()), QUERIES)
    assert made is not None
    return made


def plain() -> tuple[np.ndarray, np.ndarray]:
    """Originals and their reconstructions of all queries, [200, 64]."""
    digits = open_dataset("digits", Path())
    originals = pictures(digits, digits.split().query).flatten(1).numpy() / 255
    restored = np.where(originals > 100 / 255, 0.75, 0.0)
    restored[:, 16:] = 0
    return originals, restored


def test_pictures_and_errors_are_those_reckoned_plainly(pairs: Reconstructions) -> None:
    originals, restored = plain()
    for tensor, wanted in ((pairs.originals, originals), (pairs.restored, restored)):
        assert tensor.shape == (3, 3, 8, 8)
        assert np.allclose(tensor[:, 1].flatten(1).numpy(), wanted[QUERIES], atol=1e-6)
    errors = ((originals - restored) ** 2).mean(1)
    assert pairs.errors() == pytest.approx(errors[QUERIES], abs=1e-7)
    assert pairs.mean_error == pytest.approx(errors.mean(), abs=1e-7)
    assert pairs.flat_error == pytest.approx(((originals - originals.mean(0)) ** 2).mean(), abs=1e-7)


def test_each_original_stands_above_its_reconstruction(results: Path, pairs: Reconstructions) -> None:
    sheet = reconstruction_sheet(stored(results, "paints"), pairs)
    images = [np.asarray(image.get_array()) for image in sheet.axes.images]
    wanted = [*pairs.originals, *pairs.restored]
    for image, picture in zip(images, wanted, strict=True):
        assert np.array_equal(image[::16, ::16, 0], (picture[0] * 255).round().to(torch.uint8).numpy())
    extents = [image.get_extent() for image in sheet.axes.images]
    assert [extent[0] for extent in extents[:3]] == [extent[0] for extent in extents[3:]]
    assert all(below[3] >= above[2] for above, below in zip(extents[:3], extents[3:], strict=True))
    texts = [text.get_text() for text in sheet.axes.texts]
    first = texts.index("restored") + 1
    assert texts[first : first + 3] == [f"{error:.4f}" for error in pairs.errors()]


def test_the_caption_says_what_is_shown_and_the_mean_over_all(results: Path, pairs: Reconstructions) -> None:
    sentences = " ".join(caption(stored(results, "paints"), pairs))
    assert "queries at 8 px" in sentences
    assert "of their 16-bit codes alone" in sentences
    assert f"over all 200 queries: {pairs.mean_error:.4f}" in sentences
    assert f"has {pairs.flat_error:.4f}" in sentences


def test_a_method_that_restores_nothing_gives_none(results: Path) -> None:
    record = stored(results, "borrows")
    method, run = load_method(record, torch.device("cpu"))
    assert reconstruct(method, run, load_method_codes(record), open_dataset("digits", Path()), QUERIES) is None

"""What is not a method and runs on a GPU: extraction, losses, counting, search, rankings and ground truth.

Each part is a function of a device that returns what can be compared with the CPU's; ``PARTS`` has them by name.
"""

from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path
from typing import Any
from unittest.mock import patch

import numpy as np
import torch

from hashbench.advice.scored import scored_places
from hashbench.codes import Codes
from hashbench.data.images import ImageSource
from hashbench.data.spec import open_dataset
from hashbench.evaluation.nearest import nearest_neighbours
from hashbench.evaluation.neighbours import Neighbours
from hashbench.evaluation.rescoring import nearest_of
from hashbench.evaluation.score_blocks import Similarities, ranked_blocks
from hashbench.evaluation.scored_codes import ScoredCodes, asymmetric_codes
from hashbench.evaluation.similarities import FeatureSimilarities
from hashbench.execution import training_data
from hashbench.execution.frozen_maps import TrainingMaps
from hashbench.features.extractor import Extractor
from hashbench.features.frozen_maps import FrozenMaps
from hashbench.features.gist import transfer_functions
from hashbench.features.spec import WITHOUT_NETWORK, extractor
from hashbench.features.weights import Weights
from hashbench.nets import losses
from hashbench.nets.adversarial import LossWeights, PaperObjective, ReleasedObjective
from hashbench.nets.augmentation import Augmentation
from hashbench.nets.decoders import Generator
from hashbench.nets.discriminators import Discriminator
from hashbench.nets.label_similarity import label_similarity
from hashbench.nets.training_batches import EpochBatches
from hashbench.nets.training_images import GeneratorTargets
from hashbench.plugins.registry import METHODS
from hashbench.search.matmul import MatmulBackend
from hashbench.search.triton_counting import labelled, query_masks
from hashbench.search.word_planes import code_planes, packed_codes
from tests.fake_cuda.methods import tiny_backbone

QUERIES, ITEMS, BITS, CLASSES, WIDTH, K = 5, 70, 20, 4, 6, 3
Part = Callable[[torch.device], list[Any]]
_RNG = np.random.default_rng(0)
CODES = Codes.pack(_RNG.random((QUERIES, BITS)) < 0.5), Codes.pack(_RNG.random((ITEMS, BITS)) < 0.5)
CLASS_LABELS = _RNG.integers(0, CLASSES, QUERIES), _RNG.integers(0, CLASSES, ITEMS)
SETS = _RNG.random((QUERIES, CLASSES)) < 0.5, _RNG.random((ITEMS, CLASSES)) < 0.5
QUERY, DATABASE = (_RNG.integers(-4, 5, (rows, WIDTH)).astype(np.float32) for rows in (QUERIES, ITEMS))  # some tie
NEIGHBOURS: Neighbours = nearest_neighbours(QUERY, DATABASE, "l2", K)
IMAGES = torch.from_numpy(_RNG.integers(0, 256, (3, 3, 40, 36), dtype=np.uint8))


def extract(spec: str, dtype: str, device: torch.device) -> list[Any]:
    """Features of images of one size and of several."""
    with patch("hashbench.features.backbones.load_backbone", lambda *_: tiny_backbone("")):
        of: Extractor = FrozenMaps("squeezenet1_1@32", 2, Weights()) if spec == "maps" else extractor(spec, dtype=dtype)
        images = IMAGES.to(device)
        several = images if spec == "pixels" else [images[0], images[1, :1, :33, :35]]
        transfer_functions.cache_clear()  # by device, whose stand-in differs from run to run
        with torch.inference_mode():
            found = [of(images), of(several)]
        transfer_functions.cache_clear()
        return found


def codes(device: torch.device) -> list[Any]:
    """Packed codes of batches, as a trial makes them."""
    method = METHODS.get("sign")(WIDTH)
    method.load_state({"threshold_": torch.zeros(WIDTH, dtype=torch.float64, device=device)})
    batches = (torch.from_numpy(part).to(device) for part in np.array_split(DATABASE, 2))
    return [training_data.encode(method, batches).packed]


def finite_features(device: torch.device) -> list[Any]:
    """The check of a trial's features."""
    return [training_data.is_finite(torch.from_numpy(DATABASE).to(device))]


def batches_read(device: torch.device) -> list[Any]:
    """Batches of images and maps that do not fit on the device."""
    with patch("hashbench.nets.training_images.held_bytes", lambda *_: 0):
        images = ImageSource(open_dataset("digits", Path()), np.arange(ITEMS), 32)
        augmentation = Augmentation.drawn(ITEMS, 2, True, 0.2, torch.Generator().manual_seed(0), device)
        targets = GeneratorTargets(images, 16, augmentation, device)
    values = np.arange(ITEMS * 4, dtype=np.float16).reshape(ITEMS, 4)
    with patch("hashbench.execution.frozen_maps.held_bytes", lambda *_: 0):
        maps = TrainingMaps(
            [values, -values], np.arange(ITEMS), torch.Size((1, 2, 2)), augmentation.affine_params, device
        )
    rows = torch.arange(ITEMS).flip(0).to(device).tensor_split(2)
    view_ids = [augmentation.draw(len(part)) for part in rows]
    found = []
    for batch in EpochBatches(rows, view_ids, maps, targets.images_to_read, device):
        assert batch.maps is not None
        found += [targets(batch), batch.maps + torch.zeros(1, device=device)]  # which has to be on the same one
    return found


def losses_of_codes(device: torch.device) -> list[Any]:
    """Losses of pairs."""
    codes = torch.linspace(-1, 1, QUERIES * BITS).view(QUERIES, BITS).to(device).requires_grad_()
    similarity = label_similarity(torch.from_numpy(SETS[0]).to(device))
    return [losses.pair_loss(codes, similarity, divided) for divided in (True, False)]


def losses_of_pictures(released: bool, dtype: torch.dtype, device: torch.device) -> list[Any]:
    """The losses of generator and discriminator, forward, with one step of the latter."""
    torch.manual_seed(0)
    generator, discriminator = Generator(BITS), Discriminator()
    objective: Any
    if released:
        objective = ReleasedObjective(generator, discriminator, WIDTH, BITS, dtype).to(device)
    else:
        objective = PaperObjective(generator, discriminator, LossWeights(0.1, 0.1, 0.1), dtype).to(device)
    objective.optimiser = torch.optim.Adam(objective.discriminator.parameters(), fused=True)
    codes = torch.linspace(-1, 1, QUERIES * BITS).view(QUERIES, BITS).to(device).requires_grad_()
    features = torch.from_numpy(QUERY).to(device).requires_grad_()
    real = torch.linspace(0, 1, QUERIES * 3 * 32 * 32).view(QUERIES, 3, 32, 32).to(device)
    loss, named = objective.losses_and_discriminator_step(codes, features, real)
    assert loss.dim() == 0
    return [] if released else list(named.values())  # it draws noise on the device


def histograms(labels: Any, device: torch.device) -> list[Any]:
    """Items and relevant items at each distance, by torch's backend."""
    return list(MatmulBackend(device).histograms(*CODES, labels))


def graded_histograms(device: torch.device) -> list[Any]:
    """The same with gains."""
    *counts, gains = MatmulBackend(device).graded_histograms(*CODES, SETS)
    return [*counts, gains.shared, gains.exponential, gains.at_least]


def nearest_codes(device: torch.device) -> list[Any]:
    """Top-k by torch's backend."""
    index = MatmulBackend(device).index(CODES[1])
    return [index.packed(), *index.topk(CODES[0], 9)]


def planes(device: torch.device) -> list[Any]:
    """Bits and labels as the Triton kernels read them."""
    words = code_planes(torch.tensor(CODES[1].packed, device=device))
    kinds = [labelled(pair, device) for pair in (CLASS_LABELS, SETS)]
    return [words.words, packed_codes(words), query_masks(CODES[0], device), *(kind.planes for kind in kinds)]


def ranked(similarities: Similarities, labels: Any) -> list[Any]:
    """Groups of equal similarity, and where neighbours stand."""
    found: list[Any] = []
    for block in ranked_blocks(similarities, labels, NEIGHBOURS, K):
        assert block.places is not None
        found += [block.places.before, block.places.tied, block.tied]
        if block.histograms is not None:
            found += [block.histograms.items, block.histograms.relevant]
    return found


def ranked_features(distance: Any, labels: Any, device: torch.device) -> list[Any]:
    """Rankings by float features."""
    return ranked(FeatureSimilarities(QUERY, DATABASE, device, distance), labels)


def scored_codes(device: torch.device) -> ScoredCodes:
    """Codes ranked by real queries."""
    return asymmetric_codes(torch.linspace(-2, 2, QUERIES * BITS).view(QUERIES, BITS).to(device), CODES[1])


def ranked_codes(device: torch.device) -> list[Any]:
    """Rankings by scores of codes, a search, and the places that advice reads."""
    scored = scored_codes(device)
    found, placed = scored.index().search(scored.rows, 9), scored_places(NEIGHBOURS, scored, 9)
    return [*ranked(scored.similarities(), SETS), *found, placed.before, placed.tied]


def ground_truth(distance: Any, k: int, device: torch.device) -> list[Any]:
    """The nearest vectors, those that tie among them."""
    found = nearest_neighbours(QUERY, DATABASE, distance, k, device)
    return [found.starts, found.rows, found.values]


def rescoring(distance: Any, device: torch.device) -> list[Any]:
    """The nearest of a shortlist."""
    query, candidates = (torch.from_numpy(rows).to(device) for rows in (QUERY[0], DATABASE))
    return [nearest_of(query, candidates, distance, K)]


def extractors() -> Iterator[tuple[str, Part]]:
    """Every kind of extractor: those without a network, networks in each precision, and maps of frozen blocks."""
    for spec in WITHOUT_NETWORK:
        if spec != "vectors":  # nothing is extracted
            yield f"features, {spec}", partial(extract, spec, "float32")
    yield "features, pixels@16", partial(extract, "pixels@16", "float32")
    for dtype in ("float32", "float16", "bfloat16"):
        yield f"features, a network in {dtype}", partial(extract, "squeezenet1_1@32", dtype)
    yield "features, maps of frozen blocks", partial(extract, "maps", "float32")


PARTS: dict[str, Part] = {
    **dict(extractors()),
    "codes": codes,
    "finite features": finite_features,
    "batches read": batches_read,
    "losses of codes": losses_of_codes,
    "losses of pictures, paper": partial(losses_of_pictures, False, torch.float32),
    "losses of pictures, bfloat16": partial(losses_of_pictures, False, torch.bfloat16),
    "losses of pictures, released": partial(losses_of_pictures, True, torch.float32),
    "histograms, classes": partial(histograms, CLASS_LABELS),
    "histograms, sets": partial(histograms, SETS),
    "graded histograms": graded_histograms,
    "nearest codes": nearest_codes,
    "planes": planes,
    "ranked features, cosine and classes": partial(ranked_features, "cosine", CLASS_LABELS),
    "ranked features, l2 and sets": partial(ranked_features, "l2", SETS),
    "ranked features, ip": partial(ranked_features, "ip", None),
    "ranked codes": ranked_codes,
    "ground truth, l2": partial(ground_truth, "l2", K),
    "ground truth, cosine": partial(ground_truth, "cosine", K),
    "ground truth, ip": partial(ground_truth, "ip", ITEMS),
    "rescoring, l2": partial(rescoring, "l2"),
    "rescoring, cosine": partial(rescoring, "cosine"),
}


def real_values(values: list[Any]) -> list[Any]:
    """The numbers of what a part returned on the stand-in."""
    return [value._real if hasattr(value, "_real") else value for value in values]

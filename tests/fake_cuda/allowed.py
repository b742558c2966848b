"""Waits for the device, and float64 on it, that are as they should be: where, how often at most, and why.

What is seen at another place, or more often, fails its test; so does an entry that is no longer needed.
"""

from collections import Counter
from typing import NamedTuple

from tests.fake_cuda.findings import FLOAT64, WAIT


class Allowed(NamedTuple):
    """What may be seen at a place in a run of some subjects.

    Attributes:
        kind: of :mod:`tests.fake_cuda.findings`.
        place: file and function.
        most: how often in a run at most; None where the number says nothing.
        subjects: the runs in which it is seen.
        reason: why it is as it should be.
    """

    kind: str
    place: str
    most: int | None
    subjects: tuple[str, ...]
    reason: str


BGAN = ("bgan", "bgan, released", "bgan, a network's encoder", "bgan, frozen blocks")
OF_NETWORK = BGAN[2:]
AUTOENCODERS = ("bihalf_autoencoder", "ste_autoencoder", "stochastic_autoencoder", "tanh_autoencoder")
NETWORKS = ("features, a network in float32", "features, a network in float16", "features, a network in bfloat16")
RANKED = ("ranked features, cosine and classes", "ranked features, l2 and sets", "ranked features, ip")
GRADED = ("ranked features, l2 and sets", "ranked codes")
TRUTH = ("ground truth, l2", "ground truth, cosine", "ground truth, ip")
ON_AXES = ("isohash", "itq", "kmh", "pca_rr", "pcah", "spectral")
CONVERGED = "torch looks whether the decomposition of a small matrix converged"
RESULT = "a result that is wanted on the CPU"
LOGGED = "an objective for the record, read at the end of an epoch or iteration"
FINITE = "a check of what came in, once for a block, without which a number that is not finite would go on"
SIZE = "the size of what follows hangs on the values"
EXACT = "exact distances or gains, which ties and the record stand on"

ALLOWED = (
    # Shallow methods: decompositions, logs, and what is decided by values.
    Allowed(WAIT, "util/pca.py:principal_axes", 1, ON_AXES, CONVERGED),
    Allowed(WAIT, "shallow/cca.py:_inverse_root", 2, ("itq_cca",), CONVERGED),
    Allowed(WAIT, "shallow/cca.py:canonical_directions", 1, ("itq_cca",), CONVERGED),
    Allowed(WAIT, "shallow/quantisation.py:quantising_rotation", 4, ("itq_cca",), f"each iteration: {CONVERGED}"),
    Allowed(
        WAIT,
        "shallow/graph_spectrum.py:graph_spectrum",
        1,
        ("agh", "agh, two layers", "imh, eigenmaps"),
        CONVERGED,
    ),
    Allowed(WAIT, "methods/isohash.py:isotropic_rotation", 4, ("isohash",), f"each iteration: {CONVERGED}"),
    Allowed(WAIT, "methods/itq.py:quantising_rotation", 4, ("itq",), f"each iteration: {CONVERGED}"),
    Allowed(WAIT, "methods/sgh.py:_learnt", 1, ("sgh",), CONVERGED),
    Allowed(WAIT, "methods/sgh.py:leading_direction", 32, ("sgh",), f"each bit, twice: {CONVERGED}"),
    Allowed(WAIT, "methods/isohash.py:fit", 1, ("isohash",), LOGGED),
    Allowed(WAIT, "methods/itq.py:fit", 1, ("itq",), LOGGED),
    Allowed(WAIT, "methods/itq_cca.py:fit", 1, ("itq_cca",), LOGGED),
    Allowed(WAIT, "methods/kmh.py:fit", 1, ("kmh",), LOGGED),
    Allowed(WAIT, "hashbench/method.py:log_epoch", 1, ("cbe",), LOGGED),
    Allowed(WAIT, "hashbench/method.py:log_epoch", 6, ("spherical",), LOGGED),
    Allowed(WAIT, "methods/spherical.py:fit", 3, ("spherical",), "each iteration: whether the overlaps have converged"),
    Allowed(WAIT, "methods/spherical.py:overlap_statistics", 3, ("spherical",), "each iteration: pairs by a mask"),
    Allowed(WAIT, "methods/dsh.py:middle_planes", 1, ("dsh",), SIZE),
    Allowed(WAIT, "methods/spectral.py:lowest_modes", 1, ("spectral",), "whether any axis has a range"),
    Allowed(WAIT, "methods/kmh.py:_subspaces", 1, ("kmh",), "axes are dealt out one after the other, on the CPU"),
    Allowed(WAIT, "methods/kmh.py:load_state", 1, ("kmh",), "widths of a kept state, which its engine put there"),
    Allowed(WAIT, "methods/rabitq.py:load_state", 1, ("rabitq", "rabitq, cosine"), "the distance of a kept state"),
    # Networks: once in a training or an epoch, never in a step.
    Allowed(WAIT, "hashbench/method.py:log_epoch", 15, AUTOENCODERS, LOGGED),
    Allowed(WAIT, "nets/autoencoders.py:standardise_by", 1, AUTOENCODERS, FINITE),
    Allowed(WAIT, "hashbench/method.py:log_epoch", 8, BGAN, LOGGED),
    Allowed(WAIT, "nets/training.py:_check_finite", 1, BGAN, "each epoch: whether the weights are finite"),
    Allowed(WAIT, "nets/bit_statistics.py:summary", 2, BGAN, "each epoch: different codes of the items that were seen"),
    Allowed(WAIT, "nets/hash_training.py:_warm_up_head", 1, OF_NETWORK, LOGGED),
    Allowed(WAIT, "nets/nearest.py:_unit", 1, BGAN, FINITE),
    Allowed(WAIT, "nets/nearest.py:_merge", 1, BGAN, f"each tile: {SIZE}"),
    Allowed(WAIT, "nets/nearest.py:_largest", 1, BGAN, f"each tile: {SIZE}"),
    Allowed(WAIT, "nets/neighbours.py:neighbourhood_structure", 1, BGAN[:2], "sparse products are scipy's, on the CPU"),
    Allowed(WAIT, "nets/diffusion.py:diffusion_structure", 1, OF_NETWORK, "sparse products are scipy's, on the CPU"),
    Allowed(WAIT, "nets/neighbours.py:pairs", 2, BGAN, SIZE),
    Allowed(FLOAT64, "nets/neighbours.py:neighbours_of", None, BGAN[3:], "a draw among any number of neighbours"),
    Allowed(WAIT, "features/frozen_layers.py:check", 1, BGAN[3:], "whether a network can be cut there"),
    Allowed(WAIT, "execution/frozen_maps.py:computed_maps", 4, BGAN[3:], f"each batch: {RESULT}"),
    Allowed(WAIT, "methods/bgan.py:load_state", 59, BGAN, "a state on the device goes to networks on the CPU and back"),
    # The thread that reads ahead, whose stream has nothing else to wait for.
    Allowed(WAIT, "data/images.py:__getitem__", 2, ("batches read",), "each batch: which images to decode"),
    Allowed(
        WAIT, "execution/frozen_maps.py:__call__", 4, ("batches read",), "each batch: which maps to read, and views"
    ),
    # Extraction and encoding.
    Allowed(WAIT, "features/deep.py:__call__", 2, NETWORKS, FINITE),
    Allowed(WAIT, "features/frozen_maps.py:__call__", 2, ("features, maps of frozen blocks",), FINITE),
    Allowed(FLOAT64, "features/gist.py:transfer_functions", None, ("features, gist",), "made once, then float32"),
    Allowed(WAIT, "execution/training_data.py:is_finite", 1, ("finite features",), FINITE),
    Allowed(WAIT, "hashbench/codes.py:pack", 2, ("codes",), f"each batch: {RESULT}"),
    # Counting and search.
    Allowed(
        *(WAIT, "search/matmul.py:_block_counts", 1, ("histograms, classes", "histograms, sets", "graded histograms")),
        "bincount; Triton's kernels, which serve GPUs, have none",
    ),
    Allowed(WAIT, "search/matmul.py:histograms", 1, ("histograms, classes", "histograms, sets"), RESULT),
    Allowed(WAIT, "search/matmul.py:_joint_counts", 1, ("graded histograms",), RESULT),
    Allowed(WAIT, "search/matmul_index.py:packed", 1, ("nearest codes",), RESULT),
    Allowed(WAIT, "search/matmul_index.py:topk", 2, ("nearest codes",), RESULT),
    Allowed(WAIT, "search/scan.py:_nearest", 1, ("ranked codes",), f"each block: {SIZE}"),
    Allowed(WAIT, "search/scan.py:search", 2, ("ranked codes",), RESULT),
    Allowed(WAIT, "search/triton_counting.py:labelled", 2, ("planes",), SIZE),
    Allowed(WAIT, "search/word_planes.py:packed_codes", 1, ("planes",), RESULT),
    # Rankings by scores, and ground truth.
    Allowed(WAIT, "evaluation/similarities.py:_survey", 2, RANKED, FINITE),
    Allowed(WAIT, "evaluation/scored_codes.py:fill", 2, ("ranked codes",), FINITE),
    Allowed(WAIT, "evaluation/score_blocks.py:first_equal", 4, (*RANKED, "ranked codes"), SIZE),
    Allowed(
        WAIT, "evaluation/score_blocks.py:_groups", 2, (*RANKED[:2], "ranked codes"), f"each block: {SIZE}, {RESULT}"
    ),
    Allowed(WAIT, "evaluation/score_blocks.py:_places", 3, (*RANKED, "ranked codes"), f"each block: {SIZE}, {RESULT}"),
    Allowed(WAIT, "evaluation/score_blocks.py:_gains", 3, GRADED, f"each block: {RESULT}"),
    Allowed(FLOAT64, "evaluation/score_blocks.py:_gains", None, GRADED, EXACT),
    Allowed(WAIT, "evaluation/score_blocks.py:_tied", 1, RANKED[2:], f"each block: {RESULT}"),
    Allowed(WAIT, "advice/scored.py:_placed", 3, ("ranked codes",), f"{SIZE}, {RESULT}"),
    Allowed(WAIT, "evaluation/nearest.py:_check_size", 2, TRUTH, FINITE),
    Allowed(WAIT, "evaluation/nearest.py:_new_ones", 1, TRUTH, f"each block: {SIZE}"),
    Allowed(WAIT, "evaluation/nearest.py:_candidates", 2, TRUTH, SIZE),
    Allowed(WAIT, "evaluation/nearest.py:_distances", 1, TRUTH, f"each block: {SIZE}"),
    Allowed(WAIT, "evaluation/nearest.py:_ranked", 3, TRUTH, RESULT),
    Allowed(FLOAT64, "evaluation/nearest.py:_mean", None, TRUTH[:1], EXACT),
    Allowed(FLOAT64, "evaluation/nearest.py:_distances", None, TRUTH, EXACT),
    Allowed(FLOAT64, "evaluation/nearest.py:_exact", None, TRUTH, EXACT),
)


def faults(subject: str, seen: Counter[tuple[str, str]], table: tuple[Allowed, ...] = ALLOWED) -> list[str]:
    """What the table does not allow of what was seen in a run, and what it allows without need; a line each."""
    lines, own = [], {(each.kind, each.place): each for each in table if subject in each.subjects}
    for (kind, place), count in sorted(seen.items()):
        allowed = own.get((kind, place))
        if allowed is None:
            lines.append(f"{subject}: {kind} at {place}, {count} times")
        elif allowed.most is not None and count > allowed.most:
            lines.append(f"{subject}: {kind} at {place}, {count} times, allowed {allowed.most}")
    for key, allowed in own.items():
        if key not in seen:
            lines.append(f"{subject}: {allowed.kind} at {allowed.place} is allowed and no longer there; take it out")
    return lines

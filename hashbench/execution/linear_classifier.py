"""A linear classifier of features: logistic regression, fitted to the end, the same from every start."""

from dataclasses import dataclass

import torch
from torch import Tensor
from torch.nn import functional

CHUNK_ROWS = 8192  # held in float64 at a time
ITERATIONS = 200  # of L-BFGS; most fits stop before


@dataclass(frozen=True)
class LinearClassifier:
    """Scores z = (x - mean) W + offset of classes.

    Attributes:
        mean: float64 [d], of the training features.
        weights: float64 [d, classes].
        offset: float64 [classes].
        single_label: trained on items of one class each: the class of the highest score is predicted, and no other;
            else every class whose score is above 0, whose sigmoid is above one half.
    """

    mean: Tensor
    weights: Tensor
    offset: Tensor
    single_label: bool

    def predict(self, x: Tensor) -> Tensor:
        """The predicted classes of ``x``, float [n, d], multi-hot: bool [n, classes]."""
        z = (x.double() - self.mean) @ self.weights + self.offset
        if not self.single_label:
            return z > 0
        return functional.one_hot(z.argmax(1), z.shape[1]).bool()


def fit_linear_classifier(x: Tensor, labels: Tensor, decay: float) -> LinearClassifier:
    """Multinomial logistic regression or, where items have several labels, one for each class.

    It minimises the mean cross-entropy plus ``decay`` / 2 times the squared norm of the weights on features that are
    centred and scaled to a mean squared length of 1: a convex objective, in float64, from zeros by L-BFGS. Nothing is
    drawn.

    Args:
        x: finite float [n, d].
        labels: bool [n, classes], multi-hot, on the same device; where no item has two, those without one are left out.
        decay: more than 0.
    """
    labels_of_items = labels.sum(1)
    single_label = bool(labels_of_items.max() <= 1)
    rows = labels_of_items.nonzero()[:, 0] if single_label else torch.arange(len(x), device=x.device)
    mean, scale = _mean_and_scale(x, rows)
    parameters = torch.zeros(x.shape[1] + 1, labels.shape[1], dtype=torch.float64, device=x.device)
    parameters.requires_grad_()
    optimiser = torch.optim.LBFGS(
        [parameters], max_iter=ITERATIONS, tolerance_grad=1e-6, tolerance_change=1e-10, line_search_fn="strong_wolfe"
    )

    def objective() -> Tensor:
        optimiser.zero_grad()
        penalty = decay / 2 * parameters[:-1].square().sum()
        penalty.backward()  # type: ignore[no-untyped-call]
        total = penalty.detach()  # to which each chunk adds, as to the gradient
        for part in torch.split(rows, CHUNK_ROWS):
            z = torch.addmm(parameters[-1], (x[part].double() - mean) * scale, parameters[:-1])
            loss = _loss(z, labels[part], single_label) / max(1, len(rows))
            loss.backward()  # type: ignore[no-untyped-call]
            total += loss.detach()
        return total

    optimiser.step(objective)  # type: ignore[no-untyped-call]
    fitted = parameters.detach()
    return LinearClassifier(mean, fitted[:-1] * scale, fitted[-1], single_label)


def _loss(z: Tensor, labels: Tensor, single_label: bool) -> Tensor:
    """Summed over items, and over classes where each has a regression of its own."""
    if single_label:
        return functional.cross_entropy(z, labels.int().argmax(1), reduction="sum")
    return functional.binary_cross_entropy_with_logits(z, labels.double(), reduction="sum")


def _mean_and_scale(x: Tensor, rows: Tensor) -> tuple[Tensor, float]:
    """Float64 [d], the mean of these rows, and 1 / the root of their mean squared distance to it; 1 where that is 0."""
    total = torch.zeros(x.shape[1], dtype=torch.float64, device=x.device)
    for part in torch.split(rows, CHUNK_ROWS):
        total += x[part].double().sum(0)
    mean = total / max(1, len(rows))
    squares = sum(float((x[part].double() - mean).square().sum()) for part in torch.split(rows, CHUNK_ROWS))
    return mean, (squares / len(rows)) ** -0.5 if squares > 0 else 1.0

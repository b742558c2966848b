"""The classifier behind one-hot classes: logistic regression at its minimum."""

from pathlib import Path

import numpy as np
import pytest
import torch
from sklearn.linear_model import LogisticRegression

from hashbench.codes import MAX_BITS
from hashbench.conformance.items import digits
from hashbench.data.spec import open_dataset
from hashbench.errors import Incompatible
from hashbench.execution.linear_classifier import fit_linear_classifier
from hashbench.execution.references import class_classifier
from hashbench.execution.training_data import TrainingData

DECAY = 5e-3
TRAIN, OTHERS = digits(500), digits(300, 500)


def test_it_is_scikit_learns_multinomial_regression() -> None:
    made = fit_linear_classifier(TRAIN.features, TRAIN.labels, DECAY)
    centred = (TRAIN.features - TRAIN.features.mean(0)).double().numpy()
    scale = 1 / np.sqrt((centred**2).sum(1).mean())
    plain = LogisticRegression(C=1 / (DECAY * len(centred)), tol=1e-8, max_iter=2000)
    plain.fit(centred * scale, TRAIN.labels.int().argmax(1).numpy())
    weights = made.weights / scale
    np.testing.assert_allclose(weights - weights.mean(1, keepdim=True), plain.coef_.T, atol=2e-3)
    predicted = made.predict(OTHERS.features)
    assert (predicted.sum(1) == 1).all()
    assert (predicted & OTHERS.labels).any(1).float().mean() > 0.8


def test_items_of_several_labels_have_a_regression_for_each_class_with_a_threshold_of_one_half() -> None:
    def several(labels: torch.Tensor) -> torch.Tensor:
        return torch.stack([labels[:, :5].any(1), labels[:, 3:8].any(1), labels[:, 9]], dim=1)

    made = fit_linear_classifier(TRAIN.features, several(TRAIN.labels), 1e-4)
    predicted, wanted = made.predict(OTHERS.features), several(OTHERS.labels)
    assert (predicted == wanted).float().mean() > 0.85
    assert {0, 1, 2} == set(predicted.sum(1).tolist())  # digits 3 and 4 have two, digit 8 none


def test_items_without_a_label_teach_nothing_where_others_have_one_each() -> None:
    labels = TRAIN.labels.clone()
    labels[400:] = False
    made = fit_linear_classifier(TRAIN.features, labels, DECAY)
    alone = fit_linear_classifier(TRAIN.features[:400], labels[:400], DECAY)
    assert torch.equal(made.weights, alone.weights)


@pytest.mark.parametrize("labels", [TRAIN.labels, torch.zeros(500, 3, dtype=torch.bool)], ids=["classes", "no labels"])
def test_what_cannot_be_learnt_is_predicted_all_the_same(labels: torch.Tensor) -> None:
    made = fit_linear_classifier(torch.ones(500, 4), labels, DECAY)
    predicted = made.predict(torch.ones(6, 4))
    assert predicted.shape == (6, labels.shape[1])
    assert len(torch.unique(predicted, dim=0)) == 1


def test_more_classes_than_a_code_can_have_bits_are_incompatible() -> None:
    labels = np.zeros((4, MAX_BITS + 1), dtype=np.bool_)
    inputs = TrainingData(open_dataset("digits", Path()), np.ones((4, 2), dtype=np.float32), labels)
    with pytest.raises(Incompatible, match="a bit for each of 4,097 classes: codes have at most 4096 bits"):
        class_classifier(inputs, np.arange(4), torch.device("cpu"))

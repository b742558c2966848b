"""What comes before an evaluation whose time is told."""

import numpy as np
import torch

from hashbench.codes import Codes
from hashbench.evaluation.evaluate import evaluate, evaluate_features


def warm_up(device: torch.device) -> None:
    """Compile the loops that evaluations run, or load them from where they are kept."""
    codes, features, labels = Codes.pack(np.eye(2, 8, dtype=np.bool_)), torch.eye(2), np.arange(2)
    evaluate(codes, codes, labels, labels, device=device)
    evaluate_features(features, features, labels, labels, device=device)

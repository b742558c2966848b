"""The features that a record was made on."""

from hashbench.dataset import Dataset
from hashbench.execution.replay_context import ReplayContext
from hashbench.execution.stored_trial import StoredTrial, check_weights
from hashbench.execution.training_data import TrainingData
from hashbench.features.item_features import item_features
from hashbench.features.spec import extractor
from hashbench.util.paths import cache_folder
from hashbench.util.progress import log_to_stderr


def recorded_features(stored: StoredTrial, dataset: Dataset, context: ReplayContext) -> tuple[TrainingData, str]:
    """The record's features of all items, extracted where the cache does not have them, and their checksum.

    Raises:
        UsageError: the weights of their network are not here, or others.
    """
    trial = stored.trial
    features = extractor(trial.features, context.weights, trial.features_dtype)
    check_weights(stored, features)
    where = cache_folder(), context.device, log_to_stderr, context.verified
    cached = item_features(dataset, trial.dataset, features, *where)
    return TrainingData(dataset, cached.values, dataset.labels()), cached.sha256

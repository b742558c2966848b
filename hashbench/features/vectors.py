"""The vectors of a data set without images, as its features."""

from torch import Tensor

from hashbench.dataset import Images
from hashbench.errors import UsageError
from hashbench.features.extractor import Extractor
from hashbench.records.trial_spec import TRIAL_VERSION


class VectorsAsTheyAre(Extractor):
    """The vectors of a data set without images, in float32; nothing is extracted."""

    part = "trial"  # which reads the vectors
    version = TRIAL_VERSION
    name = "vectors"

    def __call__(self, images: Images) -> Tensor:  # noqa: ARG002
        """Refuse images, of which it has no vectors.

        Raises:
            UsageError: always.
        """
        raise UsageError("features 'vectors' are those of a data set of vectors, and this one has images; name others")

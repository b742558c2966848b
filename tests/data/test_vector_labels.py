"""Labels of vectors: how many there have to be, and in which order."""

import numpy as np
import pytest

from hashbench.data.vector_labels import as_labels
from hashbench.errors import UsageError


def test_the_order_is_told_where_queries_come_from_elsewhere_alone() -> None:
    for queries, end in ((0, "one for each"), (5, "one for each; those of the 5 queries come last")):
        with pytest.raises(UsageError, match=f"^labels: 9 labels for 10 vectors, wanted {end}$"):
            as_labels(np.arange(9), 10, "labels", queries)

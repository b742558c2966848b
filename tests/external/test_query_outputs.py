"""Real outputs of queries: of the right shape, finite, and of the queries' own bits."""

import numpy as np
import pytest

from hashbench.codes import Codes
from hashbench.errors import UsageError
from hashbench.external.query_outputs import check_outputs

OUTPUTS = np.array([[0.3, -2.0, 1.0], [-0.1, 0.0, 4.0]])
CODES = Codes.pack(np.array([[True, False, True], [False, True, True]]))


def test_outputs_whose_signs_are_the_bits_pass_and_zero_is_either() -> None:
    check_outputs(OUTPUTS, CODES)


@pytest.mark.parametrize(
    ("outputs", "line"),
    [
        (OUTPUTS[:1], r"query_outputs are float64 \[1, 3\], wanted float \[2, 3\]"),
        (OUTPUTS.astype(int), r"query_outputs are int64 \[2, 3\], wanted float"),
        (np.where(OUTPUTS > 3, np.nan, OUTPUTS), r"query_outputs has nan at \[1, 2\], wanted finite numbers"),
        (OUTPUTS[::-1], r"query_outputs has -0.1 at \[0, 0\], where query_codes has the bit 1; .* in this order\?"),
        (1 / (1 + np.exp(-OUTPUTS)), r"query_outputs has 0.1192 at \[0, 1\], .* give what the sigmoid was taken of"),
    ],
)
def test_what_is_no_output_of_these_queries_is_refused(outputs: np.ndarray, line: str) -> None:
    with pytest.raises(UsageError, match=line):
        check_outputs(outputs, CODES)

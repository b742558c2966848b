"""What methods, networks, extractors and the trial compute from stored inputs is what is stored beside them."""

import importlib.util

import pytest

from tests.golden.expected import differences, stored_names
from tests.golden.golden import Golden, all_goldens


def cases() -> list[object]:
    """All goldens, those that take long marked as slow."""
    return [
        pytest.param(golden, marks=[pytest.mark.slow] if golden.slow else [], id=name)
        for name, golden in all_goldens().items()
    ]


@pytest.mark.parametrize("golden", cases())
def test_golden(golden: Golden) -> None:
    if golden.needs and importlib.util.find_spec(golden.needs) is None:
        pytest.skip(f"{golden.needs} is not installed")
    told = differences(golden, golden.results())
    assert not told, "\n".join(told)


def test_every_stored_result_belongs_to_a_golden() -> None:
    """Else a renamed case would leave results that nothing is compared with."""
    assert set(stored_names()) == all_goldens().keys()

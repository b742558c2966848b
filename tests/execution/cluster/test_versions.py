"""Which versions go together, and how a node with others is named."""

import pytest
import torch

from hashbench.errors import UsageError
from hashbench.execution.cluster.versions import check_versions, difference, versions_here
from hashbench.version import __version__

OURS = {"hashbench": "0.1.0", "torch": "2.6.0"}


def test_the_versions_here_are_those_that_run_whatever_torch_was_built_for() -> None:
    assert versions_here() == {"hashbench": __version__, "torch": torch.__version__.partition("+")[0]}


def test_what_a_node_lacks_or_has_in_another_version_is_said() -> None:
    assert difference(OURS, dict(OURS)) is None
    assert difference(OURS, {"hashbench": "0.1.0"}) == (
        "has hashbench 0.1.0 and torch none, this machine has hashbench 0.1.0 and torch 2.6.0"
    )


def test_a_node_with_other_versions_is_named_with_both_and_the_way_out() -> None:
    check_versions(OURS, {"node a": OURS, "node b": OURS})
    with pytest.raises(UsageError) as refused:
        check_versions(OURS, {"node a": OURS, "node b": {**OURS, "torch": "2.5.1"}})
    assert str(refused.value) == (
        "node b has hashbench 0.1.0 and torch 2.5.1, this machine has hashbench 0.1.0 and torch 2.6.0; install the "
        "same on all nodes (pip install hashbench==0.1.0 torch==2.6.0), or stop that node"
    )

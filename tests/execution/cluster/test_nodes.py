"""What nodes have room for, and how one that none has is named."""

import json
from importlib.metadata import version

import pytest

from hashbench.errors import UsageError
from hashbench.version import __version__

pytest.importorskip("ray", reason="ray is not installed: pip install 'hashbench[ray]'")

from hashbench.execution.cluster.nodes import Node, check_room, versions_probe

BIG = Node("a" * 56, "big", {"CPU": 8.0, "GPU": 2.0, "memory": float(16 << 30)})
HEAD = Node("b" * 56, "head", {"memory": float(8 << 30)})


@pytest.mark.parametrize(
    ("need", "room"),
    [
        ({"CPU": 1.0, "GPU": 0.0, "memory": 0.0}, 8),
        ({"CPU": 3.0, "GPU": 0.0, "memory": 0.0}, 2),
        ({"CPU": 1.0, "GPU": 1 / 3, "memory": 0.0}, 6),
        ({"CPU": 1.0, "GPU": 1.0, "memory": float(16 << 30)}, 1),
        ({"CPU": 1.0, "GPU": 0.0, "memory": float(17 << 30)}, 0),
    ],
)
def test_a_node_takes_as_many_trials_as_its_scarcest_resource_allows(need: dict[str, float], room: int) -> None:
    assert BIG.room(need) == room
    assert HEAD.room(need) == 0


def test_what_no_node_has_is_named_with_the_most_that_there_is() -> None:
    nodes = {node.number: node for node in (BIG, HEAD)}
    check_room(nodes, {"CPU": 8.0, "GPU": 0.0, "memory": 0.0})
    with pytest.raises(UsageError) as refused:
        check_room(nodes, {"CPU": 9.0, "GPU": 0.0, "memory": float(8 << 30)})
    assert str(refused.value) == (
        "a trial asks for 9 CPU, 8 GiB of memory, and no node of the cluster has that (the most of each: 8 CPU, 16 GiB "
        "of memory); ask for less with --threads, --memory or --per-gpu, or add a node"
    )


def test_a_node_is_called_by_its_machine_and_the_beginning_of_its_number() -> None:
    assert str(BIG) == "node big (aaaaaaaa)"


def test_the_probe_of_versions_goes_as_code_and_not_as_a_name_that_a_node_may_not_know() -> None:
    from ray import cloudpickle

    probe = versions_probe()
    assert json.loads(probe()) == {"hashbench": __version__, "torch": version("torch")}
    sent = cloudpickle.dumps(probe)
    assert b"hashbench.version" in sent
    assert b"PackageNotFoundError" not in sent
    assert b"versions_probe\x94" not in sent.replace(b"versions_probe.<locals>", b"")

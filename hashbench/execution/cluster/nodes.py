"""The nodes of a cluster: what they have room for, and whether they have what trials need."""

import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import ray
from ray.util.scheduling_strategies import NodeAffinitySchedulingStrategy

from hashbench.errors import UsageError
from hashbench.execution.cluster.messages import Request, decode_request, encode
from hashbench.execution.cluster.versions import check_versions

Need = Mapping[str, float]
"""What a trial asks ray for, by ray's names: CPU, GPU, memory (bytes)."""


@dataclass(frozen=True)
class Node:
    """A node that is alive.

    Attributes:
        number: ray's id of it.
        host: its name.
        resources: what it has in all, by ray's names.
        environment: what a record says of its machine; empty where nobody asked.
    """

    number: str
    host: str
    resources: Need
    environment: Mapping[str, Any] = field(default_factory=dict)

    def room(self, need: Need) -> int:
        """How many trials of this need it takes at once."""
        return int(min((self.resources.get(name, 0.0) / size + 1e-6 for name, size in need.items() if size), default=0))

    def __str__(self) -> str:
        return f"node {self.host} ({self.number[:8]})"


def alive_nodes() -> dict[str, Node]:
    """The nodes that are alive, by number."""
    return {
        each["NodeID"]: Node(each["NodeID"], each["NodeManagerHostname"], each["Resources"])
        for each in ray.nodes()
        if each["Alive"]
    }


def check_room(nodes: Mapping[str, Node], need: Need) -> None:
    """Check that one of the nodes takes a trial.

    Raises:
        UsageError: none does.
    """
    if not any(node.room(need) for node in nodes.values()):
        wanted = ", ".join(_amount(name, size) for name, size in need.items() if size)
        largest = {name: max((node.resources.get(name, 0.0) for node in nodes.values()), default=0.0) for name in need}
        have = ", ".join(_amount(name, size) for name, size in largest.items() if need[name])
        raise UsageError(
            f"a trial asks for {wanted}, and no node of the cluster has that (the most of each: {have}); ask for less "
            "with --threads, --memory or --per-gpu, or add a node"
        )


def _amount(name: str, size: float) -> str:
    return f"{size / (1 << 30):.3g} GiB of memory" if name == "memory" else f"{size:g} {name}"


def same_versions(nodes: Mapping[str, Node], versions: Mapping[str, str]) -> None:
    """Check that all nodes have these versions of hashbench and torch.

    Raises:
        UsageError: one has others; the line names it and both.
    """
    found = _on_each(nodes, ray.remote(max_retries=0)(versions_probe()))
    check_versions(versions, {str(nodes[number]): json.loads(content) for number, content in found.items()})


def versions_probe() -> Callable[[], bytes]:
    """What says a node's versions as JSON.

    It is defined in a function, so that ray sends its code and not its name, which a node without hashbench, or with
    another one, might not know.
    """

    def versions() -> bytes:
        import importlib.metadata
        import json

        found = {}
        for name in ("hashbench", "torch"):
            try:
                if name == "hashbench":
                    from hashbench.version import __version__ as version
                else:
                    version = importlib.metadata.version(name)
            except ImportError:  # of a package that is not there as well
                version = "none"
            found[name] = version
        return json.dumps(found).encode()

    return versions


def checked_nodes(nodes: Mapping[str, Node], requests: Sequence[Request]) -> dict[str, Node]:
    """The nodes with what records say of their machines.

    Args:
        nodes: that may get trials.
        requests: a trial of each method on each data set.

    Raises:
        UsageError: one of the nodes lacks data, a method, or weights; the line names it.
    """
    remote = ray.remote(max_retries=0, max_calls=1)(look_at_node)
    found = _on_each(nodes, remote, [encode(request) for request in requests])
    result = {}
    for number, content in found.items():
        told = json.loads(content)
        if told["fault"] is not None:
            raise UsageError(f"{nodes[number]}: {told['fault']}")
        node = nodes[number]
        result[number] = Node(number, node.host, node.resources, told["environment"])
    return result


def look_at_node(requests: list[bytes]) -> bytes:
    """What a record says of this machine, and the first thing that these trials lack here, as JSON."""
    from hashbench.execution.cluster.node_check import first_fault
    from hashbench.records.environment import environment

    asked = [decode_request(content) for content in requests]
    return json.dumps({"environment": environment(asked[0].device), "fault": first_fault(asked)}).encode()


def _on_each(nodes: Mapping[str, Node], task: Any, *given: Any) -> dict[str, bytes]:
    """What a task gives on each node, all at once; nodes that are lost meanwhile are left out.

    Raises:
        UsageError: it fails on one of them.
    """
    places = {number: NodeAffinitySchedulingStrategy(number, soft=False) for number in nodes}
    asked = {
        number: task.options(num_cpus=0, scheduling_strategy=place).remote(*given) for number, place in places.items()
    }
    found = {}
    for number, answer in asked.items():
        try:
            content = ray.get(answer)
        except (ray.exceptions.NodeDiedError, ray.exceptions.TaskUnschedulableError):
            continue
        except ray.exceptions.RayError as error:
            lines = str(error).strip().splitlines() or [type(error).__name__]
            raise UsageError(f"{nodes[number]} cannot be asked what it has: {lines[-1]}") from error
        assert isinstance(content, bytes)
        found[number] = content
    return found

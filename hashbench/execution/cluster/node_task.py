"""What the task of a trial does on its node: it looks whether the node may run the trial, and then runs it."""

from collections.abc import Iterator

import msgspec

from hashbench.execution.cluster.messages import Answer, Message, decode_request, decode_versions
from hashbench.execution.cluster.node_trial import run_on_node
from hashbench.execution.cluster.versions import difference, versions_here


def carry_out_request(content: bytes, node: str) -> Iterator[Message]:
    """Run the trial that is asked for on this machine, and report its events; the last message is its answer.

    A node that joined after the run's nodes were compared is compared here, by the same checks.

    Args:
        content: the request. Its versions are read first, because another hashbench may not be able to read the rest.
        node: ray's number of this node.
    """
    try:
        apart = difference(decode_versions(content), versions_here())
        request = decode_request(content) if apart is None else None
    except msgspec.DecodeError as error:
        apart, request = f"has another hashbench: it cannot read what it is asked for ({error})", None
    if request is None:
        yield Answer(refused=f"{apart}; install the same on all nodes, or stop that node")
        return
    if request.checked is not None and node not in request.checked:
        from hashbench.execution.cluster.node_check import first_fault  # with torch, which most watchers go without

        if fault := first_fault([request]):
            yield Answer(refused=f"joined the run and cannot take part: {fault}; mend that, or stop that node")
            return
    yield from run_on_node(request)

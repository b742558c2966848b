"""A stand-in for a GPU: tensors that say they are on one, while the CPU computes their numbers.

torch's FakeTensorMode decides what a GPU would make of an operation: on which device its result is, and that tensors of
different devices do not go together. It has no numbers, so it ends at the first value that is read; here every fake
tensor has a real one on the CPU beside it, on which the same operation runs. So code goes on behind a value that it
reads, and what it computes can be compared with the CPU's.

It cannot run backward: torch's engine looks for the GPU. Gradients are zeros of the right shape on the right device.
"""

from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from functools import cache
from typing import Any
from unittest.mock import patch

import torch
from torch import Tensor, nn
from torch._subclasses.fake_tensor import (
    DataDependentOutputException,
    DynamicOutputShapeException,
    FakeTensor,
    FakeTensorMode,
)
from torch.overrides import TorchFunctionMode
from torch.utils._python_dispatch import TorchDispatchMode, _disable_current_modes
from torch.utils._pytree import tree_leaves, tree_map

from tests.fake_cuda.findings import FLOAT64, GENERATOR, MASK, MIXED, UPLOAD, WAIT, Findings, MixedDevices

MEMORY = 80 << 30
CPU, CUDA = torch.device("cpu"), torch.device("cuda:0")
aten = torch.ops.aten
READS_VALUES = {aten._linalg_svd.default, aten._linalg_eigh.default, aten.linalg_cholesky_ex.default}
"""They look on the CPU at whether they converged."""
INDEXED = {aten.index.Tensor, aten.index_put.default, aten.index_put_.default, aten._index_put_impl_.default}
COPIES = {aten._to_copy.default, aten.copy_.default}
_UNKNOWN = object()


class Device(TorchDispatchMode):  # type: ignore[no-untyped-call]
    """Runs every operation twice, as a GPU would see it and on the CPU, and notes what a GPU would wait for.

    Args:
        findings: get what was seen.
        float64: whether float64 on the GPU is as it should be, but for what a promotion makes of float32.
    """

    def __init__(self, findings: Findings, float64: bool) -> None:
        super().__init__()  # type: ignore[no-untyped-call]
        self.findings, self.float64 = findings, float64
        self.fake = FakeTensorMode(allow_non_fake_inputs=False)

    def tensor(self, real: Tensor, device: torch.device) -> Tensor:
        """A tensor that says it is on ``device``, with these numbers."""
        with _disable_current_modes():
            meta = torch.empty_strided(real.shape, real.stride(), dtype=real.dtype, device="meta")
        with self.fake:
            fake = FakeTensor(self.fake, meta, device)
        fake._real = real  # type: ignore[attr-defined]
        return fake

    def __torch_dispatch__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        """Run ``func`` twice."""
        if _is_composite(func):  # as in inference mode
            with self:
                return func.decompose(*args, **(kwargs or {}))
        args, kwargs = tree_map(self._as_fake, (args, kwargs or {}))
        leaves = tree_leaves((args, kwargs))
        self._look_at_indices(func, args)
        made = self._on_gpu(func, args, kwargs)
        with _disable_current_modes():
            real_args, real_kwargs = tree_map(_as_real, (args, kwargs))
            real = _run(func, real_args, real_kwargs)
        if made is _UNKNOWN:
            on = next((each.device for each in leaves if isinstance(each, FakeTensor)), CPU)
            if on.type == "cuda":
                self.findings.add(WAIT, func)
            return tree_map(lambda each: self.tensor(each, on) if isinstance(each, Tensor) else each, real)
        for ours, theirs in zip(tree_leaves(made), tree_leaves(real), strict=True):
            if isinstance(ours, FakeTensor):
                ours._real = theirs  # type: ignore[attr-defined]
        self._look(func, args, leaves, made)
        return made

    def _as_fake(self, value: Any) -> Any:
        """A tensor that was made before, on the CPU, as one of ours."""
        if isinstance(value, Tensor) and not isinstance(value, FakeTensor):
            return self.tensor(value, value.device)
        return value

    def _on_gpu(self, func: Any, args: Any, kwargs: Any) -> Any:
        """What a GPU would make of it, without numbers; _UNKNOWN where only these say what."""
        args, kwargs = tree_map(lambda each: None if isinstance(each, torch.Generator) else each, (args, kwargs))
        try:
            return func(*args, **kwargs)
        except (DataDependentOutputException, DynamicOutputShapeException):
            return _UNKNOWN
        except RuntimeError as error:
            if not any(words in str(error) for words in ("same device", "different devices")):
                raise
            raise MixedDevices(str(self.findings.add(MIXED, func))) from error

    def _look(self, func: Any, args: Any, leaves: list[Any], made: Any) -> None:
        """Note what FakeTensorMode lets pass."""
        tensors = [each for each in leaves if isinstance(each, FakeTensor)]
        results = [each for each in tree_leaves(made) if isinstance(each, FakeTensor) and each.device.type == "cuda"]
        if func in COPIES:
            self._look_at_copy(func, args, leaves, made)
        elif func in READS_VALUES and results:
            self.findings.add(WAIT, func)
        if results and any(isinstance(each, torch.Generator) and each.device.type == "cpu" for each in leaves):
            self.findings.add(GENERATOR, func)
        if any(each.dtype == torch.float64 for each in results) and (not self.float64 or _promoted(func, tensors)):
            self.findings.add(FLOAT64, func)

    def _look_at_indices(self, func: Any, args: Any) -> None:
        """Note what a GPU copies before it can index."""
        indices = args[1] if func in INDEXED and args[0].device.type == "cuda" else ()
        if any(isinstance(each, FakeTensor) and each.device.type == "cpu" for each in indices):
            self.findings.add(MASK, func)

    def _look_at_copy(self, func: Any, args: Any, leaves: list[Any], made: Any) -> None:
        source, target = (args[1], args[0]) if func is aten.copy_.default else (args[0], made)
        kinds = source.device.type, target.device.type
        if kinds == ("cuda", "cpu"):
            self.findings.add(WAIT, func)
        blocking = not any(each is True for each in leaves)
        if kinds == ("cpu", "cuda") and source.dim() and blocking and self.findings.in_step():
            self.findings.add(UPLOAD, func)


@cache
def _is_composite(func: Any) -> bool:
    """Whether an operation is made of others on every device."""
    return func.namespace == "aten" and bool(
        torch._C._dispatch_has_kernel_for_dispatch_key(func.name(), "CompositeImplicitAutograd")
    )


def _as_real(value: Any) -> Any:
    if isinstance(value, FakeTensor):
        return value._real  # type: ignore[attr-defined]
    return CPU if isinstance(value, torch.device) else value


def _run(func: Any, args: Any, kwargs: Any) -> Any:
    """The operation on the CPU."""
    try:
        return func(*args, **kwargs)
    except RuntimeError:
        if func is not aten.view.default:
            raise
        return aten.reshape.default(*args)  # the CPU's result lies otherwise in memory than the GPU's would


def _promoted(func: Any, tensors: list[Any]) -> bool:
    """Whether float32 became float64 because it met a smaller tensor of that, and nobody asked for it."""
    sizes = {
        dtype: max((each.numel() for each in tensors if each.dtype == dtype and each.dim()), default=0)
        for dtype in (torch.float32, torch.float64)
    }
    return func not in COPIES and 0 < sizes[torch.float64] < sizes[torch.float32]


_READS = {Tensor.numpy, Tensor.__array__, Tensor.tolist}


class _Values(TorchFunctionMode):
    """Reads the numbers of whole tensors; an array of one on the GPU is refused, as torch does."""

    def __init__(self, findings: Findings) -> None:
        super().__init__()
        self.findings = findings

    def __torch_function__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        if func in _READS and isinstance(args[0], FakeTensor):
            if func is not Tensor.tolist and args[0].device.type != "cpu":
                raise TypeError("can't convert cuda:0 device type tensor to numpy. Use Tensor.cpu() first")
            if args[0].device.type == "cuda":
                self.findings.add(WAIT, "tolist")
            with _disable_current_modes():
                real: Tensor = args[0]._real.detach()  # type: ignore[attr-defined]
                return real.tolist() if func is Tensor.tolist else real.numpy()
        return func(*args, **(kwargs or {}))


@contextmanager
def stand_in(findings: Findings, float64: bool = False) -> Iterator[Device]:
    """While this lasts, ``torch.device("cuda:0")`` is the stand-in.

    Args:
        findings: get what was seen.
        float64: whether float64 is as it should be there.
    """
    device = Device(findings, float64)

    with ExitStack() as stack:
        for name, replaced in _REPLACED.items():
            stack.enter_context(patch(name, replaced))
        stack.enter_context(torch.backends.cudnn.flags(enabled=False))  # whose operations a CPU has not
        stack.enter_context(device.fake)
        stack.enter_context(device)
        stack.enter_context(_Values(findings))
        yield device


def _apply(module: nn.Module, function: Any, recurse: bool = True) -> nn.Module:
    """``Module._apply`` with new parameters; torch would swap what fake tensors cannot."""
    for child in module.children():
        child._apply(function)  # type: ignore[no-untyped-call]
    for name, parameter in module._parameters.items():
        if parameter is not None:
            with torch.no_grad():
                module._parameters[name] = nn.Parameter(function(parameter), parameter.requires_grad)
    for name, buffer in module._buffers.items():
        if buffer is not None:
            module._buffers[name] = function(buffer)
    return module


def _backward(tensors: Any, *, inputs: Any = None, **_: Any) -> None:
    """Zeros in place of gradients, for the leaves that the tensors hang on."""
    with torch.no_grad():
        for leaf in inputs if inputs is not None else _leaves(tensors):
            leaf.grad = torch.zeros_like(leaf)


def _grad(_outputs: Any, inputs: Any, **_: Any) -> tuple[Tensor, ...]:
    with torch.no_grad():
        return tuple(torch.zeros_like(each) for each in ([inputs] if isinstance(inputs, Tensor) else inputs))


def _leaves(tensors: Any) -> list[Tensor]:
    """The leaves that tensors were computed from, by the graph that autograd has kept."""
    todo = [each.grad_fn for each in ([tensors] if isinstance(tensors, Tensor) else tensors)]
    leaves, known = [], set()
    while todo:
        node = todo.pop()
        if node is None or node in known:
            continue
        known.add(node)
        if hasattr(node, "variable"):
            leaves.append(node.variable)
        todo += [each for each, _ in node.next_functions]
    return leaves


_REPLACED: dict[str, Any] = {
    # The stand-in is of its own thread.
    "hashbench.nets.training_batches.prefetch_to": lambda batches, _: batches,
    "hashbench.evaluation.score_blocks.prefetch_from": lambda blocks, _: blocks,
    "torch.Tensor.pin_memory": lambda tensor: tensor,
    "torch._subclasses.fake_tensor.FakeTensor.tolist": Tensor.tolist,
    "torch.nn.Module._apply": _apply,
    "torch.autograd.backward": _backward,
    "torch.autograd.grad": _grad,
    "torch.cuda.amp.common.amp_definitely_not_available": lambda: False,
    "torch.cuda.is_bf16_supported": lambda *_, **__: True,
    "torch.cuda.mem_get_info": lambda *_: (MEMORY, MEMORY),
    "torch.cuda.memory_reserved": lambda *_: 0,
    "torch.cuda.memory_allocated": lambda *_: 0,
}

"""What a method leaves behind: its state."""

import pickletools
from typing import Any

import safetensors.torch
import torch
from torch import Tensor

from hashbench.conformance.check import check
from hashbench.conformance.subject import CPU, Subject, agreement

PICKLE_MARK = b"\x80"


@check("override state and load_state so that all is in tensors; what a hyper-parameter says need not be there")
def state_is_tensors(subject: Subject) -> str | None:
    """`state` returns dense tensors on the run's device, by name."""
    state: Any = subject.fitted.state()
    for name, value in state.items():
        if not isinstance(name, str) or not isinstance(value, Tensor):
            return f"state has {name!r}, a {type(value).__name__}"
        if value.layout != torch.strided or value.device != CPU:
            return f"{name} of the state is a {value.layout} tensor on {value.device}"
    return None


@check("keep numbers as tensors: a pickle runs code when it is opened, and safetensors is there to prevent that")
def state_holds_no_pickle(subject: Subject) -> str | None:
    """No tensor of the state is a pickle in disguise."""
    for name, value in subject.fitted.state().items():
        if isinstance(value, Tensor) and value.dtype == torch.uint8 and _is_pickle(value):
            return f"{name} of the state is a pickle of {value.numel()} bytes"
    return None


@check("have state return everything that encode needs, and load_state restore it")
def state_reloads(subject: Subject) -> str | None:
    """A new method of the same hyper-parameters that loads the saved state gives the same codes."""
    tensors = {name: value for name, value in subject.fitted.state().items() if isinstance(value, Tensor)}
    plain = {name: value.detach().clone(memory_format=torch.contiguous_format) for name, value in tensors.items()}
    read = safetensors.torch.load(safetensors.torch.save(plain))
    restored = subject.make()
    restored.load_state(read, subject.context())
    share = agreement(subject.encode(restored, subject.queries), subject.codes)
    return None if share == 1 else f"{1 - share:.1%} of bits differ after the state was saved and loaded"


@check("detach what is learnt, or train inside a module and return its state_dict")
def state_has_no_gradient(subject: Subject) -> str | None:
    """No tensor of the state is part of a graph of gradients."""
    for name, value in subject.fitted.state().items():
        if isinstance(value, Tensor) and value.requires_grad:
            return f"{name} of the state requires a gradient"
    return None


def _is_pickle(value: Tensor) -> bool:
    content = value.flatten().numpy().tobytes()
    if not content.startswith(PICKLE_MARK):
        return False
    try:
        return any(operation.name == "STOP" for operation, _, _ in pickletools.genops(content))
    except Exception:
        return False

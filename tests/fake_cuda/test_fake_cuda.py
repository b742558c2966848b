"""What would fail or wait on a GPU is found without one: in methods, extractors, losses and evaluation, and planted."""

from collections import Counter

import pytest
import torch

from hashbench.conformance.items import digits
from hashbench.execution.training_data import own_generator
from hashbench.method import HashMethod, RunContext, TrainingSet
from hashbench.plugins.registry import METHODS
from hashbench.shallow import tsne
from tests.fake_cuda import planted
from tests.fake_cuda.allowed import ALLOWED, Allowed, faults
from tests.fake_cuda.device import CPU, CUDA, stand_in
from tests.fake_cuda.findings import FLOAT64, GENERATOR, MASK, MIXED, WAIT, Findings, MixedDevices
from tests.fake_cuda.methods import Subject, on_cpu, on_gpu, subjects
from tests.fake_cuda.parts import PARTS, real_values

pytestmark = pytest.mark.filterwarnings("ignore:CUDA is not available:UserWarning")
SLOW = {"bgan, released", "bgan, a network's encoder"}
EVERY = [pytest.param(name, marks=[pytest.mark.slow] if name in SLOW else []) for name in subjects()]
PLANTED = str(planted.__file__)


@pytest.fixture(autouse=True)
def short_tsne(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(tsne, "ITERATIONS", 3)


@pytest.mark.parametrize("name", EVERY)
def test_methods_mix_no_devices_and_wait_where_it_is_allowed(name: str) -> None:
    findings, subject = Findings(), Subject.named(name)
    codes = on_gpu(subject, findings)
    assert faults(name, findings.counts()) == []
    if not subject.trains_a_network:  # there are no gradients
        assert torch.equal(codes, on_cpu(subject))


@pytest.mark.parametrize("name", PARTS)
def test_parts_mix_no_devices_and_wait_where_it_is_allowed(name: str) -> None:
    findings = Findings()
    with stand_in(findings, float64=name == "codes"):  # of a shallow method
        values = PARTS[name](CUDA)
    assert faults(name, findings.counts()) == []
    for ours, theirs in zip(real_values(values), PARTS[name](CPU), strict=True):
        apart = 0.01 if name.startswith("losses of pictures") else 0.0  # whose ELU is torch's own on a GPU
        torch.testing.assert_close(torch.as_tensor(ours), torch.as_tensor(theirs), rtol=0, atol=apart)


def test_every_method_is_a_subject() -> None:
    assert {name for name in METHODS.names() if METHODS.is_shipped(name)} <= set(subjects())
    assert not {name for each in ALLOWED for name in each.subjects} - {*subjects(), *PARTS}


def seen_in(method: type[HashMethod]) -> Findings:
    """What is found in a run of a planted method."""
    findings, items = Findings((PLANTED,)), digits(20)
    with stand_in(findings, float64=True):  # as a shallow method's
        run = RunContext(CUDA, own_generator(0))
        fitted = method(8).fit(TrainingSet(items.features.to(CUDA)), run)
        fitted.encode(items.features.to(CUDA))
    return findings


def test_a_sound_method_has_none() -> None:
    assert seen_in(planted.Sound).seen == []


@pytest.mark.parametrize(
    ("method", "kinds", "function", "operation"),
    [
        (planted.CpuGenerator, {GENERATOR}, "drawn", "aten.randn.generator"),
        (planted.ReadsAValue, {WAIT}, "centre", "aten._local_scalar_dense.default"),
        (planted.NumpyRoundTrip, {WAIT}, "centre", "aten._to_copy.default"),
        (planted.MaskOnTheCpu, {MASK, WAIT}, "centre", "aten.index.Tensor"),
        (planted.Float64Constant, {FLOAT64}, "encode", "aten.mul.Tensor"),
    ],
)
def test_planted_faults_are_found(method: type[HashMethod], kinds: set[str], function: str, operation: str) -> None:
    found = seen_in(method).seen
    assert {(each.kind, each.place, each.operation) for each in found} == {
        (kind, f"fake_cuda/planted.py:{function}", operation) for kind in kinds
    }


def test_devices_that_are_mixed_end_the_run_with_the_place() -> None:
    with pytest.raises(MixedDevices, match=rf"fake_cuda/planted\.py:centre, line \d+: {MIXED} \(aten\.where"):
        seen_in(planted.ConditionOnTheCpu)


def test_arrays_of_the_gpu_are_refused() -> None:
    with pytest.raises(TypeError, match="can't convert cuda:0 device type tensor to numpy"):
        seen_in(planted.NumpyOfTheGpu)


def test_float64_is_found_in_what_computes_in_float32() -> None:
    findings = Findings()
    with stand_in(findings):
        torch.ones(2, device=CUDA).double()
    assert [each.kind for each in findings.seen] == [FLOAT64]


def test_what_is_allowed_is_counted_and_must_be_there() -> None:
    table = (Allowed(WAIT, "a.py:f", 2, ("mine",), "why"), Allowed(WAIT, "a.py:gone", 1, ("mine",), "why"))
    seen = Counter({(WAIT, "a.py:f"): 3, (WAIT, "a.py:g"): 1})
    assert faults("mine", seen, table) == [
        "mine: wait at a.py:f, 3 times, allowed 2",
        "mine: wait at a.py:g, 1 times",
        "mine: wait at a.py:gone is allowed and no longer there; take it out",
    ]
    assert faults("other", Counter(), table) == []

"""``checks``: the checks of one method, each a callable for pytest and an outcome for the command line."""

import traceback
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal

from hashbench.codes import check_bits
from hashbench.conformance import awkward, declarations, encoding, estimates, fitting, states
from hashbench.conformance.check import Check, Inapplicable
from hashbench.conformance.subject import CPU, FEATURES, NotFittedError, Subject
from hashbench.errors import ConformanceFailure, UsageError, in_words, unknown
from hashbench.method import HashMethod
from hashbench.plugins.hyperparameters import resolve_for_run
from hashbench.plugins.registry import METHODS

BITS = 16
Status = Literal["passed", "failed", "expected", "blocked", "not applicable"]
MODULES = (declarations, fitting, encoding, estimates, awkward, states)


@dataclass(frozen=True)
class Outcome:
    """What a check found.

    Attributes:
        name: of the check.
        wanted: the sentence that it looks for.
        status: "expected" is a failure whose reason was given beforehand; "blocked" could not be looked at, since the
            method was not fitted; "not applicable" has nothing to look at in this method.
        message: what was seen, what was wanted and the way out; the reason of the other three.
    """

    name: str
    wanted: str
    status: Status
    message: str = ""

    @property
    def ok(self) -> bool:
        """Whether nothing has to be done."""
        return self.status not in ("failed", "blocked")


@dataclass(frozen=True)
class MethodCheck:
    """A check of one method; calling it raises where it fails.

    Attributes:
        check: what is looked at.
        subject: the method, which the checks of one call share.
        reason: why it is expected to fail; empty where it is not.
    """

    check: Check
    subject: Subject
    reason: str = ""

    @property
    def __name__(self) -> str:
        """The check's name, which pytest shows."""
        return self.check.name

    def run(self) -> Outcome:
        """Look at the method; never raises."""
        name, wanted = self.check.name, self.check.wanted
        try:
            seen = self.check.look(self.subject)
        except Inapplicable as reason:
            return Outcome(name, wanted, "not applicable", str(reason))
        except NotFittedError:
            return Outcome(name, wanted, "blocked", f"{fitting.fits_digits.name} failed")
        except Exception as error:
            seen = f"it raised {in_words(error)}{self._place(error)}"
        if seen is not None and self.reason:
            return Outcome(name, wanted, "expected", f"{self.reason} ({seen})")
        if seen is not None:
            return Outcome(name, wanted, "failed", self.check.message(seen))
        if self.reason:
            return Outcome(
                name, wanted, "failed", f"it passes, and is expected to fail ({self.reason}); expect it no more"
            )
        return Outcome(name, wanted, "passed")

    def __call__(self) -> None:
        """Look at the method.

        Raises:
            ConformanceFailure: the check fails, or passes though it is expected to fail.
        """
        outcome = self.run()
        if not outcome.ok:
            raise ConformanceFailure(f"{self.subject.name}, {outcome.name}: {outcome.message}")

    def _place(self, error: Exception) -> str:
        """The line of the method's own file in which an error was raised."""
        own = str(self.subject.file)
        lines = [frame.lineno for frame in traceback.extract_tb(error.__traceback__) if frame.filename == own]
        return f" ({self.subject.file.name}:{lines[-1]})" if lines else ""


def all_checks() -> dict[str, Check]:
    """The checks by name, in their order."""
    found = [one for module in MODULES for one in vars(module).values() if isinstance(one, Check)]
    return {one.name: one for one in found}


def checks(
    method: str | type[HashMethod],
    bits: int = BITS,
    parameters: Mapping[str, Any] | None = None,
    expected: Mapping[str, str] | None = None,
) -> list[MethodCheck]:
    """The checks of a method, for ``pytest.mark.parametrize`` or to be run one by one.

    Args:
        method: its name, or its class.
        bits: code length of most checks.
        parameters: hyper-parameters that make its training short; others are those of the preset "quick" where there
            is one, else defaults.
        expected: for each check that the method cannot pass, by name, the reason; such a check passes while it fails.

    Raises:
        UsageError: an unknown method, hyper-parameter or check, or an expectation without a reason.
    """
    name, plugin = (method, METHODS.get(method)) if isinstance(method, str) else (method.__name__, method)
    expected, known = dict(expected or {}), all_checks()
    for one, reason in expected.items():
        if one not in known:
            raise unknown("check", one, known)
        if not reason.strip():
            raise UsageError(f"the check {one!r} is expected to fail without a reason; say why, as in {one}='...'")
    values = declarations.usable_parameters(name, plugin, dict(parameters or {}))
    values = resolve_for_run(plugin, values, FEATURES, CPU)
    subject = Subject(plugin, name, check_bits(bits), values)
    if parameters:
        _check_taken(subject)
    return [MethodCheck(one, subject, expected.get(one.name, "")) for one in known.values()]


def _check_taken(subject: Subject) -> None:
    """Check that the constructor takes the values that the caller chose.

    Raises:
        UsageError: it refuses one.
    """
    try:
        subject.make()
    except ValueError as error:
        raise UsageError(f"{subject.name} at {subject.bits} bits: {error}") from error

"""A check as GitHub's workflow commands, which annotate a run and its pull request."""

from collections.abc import Iterator

from hashbench.reporting.regression.outcome import Outcome


def github(report: Outcome) -> str:
    """A line for each annotation: errors for what fails, warnings for notes, notices for the rest.

    Errors come first, since GitHub shows ten of a kind.
    """
    return "".join(f"{line}\n" for line in _lines(report))


def _lines(report: Outcome) -> Iterator[str]:
    for finding in report.findings:
        if finding.failing:
            yield _command("error", f"{finding.verdict}: {finding.label}", finding.sentence)
    if report.exit_code == 3:
        yield _command("error", "hashbench check", report.summary)
    for note in report.notes:
        yield _command("warning", "hashbench check", note)
    for finding in report.findings:
        if finding.verdict in ("improved", "new"):
            yield _command("notice", f"{finding.verdict}: {finding.label}", finding.sentence)


def _command(kind: str, title: str, message: str) -> str:
    return f"::{kind} title={_property(title)}::{_data(message)}"


def _data(text: str) -> str:
    return text.replace("%", "%25").replace("\r", "%0D").replace("\n", "%0A")


def _property(text: str) -> str:
    return _data(text).replace(":", "%3A").replace(",", "%2C")

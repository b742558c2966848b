"""A check as JUnit XML: a suite for each table, a case for each figure.

All text of an outcome is plain already, so that nothing is left in it that XML cannot hold.
"""

from collections.abc import Sequence
from itertools import groupby
from xml.etree import ElementTree

from hashbench.reporting.regression.outcome import Item, Outcome


def junit(report: Outcome) -> str:
    """The document, the same for the same report; what fails the check is a failure, what is new is skipped."""
    root = ElementTree.Element("testsuites", {"name": "hashbench check", **_counts(report.findings)})
    for table_name, group in groupby(report.findings, key=lambda finding: finding.table_name):
        findings = list(group)
        suite = ElementTree.SubElement(root, "testsuite", {"name": table_name, **_counts(findings)})
        for finding in findings:
            _add(suite, table_name, finding)
    if report.exit_code == 3:
        suite = ElementTree.SubElement(root, "testsuite", name="nothing", tests="1", failures="0", errors="1")
        case = ElementTree.SubElement(suite, "testcase", classname="hashbench", name="something to compare")
        ElementTree.SubElement(case, "error", message=report.summary)
    if report.notes:
        suite = ElementTree.SubElement(root, "testsuite", name="notes", tests="0", failures="0", errors="0")
        ElementTree.SubElement(suite, "system-out").text = "\n".join(report.notes)
    ElementTree.indent(root, " ")
    return '<?xml version="1.0" encoding="utf-8"?>\n' + ElementTree.tostring(root, encoding="unicode") + "\n"


def _add(suite: ElementTree.Element, table_name: str, finding: Item) -> None:
    case = ElementTree.SubElement(suite, "testcase", classname=table_name, name=finding.label)
    message = finding.sentence
    if finding.failing:
        ElementTree.SubElement(case, "failure", type=finding.verdict, message=message).text = message
    elif finding.verdict == "new":
        ElementTree.SubElement(case, "skipped", message=message)
    else:
        ElementTree.SubElement(case, "system-out").text = f"{finding.verdict}: {message}"


def _counts(findings: Sequence[Item]) -> dict[str, str]:
    failures = sum(finding.failing for finding in findings)
    skipped = sum(finding.verdict == "new" for finding in findings)
    return {"tests": str(len(findings)), "failures": str(failures), "errors": "0", "skipped": str(skipped)}

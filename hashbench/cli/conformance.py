"""The verb ``conformance``."""

import json
from collections import Counter
from dataclasses import asdict
from typing import Any

import click

EXAMPLE = """\b
Examples:
  hashbench conformance itq
  hashbench conformance my_method --bits 32 --set my_method.epochs=1 \\
    --expect takes-64-items='it needs 100 neighbours'
"""
MARKS = {"passed": "ok", "failed": "FAILED", "expected": "expected", "not applicable": "-"}


@click.command("conformance", epilog=EXAMPLE)
@click.argument("name", metavar="METHOD")
@click.option("--bits", type=int, default=16, show_default=True, metavar="N", help="Code length of most checks.")
@click.option("--set", "parameters", multiple=True, metavar="METHOD.PARAMETER=VALUE", help="Change a hyper-parameter.")
@click.option("--expect", multiple=True, metavar="CHECK=REASON", help="Let a check fail, and say why it has to.")
@click.option("--json", "as_json", is_flag=True, help="Print as JSON.")
def command(name: str, bits: int, parameters: tuple[str, ...], expect: tuple[str, ...], as_json: bool) -> int:
    """Check a method against its contract, on digits and generated features, on the CPU.

    Its hyper-parameters are those of its preset "quick" where it has one, else its defaults. The same checks are there
    for pytest: from hashbench.conformance import checks. Exits with 1 if a check fails.
    """
    from hashbench.conformance import checks
    from hashbench.errors import UsageError
    from hashbench.planning.grid import parse_settings
    from hashbench.plugins.registry import METHODS

    given = parse_settings(parameters)
    if others := given.keys() - {name}:
        raise UsageError(f"--set has {min(others)!r}, and the method is {name}; write --set {name}.PARAMETER=VALUE")
    found = checks(name, bits, given.get(name, {}), _expected(expect))
    outcomes = []
    for one in found:
        outcomes.append(one.run())
        if not as_json and outcomes[-1].status != "blocked":
            _print(outcomes[-1], max(len(each.check.name) for each in found))
    if as_json:
        rows = [{"check": row.pop("name"), **row} for row in map(asdict, outcomes)]
        facts = {
            "method": name,
            "origin": METHODS.origin(name),
            "bits": bits,
            "parameters": found[0].subject.parameters,
        }
        click.echo(json.dumps({**facts, "checks": rows}, indent=1))
    else:
        counts = Counter[str](outcome.status for outcome in outcomes)
        numbers = ", ".join(f"{counts[status]} {status}" for status in MARKS if counts[status])
        if counts["blocked"]:
            numbers += f", {counts['blocked']} not looked at, since it could not be fitted"
        click.echo(f"{name} ({METHODS.origin(name)}) at {bits} bits: {numbers}")
    return 0 if all(outcome.ok for outcome in outcomes) else 1


def _expected(pairs: tuple[str, ...]) -> dict[str, str]:
    from hashbench.errors import UsageError

    for pair in pairs:
        if not all(part.strip() for part in pair.partition("=")):
            raise UsageError(
                f"--expect has {pair!r}, wanted CHECK=REASON, say takes-64-items='it needs 100 neighbours'"
            )
    return {check.strip(): reason.strip() for check, _, reason in (pair.partition("=") for pair in pairs)}


def _print(outcome: Any, width: int) -> None:
    from hashbench.errors import one_line

    click.echo(f"{MARKS[outcome.status]:<8}  {outcome.name:<{width}}  {one_line(outcome.message or outcome.wanted)}")

"""Every command of README and the pages parses, and every option is in them."""

import re
from pathlib import Path

import click
import pytest

from hashbench.cli.main import VERBS, cli
from hashbench.planning.suite import open_suite, suite_names
from tests.docs.pages import DOCS, PAGES, all_text, blocks, section


def verbs() -> dict[str, click.Command]:
    """The commands by what one types: "run", "data verify"."""
    found: dict[str, click.Command] = {}
    for name in VERBS:
        command = cli.get_command(click.Context(cli), name)
        assert command is not None
        group = command.commands.items() if isinstance(command, click.Group) else ()
        found |= {f"{name} {part}": each for part, each in group} or {name: command}
    return found


def options(command: click.Command) -> set[str]:
    return {option for parameter in command.params for option in parameter.opts if option.startswith("--")}


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_commands_parse(page: Path) -> None:
    known = verbs()
    for block in blocks(page):
        for words in block.calls() if block.language in ("sh", "yaml") else ():
            verb = next(" ".join(words[:n]) for n in (2, 1) if " ".join(words[:n]) in known)
            with known[verb].make_context(verb, words[len(verb.split()) :]):
                pass


def test_every_block_is_found() -> None:
    for page in PAGES:
        assert len(blocks(page)) == page.read_text().count("\n```") / 2, page
    assert sum(len(block.calls()) for page in PAGES for block in blocks(page)) > 60


def test_commands_name_no_weights_that_a_newcomer_lacks() -> None:
    commands = "".join(block.text for page in PAGES for block in blocks(page) if block.language == "sh")
    assert not re.search(r"\.(pth|pt|safetensors)\b", commands)


def test_the_table_of_suites_names_all_that_ship_and_how_long_they_take() -> None:
    rows = re.findall(r"^\| `([a-z-]+)` \| .* \| (.+) \|$", section(DOCS / "run.md", "Suites"), flags=re.M)
    times = dict(rows)
    assert sorted(times) == suite_names()
    for name, time in times.items():
        assert all(part in open_suite(name).time for part in re.findall(r"\d+ h(?: \d+ min)?|^\d+ min", time))


@pytest.mark.parametrize("verb", verbs())
def test_every_option_is_described(verb: str) -> None:
    """What no document mentions nobody finds: describe it, or remove it."""
    text = all_text()
    assert not [option for option in sorted(options(verbs()[verb])) if not re.search(rf"{option}(?![a-z-])", text)]

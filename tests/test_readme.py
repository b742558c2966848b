"""README's commands and code work."""

import re
from pathlib import Path

import click
import pytest

from hashbench.cli.main import VERBS, cli
from hashbench.planning.suite import open_suite, suite_names

ROOT = Path(__file__).parent.parent
README = ROOT / "README.md"

if not README.exists():
    pytest.skip("README.md is not beside the tests", allow_module_level=True)


def test_readmes_method_is_the_one_that_the_tests_run() -> None:
    blocks = re.findall(r"```python\n(.*?)```", README.read_text(), flags=re.S)
    plugin = next(block for block in blocks if "class FirstPixels" in block)
    file = (ROOT / "tests/plugin_root/methods/first_pixels.py").read_text()
    assert plugin.partition('"""\n')[2] == file.partition('"""\n')[2]


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


def test_readmes_commands_and_options_exist() -> None:
    blocks = re.findall(r"```(?:sh|yaml)\n(.*?)```", README.read_text(), flags=re.S)
    lines = "\n".join(blocks).replace("\\\n", " ").splitlines()
    calls = [call for line in lines for call in re.findall(r"hashbench ((?:data )?[a-z]+)([^#|&>)]*)", line)]
    assert len(calls) > 20
    for verb, words in calls:
        assert verb in verbs()
        assert set(re.findall(r"--[a-z-]+", words)) <= options(verbs()[verb]), words


def test_readmes_commands_name_no_weights_that_a_newcomer_lacks() -> None:
    blocks = re.findall(r"```sh\n(.*?)```", README.read_text(), flags=re.S)
    assert not re.search(r"\.(pth|pt|safetensors)\b", "".join(blocks))


def test_readmes_table_of_suites_names_all_that_ship_and_how_long_they_take() -> None:
    rows = re.findall(r"^\| `([a-z-]+)` \| .* \| (.+) \|$", README.read_text().partition("## Suites")[2], flags=re.M)
    times = dict(rows[: len(suite_names())])
    assert sorted(times) == suite_names()
    for name, time in times.items():
        assert all(part in open_suite(name).time for part in re.findall(r"\d+ h(?: \d+ min)?|^\d+ min", time))


@pytest.mark.parametrize("verb", verbs())
def test_every_option_is_in_readme(verb: str) -> None:
    """What no document mentions nobody finds: describe it, or remove it."""
    text = README.read_text()
    assert not [option for option in sorted(options(verbs()[verb])) if not re.search(rf"{option}(?![a-z-])", text)]

"""README's commands and code work."""

import re
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
README = ROOT / "README.md"

if not README.exists():
    pytest.skip("README.md is not beside the tests", allow_module_level=True)


def test_readmes_method_is_the_one_that_the_tests_run() -> None:
    blocks = re.findall(r"```python\n(.*?)```", README.read_text(), flags=re.S)
    plugin = next(block for block in blocks if "class FirstPixels" in block)
    file = (ROOT / "tests/plugin_root/methods/first_pixels.py").read_text()
    assert plugin.partition('"""\n')[2] == file.partition('"""\n')[2]


def test_readmes_commands_and_options_exist() -> None:
    from hashbench.cli.main import VERBS

    lines = re.findall(r"hashbench (\w+)", " ".join(re.findall(r"```sh\n(.*?)```", README.read_text(), flags=re.S)))
    assert lines
    assert set(lines) <= set(VERBS)

"""The rooms of the house: imports run downwards, and few modules are at the top."""

import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).parent.parent
AT_THE_TOP = 8


def test_rooms_import_downwards_and_plugins_no_plugin() -> None:
    command = [sys.executable, "-c", "from importlinter.cli import lint_imports_command as lint; lint()", "--no-cache"]
    checked = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False, timeout=120)
    assert checked.returncode == 0, checked.stdout


def test_few_modules_stand_at_the_top() -> None:
    modules = {file.name for file in (ROOT / "hashbench").glob("*.py")} - {"__init__.py", "__main__.py"}
    assert len(modules) <= AT_THE_TOP, sorted(modules)

"""The entry point: verbs by name, imported when called, so that --help is quick; errors in one line."""

import importlib
import sys
import traceback

import click

from hashbench.errors import UsageError, in_words
from hashbench.util.output import make_output_last
from hashbench.util.paths import naming_files
from hashbench.version import __version__

VERBS = {
    "run": "run",
    "list": "listing",
    "show": "show",
    "data": "data",
    "leaderboard": "leaderboard",
    "plot": "plot",
    "gallery": "gallery",
    "compare": "compare",
    "check": "check",
    "status": "status",
    "clean": "clean",
    "measure": "measure",
    "doctor": "doctor",
    "score": "score",
    "rescore": "rescore",
    "submit": "submit",
    "accept": "accept",
    "encode": "encode",
    "query": "query",
    "export": "export",
    "advise": "advise",
    "reproduce": "reproduce",
    "conformance": "conformance",
    "new": "new",
}


class Verbs(click.Group):
    """Finds a verb's module when it is called for."""

    def list_commands(self, ctx: click.Context) -> list[str]:  # noqa: ARG002 - click's signature
        """Names of all verbs, in the order of the help page."""
        return list(VERBS)

    def get_command(self, ctx: click.Context, name: str) -> click.Command | None:  # noqa: ARG002
        """The verb's command, or None."""
        if name not in VERBS:
            return None
        command: click.Command = importlib.import_module(f"hashbench.cli.{VERBS[name]}").command
        return command

    def invoke(self, ctx: click.Context) -> object:
        """Run the verb.

        Raises:
            RuntimeError: a plugin raised SystemExit, which would end the command with its exit code and no word.
        """
        try:
            return super().invoke(ctx)
        except SystemExit as error:
            frame = traceback.extract_tb(error.__traceback__)[-1]
            raise RuntimeError(f"{frame.filename}:{frame.lineno} ended the program: {in_words(error)}") from error


@click.group(cls=Verbs, context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 110})
@click.version_option(__version__, prog_name="hashbench")
@click.option("--debug", is_flag=True, help="Show the traceback of an error.")
def cli(debug: bool) -> None:
    """Train and compare hashing methods for image retrieval.

    \b
    Example:
      hashbench run --methods bgan,itq --bits 16,32,64
    """


def main() -> None:
    """Run the command line; exit with 0 fine, 1 something failed, 2 wrong usage."""
    debug = "--debug" in sys.argv[1:2]
    make_output_last()
    try:
        with naming_files():
            sys.exit(cli.main(prog_name="hashbench", standalone_mode=False) or 0)
    except UsageError as error:
        if debug:
            traceback.print_exc()
        _stop(f"hashbench: {error}", 2)
    except click.ClickException as error:
        error.show()
        sys.exit(error.exit_code)
    except (click.Abort, KeyboardInterrupt):
        _stop("hashbench: stopped", 1)
    except PermissionError as error:
        _stop(f"hashbench: {error.filename}: permission denied; make it readable and writable, or name another", 2)
    except Exception as error:
        if debug:
            raise
        _stop(f"hashbench: {type(error).__name__}: {error} (hashbench --debug shows where)", 1)


def _stop(line: str, code: int) -> None:
    click.echo(line, err=True)
    sys.exit(code)

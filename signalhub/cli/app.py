"""The group `signalhub`: settings in, errors as one line, exit codes 0 done, 1 failed, 2 wrong usage."""

from __future__ import annotations

import sys
import traceback
from collections.abc import Sequence

import click

from signalhub import __version__, settings
from signalhub.cli import database, demo, market, signals
from signalhub.cli.context import Context
from signalhub.errors import SignalhubError

_INTERRUPTED = 130


@click.group(context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 110})
@click.version_option(__version__, prog_name="signalhub")
@click.option("--debug", is_flag=True, help="Show where an error came from.")
@click.pass_context
def cli(context: click.Context, debug: bool) -> None:
    """Signalhub: trading signals from PostgreSQL, computed once, kept for ever.

    Settings come from SIGNALHUB_* in the environment or .env. Without SIGNALHUB_DATABASE_URL an embedded
    PostgreSQL under SIGNALHUB_HOME is started on demand.
    """
    context.obj = Context(settings.load(), debug)


for area in (database, market, signals, demo):
    for command in area.COMMANDS:
        cli.add_command(command)


def run(arguments: Sequence[str] | None = None) -> int:
    """Runs a command; what a person can cause becomes one line on stderr."""
    words = list(sys.argv[1:] if arguments is None else arguments)
    try:
        outcome = cli.main(words, prog_name="signalhub", standalone_mode=False)
        return outcome if isinstance(outcome, int) else 0
    except click.exceptions.Abort:
        print("signalhub: interrupted", file=sys.stderr)
        return _INTERRUPTED
    except click.ClickException as error:
        error.show()
        return error.exit_code
    except SignalhubError as error:
        return _told(error, error.exit_code, words)
    except BrokenPipeError:
        return 0
    except Exception as error:
        return _told(error, 1, words)


def _told(error: Exception, code: int, words: Sequence[str]) -> int:
    if "--debug" in words:
        traceback.print_exc()
    else:
        text = " ".join(str(error).split()) or type(error).__name__
        unknown = "" if isinstance(error, SignalhubError) else f"{type(error).__name__}: "
        print(f"signalhub: {unknown}{text}", file=sys.stderr)
    return code

"""The group `signalhub`: settings in, errors as one line, exit codes 0 done, 1 failed, 2 wrong usage."""

from __future__ import annotations

import itertools
import sys
import traceback
from collections.abc import Sequence

import click

from signalhub import __version__, settings
from signalhub.cli import (
    actions,
    address,
    audit,
    backfill,
    backtest,
    check,
    check_strategy,
    database,
    deliveries,
    demo,
    drift,
    endings,
    gaps,
    indicators,
    market,
    output,
    performance,
    quality,
    service,
    signals,
    subscribers,
    universe,
    verify,
)
from signalhub.cli.context import Context
from signalhub.errors import SignalhubError


@click.group(context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 110})
@click.version_option(__version__, prog_name="signalhub")
@click.option("--debug", is_flag=True, help="Show where an error came from.")
@click.pass_context
def cli(context: click.Context, debug: bool) -> None:
    """Signalhub: trading signals from PostgreSQL, computed once, kept for ever.

    Settings come from SIGNALHUB_* in the environment or .env. Without SIGNALHUB_DATABASE_URL an embedded
    PostgreSQL under SIGNALHUB_HOME is started on demand.
    """
    context.obj = Context(address.check(settings.load()), debug)


for area in (
    database,
    market,
    actions,
    backfill,
    gaps,
    quality,
    indicators,
    audit,
    signals,
    drift,
    verify,
    performance,
    backtest,
    subscribers,
    deliveries,
    service,
    check,
    check_strategy,
    demo,
    universe,
):
    for command in area.COMMANDS:
        cli.add_command(command)


def run(arguments: Sequence[str] | None = None) -> int:
    """Runs a command; what a person can cause becomes one line on stderr."""
    words = list(sys.argv[1:] if arguments is None else arguments)
    endings.unwind_on_signals()
    try:
        outcome = cli.main(words, prog_name="signalhub", standalone_mode=False)
        sys.stdout.flush()
        return outcome if isinstance(outcome, int) else 0
    except (click.exceptions.Abort, KeyboardInterrupt):
        return endings.told()
    except click.ClickException as error:
        error.show()
        return error.exit_code
    except BrokenPipeError:
        endings.forget_stdout()
        return 1
    except Exception as error:
        return endings.told() if endings.were_asked_for() else _told(error, words)


def _told(error: Exception, words: Sequence[str]) -> int:
    if "--debug" in itertools.takewhile(lambda word: word.startswith("-"), words):
        traceback.print_exc()
    else:
        text = " ".join(str(error).split()) or type(error).__name__
        unknown = "" if isinstance(error, SignalhubError) else f"{type(error).__name__}: "
        output.complain(f"{unknown}{text}")
    return error.exit_code if isinstance(error, SignalhubError) else 1

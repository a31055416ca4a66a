"""Entry point: wires settings, database and commands."""

from __future__ import annotations

import sys


def main() -> None:
    """The console script `signalhub`."""
    # Imported late: a process that helps one started by the console script imports this module, and needs no commands.
    from signalhub.cli.app import run

    sys.exit(run())


if __name__ == "__main__":
    main()

"""Entry point: wires settings, database and commands."""

from __future__ import annotations

import sys

from signalhub.cli.app import run


def main() -> None:
    """The console script `signalhub`."""
    sys.exit(run())


if __name__ == "__main__":
    main()

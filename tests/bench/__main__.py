"""`scripts/bench`: benchmarks on every edition found; see `run` for its options."""

from __future__ import annotations

import sys


def main() -> None:
    # Imported late: helpers of a benchmark are processes that import this module too, and need no benchmark.
    from tests.bench.run import run

    run(sys.argv[1:])


if __name__ == "__main__":
    main()

"""`scripts/bench`: benchmarks on every edition found, as ratios to a floor measured in the same run.

Options: names of benchmarks (default: all), --json FILE.
"""

from __future__ import annotations

import json
import os
import sys
from contextlib import ExitStack
from pathlib import Path

from signalhub.db.edition import POSTGRES, TIMESCALE
from tests import servers
from tests.bench import (
    api,
    backtesting,
    delivering,
    evaluating,
    importing,
    indicators,
    live,
    replaying,
    store,
    verifying,
)
from tests.bench.measure import Latency, Measurement, fresh_database

BENCHMARKS = {
    "import": importing.measure,
    "replay": replaying.measure,
    "evaluate": evaluating.measure,
    "deliver": delivering.measure,
    "api": api.measure,
    "live": live.measure,
    "store": store.measure,
    "indicators": indicators.measure,
    "backtest": backtesting.measure,
    "verify": verifying.measure,
}


def main() -> None:
    words = sys.argv[1:]
    report = Path(words[words.index("--json") + 1]) if "--json" in words else None
    chosen = [word for word in words if word in BENCHMARKS] or list(BENCHMARKS)
    editions = [POSTGRES, TIMESCALE] if servers.timescale_source() else [POSTGRES]
    print(f"{os.cpu_count()} cores, editions: {', '.join(editions)}")
    results: list[Measurement | Latency] = []
    with ExitStack() as stack:
        urls = servers.LazyServers(stack)
        for name in chosen:
            for edition in editions:
                with fresh_database(urls[edition], edition) as database:
                    for measured in BENCHMARKS[name](database):
                        results.append(measured)
                        print(measured.line())
    if report:
        report.write_text(json.dumps([vars(result) for result in results], indent=1))


# Helpers of a benchmark are processes that import this module again.
if __name__ == "__main__":
    main()

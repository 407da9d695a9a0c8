"""`python -m forecasting worker`: the worker as a service, or as a child of `tally up`."""

import argparse
import signal
import sys
from collections.abc import Sequence
from typing import NoReturn

from tally.core.environment import load_environment
from tally.core.errors import TallyError
from tally.core.paths import START, tally_home
from tally.core.text import printable_lines
from tally.local.console import print_line
from tally.local.home import Home

NO_DATABASE = (
    f"Missing: DATABASE_URL. Start Tally with `{START}`, which has a worker of its own, or set it to your "
    "project's connection string."
)


def main(arguments: Sequence[str]) -> int:
    """Work until the process is stopped; errors of the start are printed as one sentence."""
    signal.signal(signal.SIGTERM, signal.default_int_handler)  # until the worker has its own
    options = _make_parser().parse_args(arguments)
    try:
        database_url = load_environment().get("database_url")
        if database_url is None:
            raise TallyError(NO_DATABASE)
        _work(database_url, options)
    except TallyError as problem:
        print(printable_lines(str(problem)), file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        return 130


def _work(database_url: str, options: argparse.Namespace) -> NoReturn:
    from forecasting.jobs.surroundings import Surroundings
    from forecasting.jobs.worker import run_worker

    home = Home(tally_home()) if options.supervised else None
    surroundings = Surroundings(database_url, home, options.backups, print_line)
    run_worker(surroundings, ends_with_parent=options.supervised)


def _make_parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="python -m forecasting worker", description="Do what waits in the queue, and what is due."
    )
    parser.add_argument(
        "--supervised",
        action="store_true",
        help="keep logs in TALLY_HOME, print events for `tally up`, and end when standard input is closed",
    )
    parser.add_argument("--backups", action="store_true", help="make the nightly backup")
    return parser

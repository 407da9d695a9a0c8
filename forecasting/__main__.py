"""`python -m forecasting`: one nightly run; `python -m forecasting worker`: the worker of the queue."""

import argparse
import logging
import signal
import sys
from datetime import UTC, date, datetime, timedelta
from urllib.parse import urlsplit

from forecasting.workers.forkserver import warm_up
from tally.core.errors import TallyError
from tally.core.streams import prepare_streams
from tally.core.text import printable_lines

MAX_WORKERS = 64
EPILOG = """example: python -m forecasting --date 2026-11-01 --dry-run
         python -m forecasting --scheduler tcp://10.0.0.5:8786

exit codes: 0 done; 1 failed, with the reasons; 3 done but for some accounts, which are named and
            would fail again; 75 another run is in progress; 130 stopped"""


def main() -> int:
    """Parse the arguments, do the run, and print errors as one sentence."""
    prepare_streams()
    # A stop in the middle of a statement makes psycopg warn of the rollback that it then cannot do.
    logging.getLogger("psycopg").setLevel(logging.ERROR)
    if sys.argv[1:2] == ["worker"]:
        from forecasting.jobs import command  # needs none of what the nightly run needs

        return command.main(sys.argv[2:])
    arguments = _make_parser().parse_args()
    if arguments.workers != 0 and arguments.scheduler is None:
        warm_up()
    return _run(arguments)


def _make_parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="python -m forecasting",
        description="Forecast every account's spend in the next 30 days and this month.",
        epilog=EPILOG,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument(
        "--date", type=_parse_date, help="replay the run of this day, with the data known before it"
    )
    parser.add_argument("--dry-run", action="store_true", help="print the forecasts and write nothing")
    group = parser.add_mutually_exclusive_group()
    group.add_argument(
        "--workers", type=_parse_workers, help="processes; 0 forecasts in this one (default: one per core)"
    )
    group.add_argument(
        "--scheduler",
        type=_parse_scheduler,
        metavar="tcp://HOST:PORT",
        help="forecast on the Dask cluster of this scheduler",
    )
    return parser


def _run(arguments: argparse.Namespace) -> int:
    # Imported here, in parallel with the workers' import of Prophet, which takes as long.
    from forecasting.nightly import run
    from tally.core.settings import load_settings, require_database_url

    signal.signal(signal.SIGTERM, signal.default_int_handler)  # handle a service manager's stop like Ctrl-C
    try:
        settings = load_settings()
        options = run.Options(
            as_of=arguments.date,
            dry_run=arguments.dry_run,
            workers=arguments.workers,
            scheduler=arguments.scheduler,
            rates_address=None if settings.exchange_rates_url == "off" else settings.exchange_rates_url,
        )
        database_url = require_database_url(settings)
        code = run.run(database_url, options)
        if code in (run.DONE, run.PARTIAL) and not (options.dry_run or options.as_of):
            _drain_queue(database_url)
        return code
    except TallyError as problem:
        print(printable_lines(str(problem)), file=sys.stderr)
        return run.FAILED
    except KeyboardInterrupt:
        print("Stopped before anything was done.", file=sys.stderr)
        return run.INTERRUPTED


def _drain_queue(database_url: str) -> None:
    """Do what waits in the queue, unless a worker does."""
    from forecasting.nightly.database import connect, has_worker

    with connect(database_url) as connection:
        if has_worker(connection):
            return
    from forecasting.jobs.drain import drain

    drain(database_url)


def _parse_date(text: str) -> date:
    try:
        day = date.fromisoformat(text)
    except ValueError:
        raise argparse.ArgumentTypeError(f"{text!r} is not a date such as 2026-11-01") from None
    if day > datetime.now(UTC).date() + timedelta(days=1):  # tomorrow in UTC may be today further east
        raise argparse.ArgumentTypeError(f"{text} is in the future")
    return day


def _parse_workers(text: str) -> int:
    if not text.isascii() or not text.isdigit() or int(text) > MAX_WORKERS:
        raise argparse.ArgumentTypeError(f"{text!r} is not a number from 0 to {MAX_WORKERS}")
    return int(text)


def _parse_scheduler(text: str) -> str:
    try:
        parts = urlsplit(text)
        complete = parts.scheme in ("tcp", "tls") and parts.hostname and parts.port
    except ValueError:
        complete = None
    if not complete:
        raise argparse.ArgumentTypeError(f"{text!r} is not an address such as tcp://10.0.0.5:8786")
    return text


if __name__ == "__main__":
    sys.exit(main())

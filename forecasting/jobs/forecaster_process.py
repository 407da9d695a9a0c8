"""The program that forecasts changed workspaces: it reads their ids, and prints an answer for each."""

import logging
import os
import queue
import signal
import sys
import threading
from functools import partial
from importlib import import_module
from uuid import UUID

from forecasting.jobs.forecaster import FAILED, UNCHANGED, WAITS
from forecasting.workers.forkserver import warm_up

NICENESS = 5  # pages and saves come first


def main() -> None:
    """Forecast until standard input is closed, and then end at once, in the middle of a forecast as well."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    logging.basicConfig(format="%(asctime)s %(levelname)s %(message)s", level=logging.WARNING)
    os.nice(NICENESS)
    warm_up()
    answers, sys.stdout = sys.stdout, sys.stderr  # nothing else that is printed is taken for an answer
    import_module("forecasting.nightly.reforecast")
    lines: queue.Queue[str] = queue.Queue()
    threading.Thread(target=_read, args=(lines,), daemon=True).start()
    while True:
        answer = forecast_workspace(os.environ["DATABASE_URL"], UUID(lines.get().strip()))
        print(answer, file=answers, flush=True)


def forecast_workspace(database_url: str, workspace_id: UUID) -> str:
    """Forecast one workspace; the answer in a word."""
    # Imported here, in parallel with the workers' import of Prophet.
    from forecasting.nightly.database import connect, end_with_client
    from forecasting.nightly.reforecast import DaysWait, reforecast
    from forecasting.workers.pool import count_cores, stream_forecasts

    stream = partial(stream_forecasts, workers=count_cores())
    try:
        with connect(database_url) as connection:
            end_with_client(connection)
            count = reforecast(connection, workspace_id, stream)
    except DaysWait:
        return WAITS
    except Exception:
        logging.getLogger(__name__).exception("Workspace %s could not be forecast", workspace_id)
        return FAILED
    return UNCHANGED if count is None else str(count)


def _read(lines: "queue.Queue[str]") -> None:
    for line in sys.stdin:
        lines.put(line)
    os._exit(0)


if __name__ == "__main__":
    main()

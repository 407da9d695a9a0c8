"""The API as a process of its own: `python -m api --host 127.0.0.1 --port 8601`."""

import argparse
import sys

from api.app import assemble, load_parts
from tally.core.errors import TallyError
from tally.serving.probes import Readiness
from tally.serving.server import Server, make_config
from tally.serving.settings import load_serving_settings

STOP_SECONDS = 20  # what waits is saved first


def main() -> None:
    """Serve until a signal, then finish what was begun."""
    parser = argparse.ArgumentParser(prog="tally api")
    parser.add_argument("--host", default="127.0.0.1")
    parser.add_argument("--port", type=int, default=8601)
    options = parser.parse_args()
    try:
        drain_seconds = load_serving_settings().tally_drain_seconds
        parts = load_parts()
    except TallyError as problem:
        sys.exit(f"The API cannot start. {problem}")
    readiness = Readiness([parts.pool.check])
    config = make_config(assemble(parts).process(), readiness, options.host, options.port, STOP_SECONDS)
    Server(config, readiness, drain_seconds, "Tally answers programs").run()


main()

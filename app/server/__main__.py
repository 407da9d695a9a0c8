"""`tally web`: the dashboard as a process of its own, alone or one of several behind a balancer."""

import argparse
import sys

from tally.core.errors import TallyError
from tally.serving.server import Server, make_config
from tally.serving.settings import load_serving_settings

STOP_SECONDS = 10


def main() -> None:
    """Serve until a signal, then finish what was begun."""
    parser = argparse.ArgumentParser(prog="tally web")
    parser.add_argument("--host", default="127.0.0.1")
    parser.add_argument("--port", type=int, default=8501)
    options = parser.parse_args()
    try:
        drain_seconds = load_serving_settings().tally_drain_seconds
        from app.server.main import app, readiness  # checks its settings, too
    except TallyError as problem:
        sys.exit(f"Tally's dashboard cannot start. {problem}")
    config = make_config(app, readiness, options.host, options.port, STOP_SECONDS)
    Server(config, readiness, drain_seconds, "Tally shows its pages").run()


main()

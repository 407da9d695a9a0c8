"""The API as a process of its own: `python -m api --host 127.0.0.1 --port 8601`."""

import argparse
import os
import socket
import sys

import uvicorn

from api.app import create_api
from tally.core.errors import TallyError

STOP_SECONDS = 20  # what waits is saved first


class Server(uvicorn.Server):
    """A server that says when it answers, and where."""

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        """Bind, then say so."""
        await super().startup(sockets)
        if self.started:
            address = f"http://{self.config.host}:{self.config.port}"
            print(f"Tally answers programs at {address} (Ctrl-C stops it)", flush=True)


def main() -> None:
    """Serve until a signal, then finish what was begun."""
    parser = argparse.ArgumentParser(prog="tally api")
    parser.add_argument("--host", default="127.0.0.1")
    parser.add_argument("--port", type=int, default=8601)
    options = parser.parse_args()
    try:
        api = create_api()
    except TallyError as problem:
        sys.exit(f"The API cannot start. {problem}")
    config = uvicorn.Config(
        api.process(),
        host=options.host,
        port=options.port,
        log_level="warning",
        access_log=False,
        timeout_graceful_shutdown=STOP_SECONDS,
        server_header=False,
        forwarded_allow_ips=os.environ.get("FORWARDED_ALLOW_IPS", ""),
    )
    Server(config).run()


main()

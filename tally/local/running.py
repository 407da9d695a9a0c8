"""The stack without dashboard and scheduler: with its migrations, or its database alone for a backup."""

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from pydantic import SecretStr

from tally.local.console import print_line
from tally.local.home import Home, open_home
from tally.local.keys import load_keys, make_encryption_keys
from tally.local.lock import lock_home
from tally.local.migrations import push_migrations
from tally.local.node import INSTALLING, find_node, install_modules
from tally.local.ports import Ports, find_free_ports, refuse_taken_ports
from tally.local.settings import LocalSettings
from tally.local.stack import Listener, Stack, end_leftover, leftover_ports


@contextmanager
def running_stack(
    home: Path, port: int, smtp_url: str | None = None, migrated: bool = True, open_signup: bool = True
) -> Iterator[Stack]:
    """Run the stack on ports `port` + 1 to `port` + 3 with its data in `home`; stop it at the end.

    Anyone may sign up, unless `open_signup` is False.
    """
    local = LocalSettings(
        tally_port=port,
        smtp_url=SecretStr(smtp_url) if smtp_url else None,
        tally_open_signup=open_signup,
    )
    with _running(home, local) as stack:
        database_url = stack.settings()["DATABASE_URL"]
        if migrated:
            push_migrations(stack.home, stack.node, database_url)
        make_encryption_keys(stack.home, database_url)
        yield stack


@contextmanager
def running_database(home: Home) -> Iterator[Stack]:
    """Run the database alone, on a free port: neither of its APIs answers."""
    local = LocalSettings(tally_port=find_free_ports().dashboard)
    with _running(home.path, local, database_only=True) as stack:
        make_encryption_keys(home, stack.settings()["DATABASE_URL"])
        yield stack


@contextmanager
def _running(home: Path, local: LocalSettings, database_only: bool = False) -> Iterator[Stack]:
    opened, port = open_home(home), local.tally_port
    lock = lock_home(opened, "stack", port)
    try:
        end_leftover(opened)
        ports = Ports(port)
        refuse_taken_ports(ports, leftover_ports(opened, ports))
        node = find_node()
        install_modules(node, opened.logs / "install.log", lambda: print_line(f"{INSTALLING} …"))
        stack = Stack(opened, ports, load_keys(opened), node, local, lock, database_only)
        try:
            stack.start(Listener(), threading.Event())
            yield stack
        finally:
            stack.stop()
    finally:
        lock.release()

"""The stack with its migrations but without dashboard and scheduler, for tests and benchmarks."""

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from pydantic import SecretStr

from tally.local.home import open_home
from tally.local.keys import load_keys, make_encryption_keys
from tally.local.lock import lock_home
from tally.local.migrations import push_migrations
from tally.local.node import find_node, install_modules
from tally.local.ports import Ports, refuse_taken_ports
from tally.local.settings import LocalSettings
from tally.local.stack import Listener, Stack, end_leftover, leftover_ports


@contextmanager
def running_stack(
    home: Path, port: int, smtp_url: str | None = None, migrated: bool = True, open_signup: bool = True
) -> Iterator[Stack]:
    """Run the stack on ports `port` + 1 to `port` + 3 with its data in `home`; stop it at the end.

    Anyone may sign up, unless `open_signup` is False.
    """
    opened = open_home(home)
    lock = lock_home(opened, "stack", port)
    try:
        end_leftover(opened)
        ports = Ports(port)
        refuse_taken_ports(ports, leftover_ports(opened, ports))
        node = find_node()
        install_modules(node, opened.logs / "install.log")
        local = LocalSettings(
            tally_port=port,
            smtp_url=SecretStr(smtp_url) if smtp_url else None,
            tally_open_signup=open_signup,
        )
        stack = Stack(opened, ports, load_keys(opened), node, local, lock)
        try:
            stack.start(Listener(), threading.Event())
            if migrated:
                push_migrations(opened, node, stack.settings()["DATABASE_URL"])
            make_encryption_keys(opened, stack.settings()["DATABASE_URL"])
            yield stack
        finally:
            stack.stop()
    finally:
        lock.release()

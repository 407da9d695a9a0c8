"""The four consecutive ports of a run."""

import secrets
import socket
from dataclasses import dataclass

from tally.core.errors import TallyError

CANDIDATES = range(20_000, 32_000, 4)  # below the ports of outgoing connections
ATTEMPTS = 1000


@dataclass(frozen=True, slots=True)
class Ports:
    """The port of each part; all listen on the loopback address only."""

    dashboard: int

    @property
    def gateway(self) -> int:
        return self.dashboard + 1

    @property
    def postgres(self) -> int:
        return self.dashboard + 2

    @property
    def rest(self) -> int:
        return self.dashboard + 3

    def named(self) -> dict[str, int]:
        """Ports by the name of their part."""
        return {
            "the dashboard": self.dashboard,
            "the API gateway": self.gateway,
            "the database": self.postgres,
            "the data API": self.rest,
        }


def refuse_taken_ports(ports: Ports, ours: frozenset[int] = frozenset()) -> None:
    """Raise TallyError for the first port in use, except `ours`, which a leftover of an earlier run holds."""
    for part, port in ports.named().items():
        if port not in ours and not is_free(port):
            raise TallyError(
                f"Port {port}, which {part} needs, is in use by another program. "
                f"Stop that program, or choose another port, for example TALLY_PORT={ports.dashboard + 100}."
            )


def find_free_ports() -> Ports:
    """Ports of a stack that runs for a moment; random, for others may look for some at the same time."""
    for _ in range(ATTEMPTS):
        port = secrets.choice(CANDIDATES)
        ports = Ports(port)
        if all(map(is_free, ports.named().values())):
            return ports
    raise TallyError("No four neighbouring ports are free. Stop programs that listen on many.")


def is_free(port: int) -> bool:
    """True if a server could listen on this port now."""
    with socket.socket(socket.AF_INET, socket.SOCK_STREAM) as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind(("127.0.0.1", port))
        except OSError:
            return False
    return True

"""The settings with which each client sends its telemetry, to copy and paste.

`@ENDPOINT@` is the address of Tally without a path, `@KEY@` the whole key.
"""

from dataclasses import dataclass
from typing import Literal
from urllib.parse import urlsplit

Language = Literal["bash", "json", "python", "toml", "typescript", "yaml"] | None
Group = Literal["Coding agents", "Libraries", "Gateways and services", "By hand"]

EXAMPLE_ORIGIN = "https://tally.example"
NO_KEY = "YOUR_KEY"  # in place of a key that cannot be shown any more
LOCAL_HOSTS = frozenset({"localhost", "127.0.0.1", "::1"})


@dataclass(frozen=True, slots=True)
class Snippet:
    """Settings of one client. A client on the internet reaches only public addresses with HTTPS."""

    name: str
    title: str
    group: Group
    where: str
    template: str
    language: Language = "bash"
    note: str = ""
    is_on_internet: bool = False

    def fill(self, endpoint: str, key: str | None) -> str:
        """The text to paste, for the address of a Tally and a key."""
        filled = self.template.strip("\n").replace("@ENDPOINT@", endpoint.rstrip("/"))
        return filled.replace("@KEY@", key or NO_KEY)

    def explain_obstacle(self, endpoint: str) -> str:
        """The reason why the client cannot reach this address; empty if it can."""
        address = urlsplit(endpoint)
        if not self.is_on_internet or (address.scheme == "https" and address.hostname not in LOCAL_HOSTS):
            return ""
        return f"{self.title} sends over the internet. It needs a public address with HTTPS, not {endpoint}."

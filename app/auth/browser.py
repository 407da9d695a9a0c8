"""The browser behind a request, which the audit log names."""

import re
from dataclasses import dataclass

import streamlit as st

ADDRESS_HEADER = "X-App-Address"  # set by the gate: Streamlit does not tell an address of this machine
MAX_USER_AGENT = 300
ADDRESS = re.compile(r"[0-9A-Fa-f:.]{2,45}")


@dataclass(frozen=True, slots=True)
class Browser:
    """Address and program of a client, both as it claims; empty where unknown."""

    address: str = ""
    user_agent: str = ""

    def headers(self) -> dict[str, str]:
        """The headers in which Tally tells the database about the browser: it only sees this server."""
        address = self.address.partition("%")[0]  # without the zone of a link-local address
        printable = "".join(character for character in self.user_agent if " " <= character <= "~")
        found = {
            "x-tally-address": address if ADDRESS.fullmatch(address) else "",
            "x-tally-user-agent": printable[:MAX_USER_AGENT].strip(),
        }
        return {name: value for name, value in found.items() if value}


def current_browser() -> Browser:
    """The browser of the current run."""
    headers = st.context.headers
    return Browser(headers.get(ADDRESS_HEADER) or "", headers.get("User-Agent") or "")

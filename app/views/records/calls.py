"""Calls that the address of Records asks for, as advice names the rows behind it."""

from collections.abc import Mapping

from app import data

CALLS, AGENT, TIER, OVER = "calls", "agent", "tier", "over"
CALL_PARAMETERS = (CALLS, AGENT, TIER, OVER)
MOST_DIGITS = 9
SHOWN_LETTERS = 60


def read_calls(address: Mapping[str, str]) -> data.CallFilter | None:
    """The filter of an address; None without one. What is no number of tokens is any."""
    if CALLS not in address:
        return None
    over = address.get(OVER, "")
    is_number = over.isascii() and over.isdigit() and len(over) <= MOST_DIGITS
    return data.CallFilter(address.get(AGENT), address.get(TIER), int(over) if is_number else None)


def name_calls(calls: data.CallFilter) -> str:
    """The filter in words."""
    parts = ["Paid calls"]
    if calls.agent is not None:
        parts.append(calls.agent[:SHOWN_LETTERS] or "no agent")
    if calls.tier:
        parts.append(f"{calls.tier[:SHOWN_LETTERS]} tier")
    elif calls.tier == "":
        parts.append("standard tier")
    if calls.over is not None:
        parts.append(f"over {calls.over:,} input tokens")
    return " · ".join(parts)

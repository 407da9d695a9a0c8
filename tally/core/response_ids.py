"""The provider's id in the text of a response, for instruments that tell it nowhere else."""

import re

MAX_SEARCHED = 20_000  # characters
_ID = re.compile(
    r'\s*\{\s*"id":\s*"((?:msg_|resp_|gen-|chatcmpl-)[\w-]{1,100})"|.*?[^\\]"id":\s*"(chatcmpl-[\w-]{1,100})"',
    re.DOTALL,
)


def find_response_id(response: str) -> str:
    """The provider's id in a response that is written as JSON, which is no content; empty for none."""
    found = _ID.match(response[:MAX_SEARCHED]) if response[:1] in ("{", " ") else None
    return (found[1] or found[2]) if found else ""

"""The web server's access log, without tokens of invitations and keys, which belong into no address."""

import logging
import re

SECRET = re.compile(r"(token(?:=|%(?:25)*3D)|tly_)[^&\s\"]+", re.IGNORECASE)


class HideTokens(logging.Filter):
    """Replaces tokens and keys in the addresses of requests, encoded ones too."""

    def filter(self, record: logging.LogRecord) -> bool:
        if isinstance(record.args, tuple):
            record.args = tuple(
                SECRET.sub(r"\1…", arg) if isinstance(arg, str) else arg for arg in record.args
            )
        return True


def hide_tokens() -> None:
    """Keep tokens out of uvicorn's access log."""
    logging.getLogger("uvicorn.access").addFilter(HideTokens())

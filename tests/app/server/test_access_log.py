"""The access log: requests as uvicorn logs them, without tokens of invitations."""

import logging
from typing import Any

import pytest

from app.server.access_log import HideTokens, hide_tokens
from tests.every_case import every_case

FORMAT = '%s - "%s %s HTTP/%s" %d'
TOKEN = "a-Token_of-43-characters-which-nobody-may-see"


def logged(target: str) -> str:
    arguments: Any = ("127.0.0.1:5", "GET", target, "1.1", 200)
    record = logging.LogRecord(
        "uvicorn.access", logging.INFO, "", 0, '%s - "%s %s HTTP/%s" %d', arguments, None
    )
    assert HideTokens().filter(record)
    return record.getMessage()


@every_case(
    [
        (f"/invitation?token={TOKEN}", "/invitation?token=…"),
        (f"/invitation?a=1&token={TOKEN}&b=2", "/invitation?a=1&token=…&b=2"),
        (f"/login?next=%2Finvitation%3Ftoken%3D{TOKEN}", "/login?next=%2Finvitation%3Ftoken%3D…"),
        (f"/login?next=%252Finvitation%253Ftoken%253D{TOKEN}", "/login?next=%252Finvitation%253Ftoken%253D…"),
        ("/records?model=x", "/records?model=x"),
        ("/v1/costs?key=tly_a1B2c3D4&from=2026-01-01", "/v1/costs?key=tly_…&from=2026-01-01"),
    ]
)
def test_token_or_key_is_not_logged(target: str, shown: str) -> None:
    assert logged(target) == f'127.0.0.1:5 - "GET {shown} HTTP/1.1" 200'


def test_filter_is_in_front_of_the_log(caplog: pytest.LogCaptureFixture) -> None:
    hide_tokens()
    logger = logging.getLogger("uvicorn.access")
    with caplog.at_level(logging.INFO, "uvicorn.access"):
        logger.info(FORMAT, "127.0.0.1:5", "GET", f"/invitation?token={TOKEN}", "1.1", 200)

    assert TOKEN not in caplog.text
    assert "/invitation?token=…" in caplog.text
    logger.filters.clear()

"""Failing and hostile APIs: a clear sentence without the key, and bounded waiting."""

import gzip
import json
import logging
import traceback
from collections.abc import Iterator
from datetime import UTC, date, datetime, timedelta
from email.utils import format_datetime
from itertools import count
from typing import Any

import httpx
import pytest
from pydantic import SecretStr

from tally.connectors.client import ApiClient
from tally.connectors.connections import APIS
from tally.connectors.errors import (
    ConnectorError,
    KeyRefused,
    RequestRefused,
    Unavailable,
    UnreadableResponse,
)
from tally.connectors.hosts import Host, check_address
from tests.tally.connectors.clients import QUICK, client_of, load
from tests.tally.connectors.fake_providers import KEYS, FakeProviders, Fault, serve

TODAY = date(2026, 11, 20)
HTML = b"<html><title>Sign in to the hotel's network</title></html>"


@pytest.fixture(autouse=True)
def assert_no_key_in_logs(caplog: pytest.LogCaptureFixture) -> Iterator[None]:
    """Check after every test that no key was logged."""
    caplog.set_level(logging.DEBUG)
    yield
    assert not any(key in caplog.text for key in KEYS.values())


def refusal(providers: FakeProviders, dataset: str = "openai_api_costs", **limits: Any) -> ConnectorError:
    """Return the error of a failing fetch, after checking that neither it nor its traceback has the key."""
    with pytest.raises(ConnectorError) as caught:
        load(providers, dataset, **limits)
    shown = "".join(traceback.format_exception(caught.value)) + repr(caught.value)
    assert not any(key in shown for key in KEYS.values())
    assert str(caught.value).endswith(".")
    return caught.value


@pytest.mark.parametrize("provider", APIS)
def test_right_key_passes_the_check(providers: FakeProviders, provider: str) -> None:
    api = APIS[provider]
    with client_of(providers, api) as client:
        api.check(client, TODAY)
    [request] = providers.requests
    assert KEYS[provider] in "".join(request.headers.values())
    assert KEYS[provider] not in request.path + str(request.query)


@pytest.mark.parametrize("provider", APIS)
@pytest.mark.parametrize("status", [401, 403])
def test_refused_key_error_says_which_key_is_needed_and_how_to_get_it(
    providers: FakeProviders, provider: str, status: int
) -> None:
    api = APIS[provider]
    providers.fail("", Fault(status))
    with client_of(providers, api) as client, pytest.raises(KeyRefused) as caught:
        api.check(client, TODAY)
    assert api.key_name.lower() in str(caught.value).lower()
    assert "create" in str(caught.value).lower()
    assert len(providers.requests) == 1  # not retried


def test_unknown_key_is_refused(providers: FakeProviders) -> None:
    with client_of(providers, APIS["openai"], key="sk-proj-1234567890") as client, pytest.raises(KeyRefused):
        APIS["openai"].check(client, TODAY)


@pytest.mark.parametrize(
    "key", ["two words", "line\nbreak", "schlüssel-123", "x" * 2_000, "\x00", "a\r\nx-y: z"]
)
def test_malformed_key_is_neither_sent_nor_shown(providers: FakeProviders, key: str) -> None:
    with pytest.raises(KeyRefused) as caught:
        client_of(providers, APIS["anthropic"], key=key)
    assert key not in str(caught.value)
    assert providers.requests == []


def test_provider_message_with_the_key_is_not_shown(providers: FakeProviders) -> None:
    for message in (KEYS["openai"], f"Incorrect key {KEYS['openai'][4:16]}****"):
        providers.fail("costs", Fault(400, body=json.dumps({"error": {"message": message}}).encode()))
        assert str(refusal(providers)) == "OpenAI refused the request (HTTP 400)."


def test_refused_request_shows_the_provider_message(providers: FakeProviders) -> None:
    providers.fail("costs", Fault(400))
    error = refusal(providers)
    assert isinstance(error, RequestRefused)
    assert str(error) == "OpenAI refused the request (HTTP 400): Invalid value for 'group_by'."


@pytest.mark.parametrize(
    "body", [b"", b"{", b"[]", b'{"error": 7}', HTML, b'{"error": {"message": {"a": 1}}}']
)
def test_refusal_without_usable_message_is_a_sentence(providers: FakeProviders, body: bytes) -> None:
    providers.fail("costs", Fault(400, body=body))
    assert str(refusal(providers)) == "OpenAI refused the request (HTTP 400)."


@pytest.mark.parametrize("status", [408, 429, 500, 502, 503, 504, 529])
def test_transient_failure_is_retried(providers: FakeProviders, status: int) -> None:
    usual = load(providers, "openai_api_costs")
    providers.fail("costs", Fault(status), Fault(status, headers={"retry-after": "0"}))
    assert load(providers, "openai_api_costs") == usual
    assert len(providers.requests) == 4


@pytest.mark.parametrize("status", [429, 500, 503])
def test_lasting_failure_is_given_up_until_the_next_sync(providers: FakeProviders, status: int) -> None:
    providers.fail("costs", *[Fault(status)] * 10)
    error = refusal(providers)
    assert isinstance(error, Unavailable)
    assert "next sync" in str(error)
    assert len(providers.requests) == QUICK.attempts


def test_retry_after_is_honoured(providers: FakeProviders, monkeypatch: pytest.MonkeyPatch) -> None:
    waited: list[float] = []
    monkeypatch.setattr("time.sleep", lambda seconds: waited.append(seconds))
    soon = format_datetime(datetime.now(UTC) + timedelta(seconds=40), usegmt=True)
    providers.fail(
        "costs", Fault(429, headers={"retry-after": "7"}), Fault(429, headers={"retry-after": soon})
    )
    load(providers, "openai_api_costs", longest_pause_seconds=60)
    pauses = [seconds for seconds in waited if seconds > 1]
    assert pauses[0] == 7
    assert 1 < pauses[1] <= 40


def test_long_retry_after_is_reported_instead_of_waited_for(providers: FakeProviders) -> None:
    providers.fail("costs", Fault(429, headers={"retry-after": "86400"}))
    assert "wait 24 hours" in str(refusal(providers))
    assert len(providers.requests) == 1


@pytest.mark.parametrize("text", ["soon", "-5", "1e9", "²", "Wed, 99 Foo 2026", "9" * 400, ""])
def test_malformed_retry_after_is_ignored(providers: FakeProviders, text: str) -> None:
    headers = {"retry-after": text.encode().decode("latin-1")}
    providers.fail("costs", *[Fault(429, headers=headers)] * 3)
    assert isinstance(refusal(providers), Unavailable)


def test_slow_api_is_given_up(providers: FakeProviders) -> None:
    providers.fail("costs", *[Fault(delay_seconds=0.5)] * 3)
    assert "did not respond in time" in str(refusal(providers, read_seconds=0.05))


def test_unreachable_host_is_reported() -> None:
    with serve() as gone:
        pass
    assert "could not be reached" in str(refusal(gone))


def test_interrupted_connection_is_retried(providers: FakeProviders) -> None:
    usual = load(providers, "openai_api_costs")
    providers.fail("costs", Fault(cut_at=50))
    assert load(providers, "openai_api_costs") == usual


@pytest.mark.parametrize(
    "body",
    [
        b'{"object": "page", "data": [{"start_time": 17',
        b"",
        b"null",
        b'{"data": {}}',
        b'{"data": [1]}',
        b'{"data": [{"start_time": NaN}]}',
        b"[" * 100_000,
        b'{"data": [], "n": ' + b"9" * 10_000 + b"}",
        b"\xff\xfe\x00",
        b'{"data": [{"start_time": 99999999999999999, "end_time": 1}]}',
        b'{"data": [], "has_more": true}',
        b'{"data": [], "has_more": true, "next_page": 7}',
    ],
)
def test_undocumented_response_is_unreadable(providers: FakeProviders, body: bytes) -> None:
    providers.fail("costs", Fault(body=body))
    assert isinstance(refusal(providers), UnreadableResponse)


@pytest.mark.parametrize("kind", ["text/html; charset=utf-8", "application/octet-stream", ""])
def test_response_that_is_not_json_is_attributed_to_the_network(providers: FakeProviders, kind: str) -> None:
    providers.fail("costs", Fault(body=HTML, content_type=kind))
    assert "instead of JSON" in str(refusal(providers))


def test_repeated_page_is_detected(providers: FakeProviders) -> None:
    providers.fail(
        "costs", *[Fault(change=lambda page: page | {"has_more": True, "next_page": "page_0"})] * 9
    )
    assert "repeats a page" in str(refusal(providers))
    assert len(providers.requests) == 2


def test_endless_pages_are_bounded(providers: FakeProviders) -> None:
    numbers = count()
    endless = Fault(change=lambda page: page | {"has_more": True, "next_page": f"page_{next(numbers)}"})
    providers.fail("costs", *[endless] * 30)
    assert "has too many pages" in str(refusal(providers, pages=20))
    assert len(providers.requests) == 20


def test_huge_response_is_not_read_to_its_end(providers: FakeProviders) -> None:
    providers.fail("costs", Fault(body=b" " * 3_000_000))
    assert "longer than 1,024 KB" in str(refusal(providers, response_bytes=1024 * 1024))


def test_decompression_bomb_is_not_unpacked(providers: FakeProviders) -> None:
    bomb = gzip.compress(b" " * 30_000_000)
    providers.fail("costs", Fault(body=bomb, headers={"content-encoding": "gzip"}))
    assert "longer than" in str(refusal(providers, response_bytes=1024 * 1024))


def test_total_size_of_pages_is_bounded(providers: FakeProviders) -> None:
    numbers = count()

    def enlarge(page: dict[str, object]) -> dict[str, object]:
        return page | {"has_more": True, "next_page": f"page_{next(numbers)}", "padding": " " * 10_000}

    providers.fail("costs", *[Fault(change=enlarge)] * 20)
    refusal(providers, listing_bytes=50_000)
    assert len(providers.requests) < 10


@pytest.mark.parametrize("status", [301, 302, 307, 308])
def test_key_is_not_sent_to_a_redirect_target(providers: FakeProviders, status: int) -> None:
    with serve() as elsewhere:
        target = f"{elsewhere.base_url('openai')}/organization/costs"
        providers.fail("costs", Fault(status, headers={"location": target}))
        assert "another address" in str(refusal(providers))
        assert elsewhere.requests == []


@pytest.mark.parametrize(
    "address",
    ["http://api.openai.com/v1", "ftp://localhost", "https://", "file:///etc/passwd", "", "localhost"],
)
def test_key_is_sent_only_over_https(address: str) -> None:
    with pytest.raises(ConnectorError, match="not https"):
        check_address(Host("OpenAI", address, ""))


def test_repr_of_a_client_does_not_show_its_key() -> None:
    secret = SecretStr(KEYS["anthropic"])
    api = APIS["anthropic"]
    with ApiClient(Host("Anthropic", "https://example.invalid", ""), secret, api.headers(secret)) as client:
        shown = repr(client) + str(vars(client)) + repr(client._http)
    assert KEYS["anthropic"] not in shown
    assert isinstance(client._http, httpx.Client)

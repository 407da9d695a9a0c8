"""APIs that fail or are hostile: a clear sentence each, without the key, and an end to every wait."""

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
from tally.connectors.errors import (
    ConnectorError,
    KeyRefused,
    RequestRefused,
    Unavailable,
    UnreadableResponse,
)
from tally.connectors.hosts import Host, check_address
from tests.tally.connectors.clients import APIS, QUICK, client_of, load
from tests.tally.connectors.fake_providers import KEYS, FakeProviders, Fault, serve

TODAY = date(2026, 11, 20)
HTML = b"<html><title>Sign in to the hotel's network</title></html>"


@pytest.fixture(autouse=True)
def no_key_in_any_log(caplog: pytest.LogCaptureFixture) -> Iterator[None]:
    """Whatever happens in a test of this file."""
    caplog.set_level(logging.DEBUG)
    yield
    assert not any(key in caplog.text for key in KEYS.values())


def refusal(providers: FakeProviders, dataset: str = "openai_api_costs", **limits: Any) -> ConnectorError:
    """The error of a fetch that does not succeed; neither it nor its traceback holds the key."""
    with pytest.raises(ConnectorError) as caught:
        load(providers, dataset, **limits)
    told = "".join(traceback.format_exception(caught.value)) + repr(caught.value)
    assert not any(key in told for key in KEYS.values())
    assert str(caught.value).endswith(".")
    return caught.value


@pytest.mark.parametrize("provider", APIS)
def test_the_right_key_passes_the_check(providers: FakeProviders, provider: str) -> None:
    api = APIS[provider]
    with client_of(providers, api) as client:
        api.check(client, TODAY)
    [asked] = providers.asked
    assert KEYS[provider] in "".join(asked.headers.values())
    assert KEYS[provider] not in asked.path + str(asked.query)


@pytest.mark.parametrize("provider", APIS)
@pytest.mark.parametrize("status", [401, 403])
def test_a_refused_key_is_told_which_key_is_needed_and_where_to_get_it(
    providers: FakeProviders, provider: str, status: int
) -> None:
    api = APIS[provider]
    providers.fail("", Fault(status))
    with client_of(providers, api) as client, pytest.raises(KeyRefused) as caught:
        api.check(client, TODAY)
    assert api.key_name.lower() in str(caught.value).lower()
    assert "create" in str(caught.value).lower()
    assert len(providers.asked) == 1  # asking again would not help


def test_a_key_of_somebody_else_is_refused(providers: FakeProviders) -> None:
    with client_of(providers, APIS["openai"], key="sk-proj-1234567890") as client, pytest.raises(KeyRefused):
        APIS["openai"].check(client, TODAY)


@pytest.mark.parametrize(
    "key", ["two words", "line\nbreak", "schlüssel-123", "x" * 2_000, "\x00", "a\r\nx-y: z"]
)
def test_what_cannot_be_a_key_is_not_sent_and_not_repeated(providers: FakeProviders, key: str) -> None:
    with pytest.raises(KeyRefused) as caught:
        client_of(providers, APIS["anthropic"], key=key)
    assert key not in str(caught.value)
    assert providers.asked == []


def test_the_provider_repeating_the_key_is_not_repeated(providers: FakeProviders) -> None:
    for message in (KEYS["openai"], f"Incorrect key {KEYS['openai'][4:16]}****"):
        providers.fail("costs", Fault(400, body=json.dumps({"error": {"message": message}}).encode()))
        assert str(refusal(providers)) == "OpenAI refused the request (HTTP 400)."


def test_a_refused_request_says_what_the_provider_says(providers: FakeProviders) -> None:
    providers.fail("costs", Fault(400))
    error = refusal(providers)
    assert isinstance(error, RequestRefused)
    assert str(error) == "OpenAI refused the request (HTTP 400): Invalid value for 'group_by'."


@pytest.mark.parametrize(
    "body", [b"", b"{", b"[]", b'{"error": 7}', HTML, b'{"error": {"message": {"a": 1}}}']
)
def test_a_refusal_in_any_form_is_a_sentence(providers: FakeProviders, body: bytes) -> None:
    providers.fail("costs", Fault(400, body=body))
    assert str(refusal(providers)) == "OpenAI refused the request (HTTP 400)."


@pytest.mark.parametrize("status", [408, 429, 500, 502, 503, 504, 529])
def test_what_may_pass_is_tried_again(providers: FakeProviders, status: int) -> None:
    usual = load(providers, "openai_api_costs")
    providers.fail("costs", Fault(status), Fault(status, headers={"retry-after": "0"}))
    assert load(providers, "openai_api_costs") == usual
    assert len(providers.asked) == 4


@pytest.mark.parametrize("status", [429, 500, 503])
def test_what_does_not_pass_is_given_up_until_the_next_sync(providers: FakeProviders, status: int) -> None:
    providers.fail("costs", *[Fault(status)] * 10)
    error = refusal(providers)
    assert isinstance(error, Unavailable)
    assert "next sync" in str(error)
    assert len(providers.asked) == QUICK.attempts


def test_retry_after_is_waited_for(providers: FakeProviders, monkeypatch: pytest.MonkeyPatch) -> None:
    waited: list[float] = []
    monkeypatch.setattr("time.sleep", lambda seconds: waited.append(seconds))
    soon = format_datetime(datetime.now(UTC) + timedelta(seconds=40), usegmt=True)
    providers.fail(
        "costs", Fault(429, headers={"retry-after": "7"}), Fault(429, headers={"retry-after": soon})
    )
    load(providers, "openai_api_costs", longest_pause_seconds=60)
    asked = [seconds for seconds in waited if seconds > 1]
    assert asked[0] == 7
    assert 1 < asked[1] <= 40


def test_a_long_retry_after_is_told_instead_of_waited_for(providers: FakeProviders) -> None:
    providers.fail("costs", Fault(429, headers={"retry-after": "86400"}))
    assert "wait 24 hours" in str(refusal(providers))
    assert len(providers.asked) == 1


@pytest.mark.parametrize("text", ["soon", "-5", "1e9", "²", "Wed, 99 Foo 2026", "9" * 400, ""])
def test_a_senseless_retry_after_is_no_stumbling_block(providers: FakeProviders, text: str) -> None:
    headers = {"retry-after": text.encode().decode("latin-1")}
    providers.fail("costs", *[Fault(429, headers=headers)] * 3)
    assert isinstance(refusal(providers), Unavailable)


def test_a_slow_api_is_given_up(providers: FakeProviders) -> None:
    providers.fail("costs", *[Fault(delay_seconds=0.5)] * 3)
    assert "did not respond in time" in str(refusal(providers, read_seconds=0.05))


def test_nobody_listening_is_said() -> None:
    with serve() as gone:
        pass
    assert "could not be reached" in str(refusal(gone))


def test_a_connection_that_breaks_off_is_tried_again(providers: FakeProviders) -> None:
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
def test_an_answer_that_is_not_as_documented_changes_nothing(providers: FakeProviders, body: bytes) -> None:
    providers.fail("costs", Fault(body=body))
    assert isinstance(refusal(providers), UnreadableResponse)


@pytest.mark.parametrize("kind", ["text/html; charset=utf-8", "application/octet-stream", ""])
def test_what_is_not_json_is_said_to_come_from_elsewhere(providers: FakeProviders, kind: str) -> None:
    providers.fail("costs", Fault(body=HTML, content_type=kind))
    assert "instead of JSON" in str(refusal(providers))


def test_pages_that_lead_in_a_circle_are_noticed(providers: FakeProviders) -> None:
    providers.fail(
        "costs", *[Fault(change=lambda page: page | {"has_more": True, "next_page": "page_0"})] * 9
    )
    assert "repeats a page" in str(refusal(providers))
    assert len(providers.asked) == 2


def test_pages_that_never_end_are_ended(providers: FakeProviders) -> None:
    numbers = count()
    endless = Fault(change=lambda page: page | {"has_more": True, "next_page": f"page_{next(numbers)}"})
    providers.fail("costs", *[endless] * 30)
    assert "has too many pages" in str(refusal(providers, pages=20))
    assert len(providers.asked) == 20


def test_a_huge_answer_is_not_read_to_its_end(providers: FakeProviders) -> None:
    providers.fail("costs", Fault(body=b" " * 3_000_000))
    assert "longer than 1,024 KB" in str(refusal(providers, response_bytes=1024 * 1024))


def test_a_small_answer_that_unpacks_to_a_huge_one_is_not_unpacked(providers: FakeProviders) -> None:
    bomb = gzip.compress(b" " * 30_000_000)
    providers.fail("costs", Fault(body=bomb, headers={"content-encoding": "gzip"}))
    assert "longer than" in str(refusal(providers, response_bytes=1024 * 1024))


def test_many_large_pages_are_too_much_together(providers: FakeProviders) -> None:
    numbers = count()

    def fatten(page: dict[str, object]) -> dict[str, object]:
        return page | {"has_more": True, "next_page": f"page_{next(numbers)}", "padding": " " * 10_000}

    providers.fail("costs", *[Fault(change=fatten)] * 20)
    refusal(providers, listing_bytes=50_000)
    assert len(providers.asked) < 10


@pytest.mark.parametrize("status", [301, 302, 307, 308])
def test_the_key_is_not_taken_to_another_address(providers: FakeProviders, status: int) -> None:
    with serve() as elsewhere:
        target = f"{elsewhere.base_url('openai')}/organization/costs"
        providers.fail("costs", Fault(status, headers={"location": target}))
        assert "another address" in str(refusal(providers))
        assert elsewhere.asked == []


@pytest.mark.parametrize(
    "address",
    ["http://api.openai.com/v1", "ftp://localhost", "https://", "file:///etc/passwd", "", "localhost"],
)
def test_a_key_goes_over_https_or_nowhere(address: str) -> None:
    with pytest.raises(ConnectorError, match="not https"):
        check_address(Host("OpenAI", address, ""))


def test_a_client_does_not_show_its_key() -> None:
    secret = SecretStr(KEYS["anthropic"])
    api = APIS["anthropic"]
    with ApiClient(Host("Anthropic", "https://example.invalid", ""), secret, api.headers(secret)) as client:
        shown = repr(client) + str(vars(client)) + repr(client._http)
    assert KEYS["anthropic"] not in shown
    assert isinstance(client._http, httpx.Client)

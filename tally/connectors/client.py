"""Asking a provider's API: patient, bounded, and every way it can fail is a sentence without the key."""

import json
import re
import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from decimal import Decimal
from email.utils import parsedate_to_datetime
from types import TracebackType
from typing import Any, NoReturn, Self
from urllib.parse import urlsplit

import httpx
from pydantic import SecretStr

from tally.core.errors import TallyError
from tally.core.tls import certificates
from tally.importers.readers.table import quote

Query = Sequence[tuple[str, str | int]]

RETRIED = frozenset({408, 429, 500, 502, 503, 504, 529})  # 529 is Anthropic's word for overloaded
LOCAL_HOSTS = ("localhost", "127.0.0.1", "::1")
LONGEST_KEY = 1_000
LONGEST_EXPLANATION = 200
EXPLANATION_BYTES = 65_536
_KEY = re.compile(r"[!-~]+")
TOLD_APART = 8  # as many characters of a key in a row as nobody may read in a sentence


class CollectError(TallyError):
    """A provider's API did not give what was asked for."""


class KeyRefused(CollectError):
    """The provider does not know this key, or not for this purpose."""


class RequestRefused(CollectError):
    """The provider refuses this request; others may do."""

    def __init__(self, sentence: str, status: int) -> None:
        super().__init__(sentence)
        self.status = status


class Unavailable(CollectError):
    """No answer after several tries; later there may be one."""


class AnswerUnreadable(CollectError):
    """An answer that is not what the provider's documentation says."""


@dataclass(frozen=True, slots=True)
class Limits:
    """How long to wait, and how much to take from whoever answers."""

    connect_seconds: float = 10
    read_seconds: float = 60  # between two pieces of an answer
    answer_seconds: float = 180
    answer_bytes: int = 32 * 1024 * 1024
    pages: int = 1_000
    listing_bytes: int = 256 * 1024 * 1024  # all pages of one listing
    pauses_seconds: tuple[float, ...] = (1, 2, 4, 8)  # before each further try
    longest_pause_seconds: float = 90


# Somebody is waiting in front of a form.
HASTY = Limits(read_seconds=20, answer_seconds=30, pauses_seconds=(1,), longest_pause_seconds=5)


@dataclass(frozen=True, slots=True)
class Host:
    """Whose API it is and what a person needs to know about its keys."""

    title: str
    base_url: str
    key_advice: str


class _TryAgain(Exception):
    """This attempt failed for a reason that may pass."""

    def __init__(self, sentence: str, after_seconds: float | None = None) -> None:
        super().__init__(sentence)
        self.after_seconds = after_seconds


class ApiClient:
    """One key at one host: never sent anywhere else, never in a sentence."""

    def __init__(
        self, host: Host, key: SecretStr, headers: Mapping[str, str], limits: Limits | None = None
    ) -> None:
        check_address(host)
        check_key(key)
        self.host = host
        self.limits = limits or Limits()
        self._key = key
        self._http = httpx.Client(
            base_url=host.base_url.rstrip("/") + "/",
            headers={"user-agent": "tally", "accept": "application/json", **headers},
            timeout=httpx.Timeout(self.limits.read_seconds, connect=self.limits.connect_seconds),
            follow_redirects=False,
            verify=certificates(),
        )

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._http.close()

    def get(self, path: str, query: Query = (), headers: Mapping[str, str] | None = None) -> dict[str, Any]:
        """The answer's object, its fractions as Decimal; raises CollectError."""
        return self._get(path, query, headers)[0]

    def list_pages(
        self, path: str, query: Query = (), headers: Mapping[str, str] | None = None
    ) -> Iterator[list[Any]]:
        """`data` of every page, in order; ends with a sentence where the pages never would."""
        tokens: set[str] = set()
        following: list[tuple[str, str | int]] = []
        size = 0
        for _ in range(self.limits.pages):
            answer, bytes_read = self._get(path, [*query, *following], headers)
            size += bytes_read
            if size > self.limits.listing_bytes:
                break
            page = answer.get("data")
            if not isinstance(page, list):
                self._misread('has no list "data"')
            yield page
            token = answer.get("next_page")
            if answer.get("has_more") is False or (token is None and not answer.get("has_more")):
                return
            if not isinstance(token, str) or not token:
                self._misread("says that there is more but not where")
            if token in tokens:
                self._misread("leads from page to page in a circle")
            tokens.add(token)
            following = [("page", token)]
        self._misread("does not come to an end")

    def _get(self, path: str, query: Query, headers: Mapping[str, str] | None) -> tuple[dict[str, Any], int]:
        content = self._ask_patiently(path, query, headers)
        try:
            answer = json.loads(content, parse_float=Decimal, parse_constant=_refuse_constant)
        except (ValueError, RecursionError):
            self._misread("is not complete JSON")
        if not isinstance(answer, dict):
            self._misread("is not a JSON object")
        return answer, len(content)

    def _ask_patiently(self, path: str, query: Query, headers: Mapping[str, str] | None) -> bytes:
        for pause in self.limits.pauses_seconds:
            try:
                return self._ask(path, query, headers)
            except _TryAgain as failure:
                self._wait(failure, pause)
        try:
            return self._ask(path, query, headers)
        except _TryAgain as failure:
            raise Unavailable(f"{failure} Tally tries again at the next sync.") from None

    def _wait(self, failure: _TryAgain, pause_seconds: float) -> None:
        asked = failure.after_seconds or 0
        if asked > self.limits.longest_pause_seconds:
            raise Unavailable(
                f"{failure} It asks to wait {describe_seconds(asked)}; Tally goes on at the next sync."
            ) from None
        time.sleep(max(asked, pause_seconds))

    def _ask(self, path: str, query: Query, headers: Mapping[str, str] | None) -> bytes:
        # No error of httpx is kept as a cause: some quote the headers, and the key is one of them.
        try:
            with self._http.stream("GET", path, params=list(query), headers=headers) as answer:
                self._check(answer)
                return self._read(answer, self.limits.answer_bytes)
        except httpx.TimeoutException:
            raise _TryAgain(f"{self.host.title} did not answer in time.") from None
        except httpx.DecodingError:
            self._misread("cannot be decompressed")
        except httpx.TransportError:
            raise _TryAgain(f"{self.host.title} could not be reached, or the connection broke off.") from None

    def _check(self, answer: httpx.Response) -> None:
        """Raise what the status means; 200 with JSON passes."""
        title, status = self.host.title, answer.status_code
        if status == 429:
            raise _TryAgain(f"{title} has had too many requests from this account.", _retry_after(answer))
        if status in RETRIED:
            raise _TryAgain(f"{title} has a problem of its own (HTTP {status}).", _retry_after(answer))
        if status == 401:
            raise KeyRefused(f"{title} does not accept this key. {self.host.key_advice}")
        if status == 403:
            raise KeyRefused(f"{title} does not let this key read usage. {self.host.key_advice}")
        if 300 <= status < 400:
            raise AnswerUnreadable(
                f"{title} points to another address (HTTP {status}). Tally does not take a key elsewhere; "
                "check that nothing between here and there redirects requests."
            )
        if status != 200:
            sentence = f"{title} refused the request (HTTP {status}){self._explanation(answer)}."
            raise RequestRefused(sentence, status)
        kind = answer.headers.get("content-type", "").split(";")[0].strip().lower()
        if kind != "application/json" and not kind.endswith("+json"):
            raise AnswerUnreadable(
                f"{title} answered with {quote(kind or 'nothing')} instead of JSON. "
                "Perhaps a proxy or a sign-in page of your network answers in its place."
            )

    def _read(self, answer: httpx.Response, most_bytes: int) -> bytes:
        pieces: list[bytes] = []
        size, until = 0, time.monotonic() + self.limits.answer_seconds
        for piece in answer.iter_bytes():
            size += len(piece)
            if size > most_bytes:
                self._misread(f"is longer than {most_bytes // 1024:,} KB")
            if time.monotonic() > until:
                raise _TryAgain(f"{self.host.title} did not finish its answer in time.")
            pieces.append(piece)
        return b"".join(pieces)

    def _explanation(self, answer: httpx.Response) -> str:
        """What the provider says itself, unless it repeats the key or is no sentence."""
        try:
            body = json.loads(self._read(answer, EXPLANATION_BYTES))
            error = body["error"]
            message = error["message"] if isinstance(error, dict) else error
        except (ValueError, RecursionError, KeyError, TypeError, CollectError, _TryAgain):
            return ""
        if not isinstance(message, str) or not message.strip() or self._is_in(message):
            return ""
        shown = " ".join(message.split()).rstrip(".")[:LONGEST_EXPLANATION]
        return ": " + "".join(character for character in shown if character.isprintable())

    def _is_in(self, text: str) -> bool:
        key = self._key.get_secret_value()
        parts = (key[start : start + TOLD_APART] for start in range(max(1, len(key) - TOLD_APART + 1)))
        return any(part in text for part in parts)

    def _misread(self, what: str) -> NoReturn:
        raise misread(self.host.title, what)


def misread(title: str, what: str) -> AnswerUnreadable:
    """The sentence for an answer that cannot be used."""
    return AnswerUnreadable(
        f"{title}'s answer {what}. Nothing was changed for the days it was about; sync again later."
    )


def bearer(key: SecretStr) -> dict[str, str]:
    """The header that most APIs take a key in."""
    return {"authorization": f"Bearer {key.get_secret_value()}"}


def check_key(key: SecretStr) -> None:
    """Raise KeyRefused for what cannot be a key: it would break the header that carries it."""
    if not key:
        raise KeyRefused("Paste the key.")
    if len(key) > LONGEST_KEY or not _KEY.fullmatch(key.get_secret_value()):
        raise KeyRefused("This is not a key: copy it again, without spaces or line breaks.")


def check_address(host: Host) -> None:
    """A key travels encrypted, or not beyond this machine."""
    address = urlsplit(host.base_url)
    if address.scheme == "https" and address.hostname:
        return
    if address.scheme != "http" or address.hostname not in LOCAL_HOSTS:
        raise CollectError(
            f"The address of {host.title}'s API is not https, so no key is sent there. "
            "Correct it in public.providers."
        )


def describe_seconds(seconds: float) -> str:
    """A wait as one says it."""
    if seconds < 120:
        return f"{seconds:.0f} seconds"
    return f"{seconds / 60:.0f} minutes" if seconds < 7_200 else f"{seconds / 3_600:.0f} hours"


def _retry_after(answer: httpx.Response) -> float | None:
    """Seconds or a date, as RFC 9110 has it."""
    text = answer.headers.get("retry-after", "").strip()
    if text.isascii() and text.isdigit():
        return float(text[:9])
    try:
        moment = parsedate_to_datetime(text)
    except ValueError:
        return None
    return max(0.0, (moment.astimezone(UTC) - datetime.now(UTC)).total_seconds())


def _refuse_constant(name: str) -> NoReturn:
    raise ValueError(name)

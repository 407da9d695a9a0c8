"""HTTP client of a provider's API: bounded retries, whole JSON objects, pages."""

import json
from collections.abc import Callable, Iterator, Mapping, Sequence
from decimal import Decimal
from types import TracebackType
from typing import Any, NoReturn, Self, TypeVar

import httpx
import stamina
from pydantic import SecretStr

from tally.connectors.errors import Unavailable, unreadable
from tally.connectors.hosts import Host, check_address, check_key
from tally.connectors.limits import Limits
from tally.connectors.responses import ResponseReader, TransientFailure
from tally.core.tls import certificates

QueryParams = Sequence[tuple[str, str | int]]
T = TypeVar("T")


class ApiClient:
    """Client with one key for one host; the key is sent nowhere else and appears in no error."""

    def __init__(
        self, host: Host, key: SecretStr, headers: Mapping[str, str], limits: Limits | None = None
    ) -> None:
        check_address(host)
        check_key(key)
        self.host = host
        self.limits = limits or Limits()
        self._reader = ResponseReader(host, key, self.limits)
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

    def get(
        self, path: str, query: QueryParams = (), headers: Mapping[str, str] | None = None
    ) -> dict[str, Any]:
        """Return a response's object, with fractions as Decimal; raises ConnectorError."""
        return self._get(path, query, headers)[0]

    def list_pages(
        self, path: str, query: QueryParams = (), headers: Mapping[str, str] | None = None
    ) -> Iterator[list[Any]]:
        """Yield `data` of every page; raises ConnectorError when the pages repeat or exceed the limits."""
        return self._list(path, query, headers, "page")

    def list_items(
        self, path: str, cursor: str, query: QueryParams = (), headers: Mapping[str, str] | None = None
    ) -> Iterator[list[Any]]:
        """The same for pages that begin after an item, whose id is sent as `cursor`."""
        return self._list(path, query, headers, cursor)

    def list_lines(self, path: str, read: Callable[[dict[str, Any]], T | None]) -> list[T]:
        """All that `read` takes of a file with an object a line, which is never in memory whole.

        Raises ConnectorError, and what `read` raises.
        """

        def read_all(response: httpx.Response) -> list[T]:
            lines = self._reader.read_lines(response)
            taken = (read(self._parse(line)) for line in lines if line.strip())
            return [each for each in taken if each is not None]

        return self._request_with_retries(path, (), None, read_all)

    def _list(
        self, path: str, query: QueryParams, headers: Mapping[str, str] | None, cursor: str
    ) -> Iterator[list[Any]]:
        tokens: set[str] = set()
        page_query: list[tuple[str, str | int]] = []
        size = 0
        for _ in range(self.limits.pages):
            response, bytes_read = self._get(path, [*query, *page_query], headers)
            size += bytes_read
            if size > self.limits.listing_bytes:
                break
            page = response.get("data")
            if not isinstance(page, list):
                raise unreadable(self.host.title, 'has no list "data"')
            yield page
            token = self._find_next_page(response) if cursor == "page" else self._find_last(response)
            if token is None:
                return
            if token in tokens:
                raise unreadable(self.host.title, "repeats a page")
            tokens.add(token)
            page_query = [(cursor, token)]
        raise unreadable(self.host.title, "has too many pages")

    def _find_next_page(self, response: Mapping[str, Any]) -> str | None:
        token, has_more = response.get("next_page"), response.get("has_more")
        if has_more is False or (token is None and not has_more):
            return None
        if not isinstance(token, str) or not token:
            raise unreadable(self.host.title, "announces another page without its token")
        return token

    def _find_last(self, response: Mapping[str, Any]) -> str | None:
        """The id of the last item where more follow."""
        page = response["data"]
        if response.get("has_more") is not True:
            return None
        token = page[-1].get("id") if page and isinstance(page[-1], dict) else None
        if not isinstance(token, str) or not token:
            raise unreadable(self.host.title, "announces another page without its token")
        return token

    def _get(
        self, path: str, query: QueryParams, headers: Mapping[str, str] | None
    ) -> tuple[dict[str, Any], int]:
        content = self._request_with_retries(path, query, headers, self._reader.read)
        return self._parse(content), len(content)

    def _parse(self, content: bytes) -> dict[str, Any]:
        try:
            response = json.loads(content, parse_float=Decimal, parse_constant=_refuse_constant)
        except (ValueError, RecursionError):
            raise unreadable(self.host.title, "is not complete JSON") from None
        if not isinstance(response, dict):
            raise unreadable(self.host.title, "is not a JSON object")
        return response

    def _request_with_retries(
        self,
        path: str,
        query: QueryParams,
        headers: Mapping[str, str] | None,
        read: Callable[[httpx.Response], T],
    ) -> T:
        retry = stamina.RetryingCaller(
            attempts=self.limits.attempts,
            timeout=None,  # each attempt and pause is bounded
            wait_initial=self.limits.first_pause_seconds,
            wait_max=self.limits.longest_pause_seconds,
            wait_jitter=self.limits.jitter_seconds,
        )
        try:
            return retry(_pause_before_retry, self._request, path, query, headers, read)
        except TransientFailure as failure:
            raise Unavailable(str(failure), "Tally will retry at the next sync.") from None

    def _request(
        self,
        path: str,
        query: QueryParams,
        headers: Mapping[str, str] | None,
        read: Callable[[httpx.Response], T],
    ) -> T:
        title = self.host.title
        # No httpx error is chained as a cause: some contain the headers, and with them the key.
        try:
            with self._http.stream("GET", path, params=list(query), headers=headers) as response:
                return read(response)
        except httpx.TimeoutException:
            raise TransientFailure(f"{title} did not respond in time.") from None
        except httpx.DecodingError:
            raise unreadable(title, "cannot be decompressed") from None
        except httpx.TransportError:
            raise TransientFailure(
                f"{title} could not be reached, or the connection was interrupted."
            ) from None


def _pause_before_retry(error: Exception) -> bool | float:
    """Return whether to retry, or the wait in seconds that the provider asks for."""
    if not isinstance(error, TransientFailure):
        return False
    return error.retry_after_seconds or True


def _refuse_constant(name: str) -> NoReturn:
    raise ValueError(name)

"""A client that sends each call until it is taken, and a server that is killed meanwhile."""

import random
import signal
import threading
import time
from collections.abc import Callable, Iterable
from concurrent.futures import ThreadPoolExecutor

import httpx

from tests.api.process import ApiProcess
from tests.api.test_otlp import as_protobuf, call_span

THREADS, TRY_SECONDS, PAUSE_SECONDS = 8, 60, 0.02
HEADERS = {"content-type": "application/x-protobuf"}


def send_until_taken(client: httpx.Client, url: str, number: int) -> None:
    """Send one call as a client does that tries again."""
    body = as_protobuf(call_span(number, trace_id=number))
    deadline = time.monotonic() + TRY_SECONDS
    while time.monotonic() < deadline:
        try:
            answer = client.post(f"{url}/v1/traces", content=body, headers=HEADERS)
        except httpx.HTTPError:
            time.sleep(PAUSE_SECONDS)
            continue
        if answer.status_code == 200:
            return
        assert answer.status_code in (429, 502, 503, 504), answer.text
        time.sleep(PAUSE_SECONDS)
    raise AssertionError("The call was never taken.")


def send_all(urls: list[str], key: str, numbers: Iterable[int]) -> None:
    """Send the calls of these numbers, several at once, to servers in turn."""
    with (
        httpx.Client(headers={"authorization": f"Bearer {key}"}, timeout=10) as client,
        ThreadPoolExecutor(THREADS) as pool,
    ):
        list(pool.map(lambda number: send_until_taken(client, urls[number % len(urls)], number), numbers))


def kill_while_sending(
    process: ApiProcess, key: str, calls: int, kills: int, count_saved: Callable[[], int]
) -> None:
    """Send calls and kill the server meanwhile, at moments of chance; returns when all calls are taken."""
    failed: list[BaseException] = []

    def send() -> None:
        try:
            send_all([process.url], key, range(1, calls + 1))
        except BaseException as error:
            failed.append(error)

    sending = threading.Thread(target=send)
    sending.start()
    chance = random.Random(calls)
    for number in range(1, kills + 1):
        while count_saved() < calls * (number - 0.5) / kills:
            assert sending.is_alive(), failed
            time.sleep(0.005)
        time.sleep(chance.random() * 0.05)  # within a batch
        process.end(signal.SIGKILL)
        process.start()
    sending.join()
    assert not failed, failed

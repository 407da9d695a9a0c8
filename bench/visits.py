"""Visits of pages as a browser makes them after the page's files are there: the socket, a run of the script
with its queries, and every element of the answer. Painting is not in it.
"""

import asyncio
from collections.abc import Sequence
from statistics import quantiles
from time import perf_counter

import httpx
import websockets
from streamlit.proto.BackMsg_pb2 import BackMsg
from streamlit.proto.ForwardMsg_pb2 import ForwardMsg
from streamlit.util import calc_hash

VISIT_SECONDS, MAX_MESSAGE = 120, 200_000_000


def sign_in(url: str, email: str, password: str) -> str:
    """Sign in by the form; returns the cookies of the browser."""
    with httpx.Client(base_url=url, headers={"origin": url, "accept": "text/html"}, timeout=60) as browser:
        answer = browser.post("/login", data={"email": email, "password": password})
        if answer.status_code != 303:
            raise RuntimeError(f"{email} could not sign in: {answer.status_code}.")
        return "; ".join(f"{name}={value}" for name, value in browser.cookies.items())


async def visit(url: str, cookies: str, address: str = "") -> float:
    """Open a page; returns seconds until its last element. Raises for a page with an error."""
    started = perf_counter()
    message = BackMsg()
    message.rerun_script.query_string = ""
    if address:
        message.rerun_script.page_script_hash = calc_hash(address)
    async with websockets.connect(
        f"{url.replace('http', 'ws', 1)}/_stcore/stream",
        additional_headers={"Cookie": cookies},
        origin=url,  # type: ignore[arg-type]
        subprotocols=["streamlit"],  # type: ignore[list-item]
        max_size=MAX_MESSAGE,
        open_timeout=VISIT_SECONDS,
    ) as socket:
        await socket.send(message.SerializeToString())
        async with asyncio.timeout(VISIT_SECONDS):
            async for data in socket:
                answer = ForwardMsg.FromString(data)
                if answer.delta.new_element.HasField("exception"):
                    raise RuntimeError(f"The page failed: {answer.delta.new_element.exception.message}")
                if answer.WhichOneof("type") == "script_finished":
                    return perf_counter() - started
    raise RuntimeError("The page's connection ended before the page did.")


def p95(taken: Sequence[float]) -> float:
    """The time that one visit in twenty exceeds."""
    return quantiles(taken, n=20, method="inclusive")[-1]

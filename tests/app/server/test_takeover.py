"""A Streamlit session id is no way into another user's live page."""

import asyncio
from collections.abc import Callable
from contextlib import AsyncExitStack

import httpx
import websockets
from streamlit.proto.BackMsg_pb2 import BackMsg
from streamlit.proto.ForwardMsg_pb2 import ForwardMsg

from app.auth.cookies import SESSION_HEADER
from tests.app.accounts import Account, sign_in
from tests.app.app_server import AppServer


async def open_page(
    stack: AsyncExitStack, server: AppServer, cookie: str, resume: str = "", **headers: str
) -> str:
    """Open the dashboard's WebSocket, stay connected, and return its Streamlit session id."""
    protocols = ["streamlit", "no-token", *([resume] if resume else [])]
    socket = await stack.enter_async_context(
        websockets.connect(
            f"ws://localhost:{server.port}/_stcore/stream",
            origin=server.url,  # type: ignore[arg-type]
            additional_headers={"Cookie": cookie, **headers},
            subprotocols=protocols,  # type: ignore[arg-type]
            max_size=None,
        )
    )
    rerun = BackMsg()
    rerun.rerun_script.query_string = ""
    await socket.send(rerun.SerializeToString())
    while True:
        message = ForwardMsg()
        message.ParseFromString(bytes(await asyncio.wait_for(socket.recv(decode=False), 20)))
        if message.WhichOneof("type") == "new_session":
            return str(message.new_session.initialize.session_id)


def cookie_of(server: AppServer, account: Account) -> str:
    with server.browser() as browser:
        sign_in(browser, account)
        return f"tally={browser.cookies['tally']}"


def test_live_page_is_resumed_by_its_own_session_only(
    server: AppServer, new_account: Callable[[], Account]
) -> None:
    ada, bob = new_account(), new_account()
    adas, adas_phone, bobs = cookie_of(server, ada), cookie_of(server, ada), cookie_of(server, bob)

    async def attempt() -> None:
        async with AsyncExitStack() as stack:
            live = await open_page(stack, server, adas)
            assert await open_page(stack, server, bobs, resume=live) != live
            assert await open_page(stack, server, adas_phone, resume=live) != live
            for claimed in (SESSION_HEADER, "X_App_Sid"):
                sid = adas.removeprefix("tally=")
                assert await open_page(stack, server, bobs, resume=live, **{claimed: sid}) != live

    asyncio.run(attempt())


def test_own_page_is_resumed_after_a_lost_connection(server: AppServer, account: Account) -> None:
    cookie = cookie_of(server, account)

    async def reconnect() -> None:
        async with AsyncExitStack() as first:
            live = await open_page(first, server, cookie)
        async with AsyncExitStack() as second:
            assert await open_page(second, server, cookie, resume=live) == live

    asyncio.run(reconnect())


def test_live_page_stays_out_of_reach_after_its_owner_signed_out(
    server: AppServer, browser: httpx.Client, new_account: Callable[[], Account]
) -> None:
    ada, bob = new_account(), new_account()
    adas, bobs = cookie_of(server, ada), cookie_of(server, bob)

    async def attempt() -> None:
        async with AsyncExitStack() as stack:
            live = await open_page(stack, server, adas)
            browser.post("/logout", headers={"cookie": adas})
            assert await open_page(stack, server, bobs, resume=live) != live

    asyncio.run(attempt())

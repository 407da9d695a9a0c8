"""A Streamlit session id is no way into another user's live page."""

import asyncio
import re
from collections.abc import Callable
from contextlib import AsyncExitStack
from uuid import uuid4

import httpx
import pytest
import websockets
from streamlit.proto.BackMsg_pb2 import BackMsg
from streamlit.proto.ForwardMsg_pb2 import ForwardMsg

from app.auth.cookies import SESSION_HEADER
from app.server.gate import MAX_LIVE_PAGES
from tally.accounts.auth_client import AuthClient
from tests.app.accounts import Account, sign_in, sign_in_user
from tests.app.app_server import AppServer
from tests.app.pages import save, usage


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


def test_upload_reaches_the_page_of_its_own_session_only(
    server: AppServer, new_account: Callable[[], Account]
) -> None:
    adas, bobs = cookie_of(server, new_account()), cookie_of(server, new_account())

    async def attempt() -> None:
        async with AsyncExitStack() as stack:
            live = await open_page(stack, server, adas)
            address = f"{server.url}/_stcore/upload_file/{live}/{uuid4()}"
            assert upload(address, bobs) == 404
            assert upload(address, bobs, method="DELETE") == 404
            assert upload(address, adas) == 204
            assert upload(address, adas, method="DELETE") == 204

    asyncio.run(attempt())


def upload(address: str, cookie: str, method: str = "PUT", size: int = 1000) -> int:
    """The status of an upload, with a XSRF token of the sender's own."""
    token = f"2|{'00' * 4}|{'ab' * 16}|1700000000"
    return httpx.request(
        method,
        address,
        files={"file": ("usage.csv", b"x" * size)} if method == "PUT" else None,
        headers={"cookie": f"{cookie}; _streamlit_xsrf={token}", "x-xsrftoken": token},
        timeout=30,
    ).status_code


def test_download_is_served_to_the_pages_of_its_own_session_only(
    server: AppServer, new_account: Callable[[], Account]
) -> None:
    adas, bobs = cookie_of(server, new_account()), cookie_of(server, new_account())

    async def attempt() -> None:
        async with AsyncExitStack() as stack:
            path = await find_download(stack, server, adas)
            for cookie, status in ((adas, 200), (bobs, 404), ("", 401)):
                assert httpx.get(server.url + path, headers={"cookie": cookie}).status_code == status

    asyncio.run(attempt())


def test_file_made_by_a_click_is_served_to_the_pages_of_its_own_session_only(
    server: AppServer, upstream: AuthClient, new_account: Callable[[], Account]
) -> None:
    ada = new_account()
    save(sign_in_user(upstream, ada), [usage(1, "5")])
    adas, bobs = cookie_of(server, ada), cookie_of(server, new_account())

    async def attempt() -> None:
        async with AsyncExitStack() as stack:
            path = await make_download(stack, server, adas)
            for cookie, status in ((adas, 200), (bobs, 404), ("", 401)):
                answer = httpx.get(server.url + path, headers={"cookie": cookie})
                assert answer.status_code == status
                assert ("gpt-5.2" in answer.text) == (status == 200)

    asyncio.run(attempt())


async def make_download(stack: AsyncExitStack, server: AppServer, cookie: str) -> str:
    """Open the page of records, click its download, and return the address of the file that is made then."""
    socket = await connect(stack, server, cookie)
    rerun = BackMsg()
    rerun.rerun_script.page_name = "records"
    await socket.send(rerun.SerializeToString())
    live = ""
    while True:
        message = ForwardMsg()
        message.ParseFromString(bytes(await asyncio.wait_for(socket.recv(decode=False), 20)))
        if message.WhichOneof("type") == "new_session":
            live = message.new_session.initialize.session_id
        if file_id := message.delta.new_element.download_button.deferred_file_id:
            click = BackMsg()
            click.backend_operation_request.request_id = "click"
            click.backend_operation_request.session_id = live
            click.backend_operation_request.deferred_file.file_id = file_id
            await socket.send(click.SerializeToString())
        if url := message.backend_operation_response.deferred_file.url:
            return url


async def find_download(stack: AsyncExitStack, server: AppServer, cookie: str) -> str:
    """Open the page of imports, which offers a sample file, and return that file's address."""
    socket = await connect(stack, server, cookie)
    rerun = BackMsg()
    rerun.rerun_script.page_name = "import"
    await socket.send(rerun.SerializeToString())
    while True:
        message = bytes(await asyncio.wait_for(socket.recv(decode=False), 20))
        if found := re.search(rb"/media/[0-9a-f]+\.\w+", message):
            return found.group().decode()


def test_files_of_one_page_are_bounded(server: AppServer, account: Account) -> None:
    cookie = cookie_of(server, account)

    async def attempt() -> None:
        async with AsyncExitStack() as stack:
            live = await open_page(stack, server, cookie)
            base = f"{server.url}/_stcore/upload_file/{live}"
            sizes = [upload(f"{base}/{uuid4()}", cookie, size=40_000_000) for _ in range(6)]
            assert sizes == [204, 204, 204, 204, 204, 413]

    asyncio.run(attempt())


def test_live_pages_of_one_account_are_bounded(server: AppServer, new_account: Callable[[], Account]) -> None:
    adas, bobs = cookie_of(server, new_account()), cookie_of(server, new_account())

    async def attempt() -> None:
        async with AsyncExitStack() as stack:
            for _ in range(MAX_LIVE_PAGES):
                await connect(stack, server, adas)
            with pytest.raises(websockets.InvalidStatus):
                await connect(stack, server, adas)
            await connect(stack, server, bobs)

    asyncio.run(attempt())


async def connect(stack: AsyncExitStack, server: AppServer, cookie: str) -> websockets.ClientConnection:
    """Open a WebSocket without asking for a page."""
    return await stack.enter_async_context(
        websockets.connect(
            f"ws://localhost:{server.port}/_stcore/stream",
            origin=server.url,  # type: ignore[arg-type]
            additional_headers={"Cookie": cookie},
            subprotocols=["streamlit", "no-token"],  # type: ignore[list-item]
            max_size=None,
        )
    )

"""The render gate: charts wait until the browser has painted the figures, once per loaded page."""

import re
from threading import Event, Thread

import httpx
from starlette.applications import Starlette
from starlette.testclient import TestClient
from streamlit.testing.v1 import AppTest

from app.ui import render_gate
from tests.app.app_server import AppServer
from tests.app.pages import SECONDS

SCRIPT = re.compile(r"/app/static/render_gate\.js\?([\w-]{20,})")


def page() -> None:
    from app.ui.render_gate import start_render_gate

    start_render_gate()()


def list_tokens(app: AppTest) -> list[str]:
    return SCRIPT.findall(" ".join(element.proto.body for element in app.get("html")))


def test_only_the_first_run_of_a_page_has_a_gate() -> None:
    app = AppTest.from_function(page, default_timeout=SECONDS)
    first, rerun = list_tokens(app.run()), list_tokens(app.run())
    assert (len(first), rerun) == (1, [])
    assert list_tokens(AppTest.from_function(page, default_timeout=SECONDS).run()) not in ([], first)


def test_report_opens_the_gate_of_its_page_only() -> None:
    token, gate = "a-page", Event()
    render_gate._gates[token] = gate
    waiting = Thread(target=gate.wait)
    waiting.start()
    with TestClient(Starlette(routes=render_gate.routes())) as client:
        assert client.post("/render-gate?another-page").status_code == 204
        assert waiting.is_alive()
        assert client.post(f"/render-gate?{token}").status_code == 204
    waiting.join(60)
    assert not waiting.is_alive()


def test_stranger_cannot_open_a_gate(server: AppServer) -> None:
    assert httpx.post(f"{server.url}/render-gate?x").status_code == 401

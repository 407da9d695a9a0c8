"""Charts wait until the browser has said that it shows the figures: once for each page that is loaded."""

import re
from threading import Event, Thread

import httpx
from streamlit.testing.v1 import AppTest

from tests.app.app_server import AppServer

SCRIPT = re.compile(r"/app/static/painted\.js\?([\w-]{20,})")


def page() -> None:
    from app.ui.render_gate import watch_first_paint

    watch_first_paint()()


def scripts(app: AppTest) -> list[str]:
    return SCRIPT.findall(" ".join(element.proto.body for element in app.get("html")))


def test_only_the_first_run_of_a_page_asks_the_browser() -> None:
    app = AppTest.from_function(page)
    first, again = scripts(app.run()), scripts(app.run())
    assert (len(first), again) == (1, [])
    assert scripts(AppTest.from_function(page).run()) not in ([], first)


def test_whoever_waits_goes_on_when_the_browser_has_spoken() -> None:
    from starlette.applications import Starlette
    from starlette.testclient import TestClient

    from app.ui import render_gate

    name, painted = "a-page", Event()
    render_gate._awaited[name] = painted
    waiting = Thread(target=painted.wait)
    waiting.start()
    with TestClient(Starlette(routes=render_gate.routes())) as client:
        assert client.post("/painted?another-page").status_code == 204
        assert waiting.is_alive()
        assert client.post(f"/painted?{name}").status_code == 204
    waiting.join(5)
    assert not waiting.is_alive()


def test_a_stranger_says_nothing(server: AppServer) -> None:
    assert httpx.post(f"{server.url}/painted?x").status_code == 401

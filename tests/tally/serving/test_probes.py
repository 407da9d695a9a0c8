"""Probes of balancers: alive, ready, and not ready with the reason."""

import anyio
import httpx
import psycopg
import pytest
from starlette.responses import PlainTextResponse
from starlette.types import ASGIApp

from tally.core.errors import TallyError
from tally.serving import probes
from tally.serving.probes import AWAY, STOPPING, Probes, Readiness


def ask(app: ASGIApp, path: str) -> httpx.Response:
    """The answer of an app to a request under a name that it does not know."""

    async def get() -> httpx.Response:
        transport = httpx.ASGITransport(app=app)
        async with httpx.AsyncClient(transport=transport, base_url="http://10.0.0.7:8501") as client:
            return await client.get(path)

    return anyio.run(get)


def raises(problem: Exception) -> object:
    def check() -> None:
        raise problem

    return check


@pytest.mark.parametrize(
    ("problem", "reason"),
    [
        (TallyError("The schema is too old."), "The schema is too old."),
        (psycopg.OperationalError("connection to 10.0.0.9 refused, password secret"), AWAY),
    ],
)
def test_process_without_its_database_is_alive_and_not_ready(problem: Exception, reason: str) -> None:
    app = Probes(PlainTextResponse("the app"), Readiness([raises(problem)]))  # type: ignore[list-item]
    assert ask(app, "/healthz").json() == {"status": "alive"}
    answer = ask(app, "/readyz")
    assert answer.status_code == 503
    assert answer.json() == {"status": "not ready", "reason": reason}
    assert ask(app, "/other").text == "the app"


def test_many_balancers_ask_the_database_once(monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[int] = []
    readiness = Readiness([lambda: asked.append(1)])
    app = Probes(PlainTextResponse("the app"), readiness)
    assert [ask(app, "/readyz").status_code for _ in range(5)] == [200] * 5
    assert len(asked) == 1
    monkeypatch.setattr(probes, "REPEAT_SECONDS", 0)
    assert ask(app, "/readyz").json() == {"status": "ready"}
    assert len(asked) == 2


def test_stopping_process_answers_and_ends_connections() -> None:
    readiness = Readiness()
    app = Probes(PlainTextResponse("the app", headers={"Connection": "keep-alive"}), readiness)
    readiness.is_stopping = True
    assert ask(app, "/readyz").json() == {"status": "not ready", "reason": STOPPING}
    assert ask(app, "/healthz").status_code == 200
    answer = ask(app, "/other")
    assert (answer.text, answer.headers.get_list("connection")) == ("the app", ["close"])

"""Processes, requests and connections of a running stack."""

import http.client
import os
import signal
import socket
import time
from collections.abc import Callable

import psycopg

from tally.local.stack import Stack


def pid_of_node(stack: Stack) -> int:
    assert stack.process is not None
    return stack.process.pid


def pid_of_postgres(stack: Stack) -> int:
    return int((stack.home.data / "17" / "postmaster.pid").read_text().split()[0])


def pid_of_postgrest(stack: Stack) -> int:
    return int((stack.home.run / "postgrest.pid").read_text().split()[0])


def kill(pid: int) -> None:
    os.kill(pid, signal.SIGKILL)


def eventually(is_true: Callable[[], bool], seconds: float = 60) -> None:
    """Wait until the condition holds; fail after a time that a busy machine never takes."""
    deadline = time.monotonic() + seconds
    while not is_true():
        assert time.monotonic() < deadline, f"not true within {seconds} s"
        time.sleep(0.05)


def api_answers(stack: Stack) -> bool:
    """True if the data API queries the database for the service role; 404 means no migrations."""
    try:
        return get(stack, "/rest/v1/providers?limit=1", stack.keys.secret_key)[0] in (200, 404)
    except (OSError, http.client.HTTPException):
        return False


def get(stack: Stack, path: str, key: str | None = None, token: str | None = None) -> tuple[int, str]:
    headers = ({"apikey": key} if key else {}) | ({"Authorization": f"Bearer {token}"} if token else {})
    connection = http.client.HTTPConnection("127.0.0.1", stack.ports.gateway, timeout=60)
    try:
        connection.request("GET", path, headers=headers)
        answer = connection.getresponse()
        return answer.status, answer.read().decode()
    finally:
        connection.close()


def port_is_open(port: int) -> bool:
    with socket.socket() as probe:
        return probe.connect_ex(("127.0.0.1", port)) == 0


def connect(stack: Stack, role: str = "postgres") -> psycopg.Connection:
    return psycopg.connect(
        host="127.0.0.1",
        port=stack.ports.postgres,
        dbname="postgres",
        user=role,
        password=stack.keys.passwords[role],
        autocommit=True,
    )


def remember(stack: Stack, text: str) -> None:
    """Store a text that must survive."""
    with connect(stack) as connection:
        connection.execute("create table if not exists private.remembered (text text)")
        connection.execute("insert into private.remembered values (%s)", [text])


def remembered(stack: Stack) -> list[str]:
    with connect(stack) as connection:
        return [text for (text,) in connection.execute("select text from private.remembered order by text")]

"""Debian's HAProxy before several processes, as the documentation sets it up."""

import shutil
import subprocess
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

import httpx
import pytest

from tests.processes.programs import Program, free_port

CONFIGURATION = """
defaults
    mode http
    timeout connect 2s
    timeout client 60s
    timeout server 60s
    timeout tunnel 1h
    # A process that died refuses at once; one on a busy machine may take its time to answer a check.
    timeout check 5s
    option redispatch
    retries 3
    # A request whose process died before it answered goes to another one. A form is not sent twice.
    retry-on conn-failure empty-response

frontend web
    bind 127.0.0.1:{web_port}
    default_backend web

frontend api
    bind 127.0.0.1:{api_port}
    default_backend api

backend web
    balance leastconn
    http-request disable-l7-retry if METH_POST
    # Live pages, uploads and downloads are in the memory of a process: a browser stays with its own.
    cookie tally-node insert indirect nocache httponly
    option httpchk
    http-check send meth GET uri /readyz
    default-server check inter 500ms fall 2 rise 1
{web_servers}

backend api
    balance leastconn
    option httpchk
    http-check send meth GET uri /readyz
    default-server check inter 500ms fall 2 rise 1
{api_servers}
"""


class Balancer:
    """The addresses at which it listens."""

    def __init__(self) -> None:
        self.web_port, self.api_port = free_port(), free_port()
        self.web, self.api = f"http://127.0.0.1:{self.web_port}", f"http://127.0.0.1:{self.api_port}"

    def describe(self, web: Sequence[Program], api: Sequence[Program]) -> str:
        """The configuration for these processes."""
        return CONFIGURATION.format(
            web_port=self.web_port,
            api_port=self.api_port,
            web_servers="\n".join(_server(each, f" cookie {each.name}") for each in web),
            api_servers="\n".join(_server(each) for each in api),
        )


@contextmanager
def balance(
    balancer: Balancer, folder: Path, web: Sequence[Program], api: Sequence[Program]
) -> Iterator[None]:
    """Run the balancer, which answers once it knows a process that does."""
    program = find_haproxy()
    file = folder / "haproxy.cfg"
    file.write_text(balancer.describe(web, api))
    with (folder / "haproxy.log").open("wb") as log:
        process = subprocess.Popen([program, "-db", "-f", str(file)], stdout=log, stderr=log)
    try:
        deadline = time.monotonic() + 30
        while not (_answers(f"{balancer.web}/healthz") and _answers(f"{balancer.api}/healthz")):
            said = (folder / "haproxy.log").read_text()
            assert process.poll() is None, said
            assert time.monotonic() < deadline, said
            time.sleep(0.1)
        yield
    finally:
        process.kill()
        process.wait()


def find_haproxy() -> str:
    """The program; without it, the test is skipped."""
    program = shutil.which("haproxy") or shutil.which("haproxy", path="/usr/sbin")
    if program is None:
        pytest.skip("HAProxy is not installed (apt install haproxy).")
    return program


def _server(program: Program, more: str = "") -> str:
    return f"    server {program.name} 127.0.0.1:{program.port}{more}"


def _answers(url: str) -> bool:
    try:
        return httpx.get(url, timeout=5).status_code == 200
    except httpx.HTTPError:
        return False

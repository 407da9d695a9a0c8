"""HAProxy with Tally's configuration before small servers: who is asked, for whom, and when one ends."""

import http.server
import re
import shutil
import socket
import subprocess
import threading
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from pathlib import Path

import httpx
import pytest

from tests.deploy.sets import DEPLOY
from tests.supabase.parts import eventually, port_is_open

HAPROXY = shutil.which("haproxy", path="/usr/sbin:/usr/bin:/usr/local/sbin:/usr/local/bin")
pytestmark = pytest.mark.skipif(HAPROXY is None, reason="haproxy is not installed")
CONFIGURATION = DEPLOY / "haproxy"


@dataclass
class Server:
    """Answers with its name and the headers that it got; not ready once it drains."""

    name: str
    port: int = 0
    drains: bool = False
    served: list[str] = field(default_factory=list)

    @contextmanager
    def running(self) -> Iterator["Server"]:
        outer = self

        class Handler(http.server.BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                is_check = self.path == "/readyz"
                self.send_response(503 if is_check and outer.drains else 200)
                self.send_header("X-Server", outer.name)
                for name in ("X-Forwarded-For", "X-Forwarded-Proto"):
                    self.send_header(f"Got-{name}", ", ".join(self.headers.get_all(name) or ["none"]))
                self.send_header("Content-Length", "0")
                self.end_headers()
                if not is_check:
                    outer.served.append(self.path)

            def log_message(self, *_: object) -> None:
                """Print nothing."""

        listening = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.port = listening.server_address[1]
        thread = threading.Thread(target=listening.serve_forever, args=(0.05,), daemon=True)
        thread.start()
        try:
            yield self
        finally:
            listening.shutdown()
            listening.server_close()


@dataclass
class Balancer:
    """HAProxy before three servers of each kind."""

    servers: dict[str, Server]
    http_port: int
    https_port: int

    def browser(self) -> httpx.Client:
        return httpx.Client(base_url=f"https://localhost:{self.https_port}", verify=False)  # noqa: S501 - its own certificate


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def certificate(folder: Path) -> Path:
    key, public = folder / "key", folder / "public"
    options = ["-newkey", "rsa:2048", "-nodes", "-days", "2", "-subj", "/CN=localhost"]
    command = ["openssl", "req", "-x509", *options, "-keyout", str(key), "-out", str(public)]
    subprocess.run(command, capture_output=True, check=True)
    certificates = folder / "certs"
    certificates.mkdir()
    (certificates / "tally.pem").write_text(public.read_text() + key.read_text())
    return certificates


def write_configuration(folder: Path, others: str, places: dict[str, str]) -> Path:
    """Tally's configuration with the servers in a file of this name; other ports and folders where given."""
    configuration = folder / "haproxy"
    configuration.mkdir()
    places = {"/etc/haproxy/certs": str(certificate(folder)), **places}
    for file in ("10-frontend.cfg", f"20-{others}.cfg"):
        text = (CONFIGURATION / file).read_text()
        for place, other in places.items():
            text = re.sub(rf"{re.escape(place)}\b", other, text)
        (configuration / file).write_text(text)
    return configuration


@pytest.fixture(scope="module")
def balancer(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Balancer]:
    folder = tmp_path_factory.mktemp("balancer")
    ports = {f"{kind}{nth}": base + nth for kind, base in (("web", 8500), ("api", 8600)) for nth in (1, 2, 3)}
    found = Balancer({name: Server(name) for name in ports}, free_port(), free_port())
    with ExitStack() as running:
        for server in found.servers.values():
            running.enter_context(server.running())
        # Loopback alone, as machines of tests may have neighbours.
        places = {
            "bind :80": f"bind 127.0.0.1:{found.http_port}",
            "bind :443": f"bind 127.0.0.1:{found.https_port}",
            **{f":{port}": f":{found.servers[name].port}" for name, port in ports.items()},
        }
        command = [str(HAPROXY), "-db", "-f", str(write_configuration(folder, "one-machine", places))]
        log = folder / "log"
        with log.open("w") as output:
            process = subprocess.Popen(command, stdout=output, stderr=output)
        try:
            eventually(lambda: port_is_open(found.https_port) or process.poll() is not None)
            assert process.poll() is None, log.read_text()
            yield found
        finally:
            process.terminate()
            process.wait(timeout=30)
        assert "/v1/traces" in log.read_text()
        assert "secret" not in log.read_text(), "what follows ? may hold tokens"


@pytest.mark.parametrize("others", ["one-machine", "compose"])
def test_configuration_is_accepted(others: str, tmp_path: Path) -> None:
    command = [str(HAPROXY), "-c", "-f", str(write_configuration(tmp_path, others, {}))]
    checked = subprocess.run(command, capture_output=True, text=True, check=False)
    assert (checked.returncode, checked.stderr) == (0, "")


def test_plain_http_is_sent_to_https(balancer: Balancer) -> None:
    answer = httpx.get(f"http://localhost:{balancer.http_port}/login?next=/explore")
    assert (answer.status_code, answer.headers["location"].partition("//")[2]) == (
        308,
        f"localhost:{balancer.http_port}/login?next=/explore",
    )


def test_programs_and_pages_reach_their_own_processes(balancer: Balancer) -> None:
    with balancer.browser() as browser:
        kinds = {
            path: browser.get(path).headers["x-server"][:3]
            for path in ("/", "/v1/traces", "/mcp", "/api/public/ingestion", "/login")
        }
    assert kinds == {
        "/": "web",
        "/v1/traces": "api",
        "/mcp": "api",
        "/api/public/ingestion": "api",
        "/login": "web",
    }


def test_claims_of_clients_are_replaced_and_states_hidden(balancer: Balancer) -> None:
    with balancer.browser() as browser:
        claims = {"X-Forwarded-For": "203.0.113.7", "X-Forwarded-Proto": "http"}
        got = browser.get("/?token=secret", headers=claims).headers
        assert (got["got-x-forwarded-for"], got["got-x-forwarded-proto"]) == ("127.0.0.1", "https")
        assert [browser.get(path).status_code for path in ("/readyz", "/healthz")] == [404, 404]


def test_browser_stays_with_its_process_until_that_drains_and_no_request_fails(balancer: Balancer) -> None:
    with balancer.browser() as browser:
        first = browser.get("/").headers
        own = balancer.servers[first["x-server"]]
        cookie = first["set-cookie"]
        assert re.fullmatch(r"tally-node=web\d; path=/; HttpOnly; Secure; SameSite=Lax", cookie)
        assert {browser.get("/").headers["x-server"] for _ in range(6)} == {own.name}
        own.drains = True
        answers: list[httpx.Response] = []

        def moves() -> bool:
            answers.append(browser.get("/"))
            return bool(answers[-1].headers["x-server"] != own.name)

        eventually(moves, 20)
        assert {answer.status_code for answer in answers} == {200}
        own.drains = False

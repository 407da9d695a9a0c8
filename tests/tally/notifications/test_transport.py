"""Requests to addresses that people give: where they may go, and how long and large they may be."""

import datetime
import ssl
import time
from collections.abc import Iterator, Sequence
from dataclasses import replace
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from tally.core.settings import Settings
from tally.notifications import sending
from tally.notifications.transport import (
    MAX_BYTES,
    AddressRefused,
    NotDelivered,
    Request,
    Transport,
)
from tests.tally.notifications.raw_server import (
    RawServer,
    answer,
    drip,
    flood,
    raw_server,
    silence,
    slow_body,
)

LOOPBACK = "127.0.0.1"


def anywhere(_address: str) -> bool:
    """Allow every address."""
    return True


def post(transport: Transport, url: str, body: bytes = b"{}") -> int:
    """Send a request and return the status."""
    return transport.post(Request(url, body, {"Content-Type": "application/json"})).status


def to(server: RawServer, seconds: float = 5) -> tuple[Transport, str]:
    """A transport that reaches the server under a public name."""
    transport = Transport(allows=anywhere, resolve=lambda _host, _port: [server.address], seconds=seconds)
    return transport, f"http://hooks.example.org:{server.port}/in"


@pytest.fixture
def reachable() -> Iterator[RawServer]:
    """A server on the loopback that would answer."""
    with raw_server(answer("200 OK")) as server:
        yield server


SPELLINGS = [
    *("127.0.0.1", "localhost", "127.1", "2130706433", "0x7f000001", "0x7f.1", "0177.0.0.1", "0", "[::1]"),
    *("[::ffff:127.0.0.1]", "[::ffff:7f00:1]", "[::127.0.0.1]", "127.0.0.1.", "LOCALHOST.", "[::]"),
    "0.0.0.0",  # noqa: S104 - nothing binds
]


@pytest.mark.parametrize("host", SPELLINGS)
def test_this_machine_is_refused_however_it_is_written(reachable: RawServer, host: str) -> None:
    with pytest.raises((AddressRefused, NotDelivered)) as refused:
        post(Transport(), f"http://{host}:{reachable.port}/")
    assert reachable.requests == []
    assert str(refused.value).endswith(
        ("TALLY_ALLOW_PRIVATE_WEBHOOKS=1 allows it.", "could not be reached.", "not the address of a server.")
    )


@pytest.mark.parametrize("host", ["169.254.169.254", "[fd00:ec2::254]", "[::ffff:169.254.169.254]"])
def test_no_setting_is_named_that_would_not_open_a_machines_metadata(host: str) -> None:
    with pytest.raises(AddressRefused, match="finds its own credentials") as refused:
        post(Transport(), f"https://{host}/")
    assert "TALLY_ALLOW_PRIVATE_WEBHOOKS" not in str(refused.value)


@pytest.mark.parametrize(
    "addresses",
    [
        ["127.0.0.1"],
        ["169.254.169.254"],
        ["::ffff:127.0.0.1"],
        ["64:ff9b::7f00:1"],
        ["2002:7f00:1::"],
        ["224.0.0.1"],
        ["93.184.215.14", "127.0.0.1"],
        ["10.0.0.1", "93.184.215.14"],
        [],
    ],
)
def test_name_with_an_address_that_is_not_public_is_refused(
    reachable: RawServer, addresses: Sequence[str]
) -> None:
    transport = Transport(resolve=lambda _host, _port: addresses)
    with pytest.raises(AddressRefused, match=r"hooks\.example\.org is not on the public internet"):
        post(transport, f"http://hooks.example.org:{reachable.port}/")
    assert reachable.requests == []


def test_connection_goes_to_the_address_that_was_checked() -> None:
    """The name resolves to another address when it is asked again."""
    asked: list[str] = []

    def resolve(host: str, _port: int) -> list[str]:
        asked.append(host)
        return ["127.0.0.2"] if len(asked) == 1 else ["127.0.0.3"]

    with raw_server(answer("200 OK"), "127.0.0.2") as checked:
        transport = Transport(allows=lambda address: address == "127.0.0.2", resolve=resolve)
        assert post(transport, f"http://rebinding.example.org:{checked.port}/") == 200
    assert asked == ["rebinding.example.org"]
    assert b"host: rebinding.example.org" in checked.requests[0].lower()


def test_next_address_is_tried_when_one_does_not_answer() -> None:
    with raw_server(answer("200 OK"), "127.0.0.2") as server:
        transport = Transport(allows=anywhere, resolve=lambda _host, _port: ["127.0.0.4", "127.0.0.2"])
        assert post(transport, f"http://two.example.org:{server.port}/") == 200


def test_redirect_is_not_followed(reachable: RawServer) -> None:
    headers = f"Location: http://127.0.0.1:{reachable.port}/secret\r\n"
    with raw_server(answer("302 Found", headers=headers)) as server:
        transport, url = to(server)
        assert post(transport, url) == 302
    assert reachable.requests == []


def test_proxy_of_the_environment_is_not_used(reachable: RawServer, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("http_proxy", "https_proxy", "all_proxy", "HTTP_PROXY", "ALL_PROXY"):
        monkeypatch.setenv(name, f"http://127.0.0.1:{reachable.port}")
    with raw_server(answer("204 No Content")) as server:
        transport, url = to(server)
        assert post(transport, url) == 204
    assert reachable.requests == []


@pytest.mark.parametrize("behave", [silence, drip])
def test_server_that_never_finishes_its_answer_is_left(behave: object) -> None:
    with raw_server(behave) as server:  # type: ignore[arg-type]
        transport, url = to(server, seconds=0.5)
        begun = time.monotonic()
        with pytest.raises(NotDelivered, match=r"did not answer within 0\.5 seconds"):
            post(transport, url)
    assert time.monotonic() - begun < 3


def test_status_counts_although_the_body_never_ends() -> None:
    with raw_server(slow_body) as server:
        transport, url = to(server, seconds=0.5)
        begun = time.monotonic()
        assert post(transport, url) == 202
    assert time.monotonic() - begun < 3


def test_little_of_a_large_answer_is_read() -> None:
    with raw_server(flood) as server:
        transport, url = to(server)
        found = transport.post(Request(url, b"{}", {}))
    assert (found.status, len(found.body)) == (200, MAX_BYTES)


def test_resolver_that_hangs_is_left() -> None:
    transport = Transport(resolve=lambda _host, _port: time.sleep(2) or [], seconds=0.2)  # type: ignore[func-returns-value]
    with pytest.raises(NotDelivered, match="did not answer within"):
        post(transport, "https://hooks.example.org/")


@pytest.mark.parametrize("behaviour", [b"", b"nonsense\r\n\r\n", b"HTTP/1.1 200 OK\r\n"])
def test_answer_that_is_none_is_explained(behaviour: bytes) -> None:
    with raw_server(lambda connection, _stopped: connection.sendall(behaviour)) as server:
        transport, url = to(server)
        with pytest.raises(NotDelivered, match="ended the connection without an answer"):
            post(transport, url)


def test_server_that_is_not_there_is_explained() -> None:
    with raw_server(answer("200 OK")) as server:
        transport, url = to(server)
    with pytest.raises(NotDelivered, match=r"hooks\.example\.org could not be reached\."):
        post(transport, url)


def test_body_arrives_as_it_was_sent(reachable: RawServer) -> None:
    transport, url = to(reachable)
    post(transport, url, "{“ü”}".encode())
    head, _, body = reachable.requests[0].partition(b"\r\n\r\n")
    assert body == "{“ü”}".encode()
    assert head.startswith(b"POST /in HTTP/1.1\r\n")
    assert b"accept-encoding: identity" in head.lower()


def make_certificate(folder: Path, name: str) -> tuple[ssl.SSLContext, ssl.SSLContext]:
    """A server with a certificate for the name, and clients that trust it."""
    key, now = ec.generate_private_key(ec.SECP256R1()), datetime.datetime.now(datetime.UTC)
    subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)])
    certificate = (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(subject)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - datetime.timedelta(days=1))
        .not_valid_after(now + datetime.timedelta(days=1))
        .add_extension(x509.SubjectAlternativeName([x509.DNSName(name)]), critical=False)
        .sign(key, hashes.SHA256())
    )
    file = folder / "certificate.pem"
    private = key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )
    file.write_bytes(private + certificate.public_bytes(serialization.Encoding.PEM))
    server = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    server.load_cert_chain(file)
    return server, ssl.create_default_context(cafile=str(file))


@pytest.mark.parametrize("name", ["hooks.example.org", "evil.example.org"])
def test_certificate_must_be_that_of_the_name(tmp_path: Path, name: str) -> None:
    server_side, client_side = make_certificate(tmp_path, name)
    with raw_server(answer("200 OK"), tls=server_side) as server:
        transport = Transport(
            allows=anywhere, resolve=lambda _host, _port: [LOOPBACK], tls=lambda: client_side
        )
        url = f"https://hooks.example.org:{server.port}/"
        if name == "hooks.example.org":
            assert post(transport, url) == 200
        else:
            with pytest.raises(NotDelivered, match="has no valid certificate"):
                post(transport, url)
            assert server.requests == []


def test_name_of_a_machines_metadata_is_refused_where_the_own_network_is_allowed() -> None:
    settings = Settings(supabase_url="", supabase_publishable_key="", tally_allow_private_webhooks=True)
    transport = replace(sending.own_servers(settings), resolve=lambda _host, _port: ["169.254.169.254"])
    with pytest.raises(AddressRefused, match="finds its own credentials"):
        transport.post(Request("http://metadata.example.org/latest", b"{}", {}))

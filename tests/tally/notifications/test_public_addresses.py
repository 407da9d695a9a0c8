"""The addresses that no message may reach."""

import ipaddress

from hypothesis import given
from hypothesis import strategies as st

from tally.notifications.public_addresses import (
    BLOCKED_V4,
    is_local_name,
    is_public,
    may_be_own_server,
)
from tests.every_case import every_case

BLOCKED = [
    *("0.0.0.0", "10.1.2.3", "100.64.0.1", "127.0.0.1", "127.255.255.254", "169.254.169.254", "172.16.0.1"),  # noqa: S104 - nothing binds
    *("172.31.255.255", "192.0.0.1", "192.0.0.192", "192.0.2.1", "192.88.99.1", "192.168.0.1", "198.18.0.1"),
    *("198.19.255.255", "198.51.100.1", "203.0.113.1", "224.0.0.1", "239.255.255.255", "240.0.0.1"),
    *("255.255.255.255", "::", "::1", "::127.0.0.1", "::8.8.8.8", "::ffff:127.0.0.1", "::ffff:10.0.0.1"),
    *("::ffff:169.254.169.254", "::ffff:a9fe:a9fe", "64:ff9b::7f00:1", "64:ff9b::a9fe:a9fe"),
    *("64:ff9b:1::1", "100::1", "2001::1", "2001:0:7f00:1::", "2001:20::1", "2001:db8::1", "2002:7f00:1::"),
    *("2002:808:808::", "3fff::1", "5f00::1", "fc00::1", "fd00:ec2::254", "fe80::1", "fe80::1%eth0"),
    *("fec0::1", "ff02::1", "ff0e::1", "not an address", "", "127.1", "0x7f.1", "2130706433"),
]
PUBLIC = [
    *("1.1.1.1", "8.8.8.8", "9.255.255.255", "100.63.255.255", "100.128.0.1", "172.15.0.1", "172.32.0.1"),
    *("192.167.1.1", "223.255.255.255", "2606:4700:4700::1111", "2a00:1450::1", "::ffff:8.8.8.8"),
    "64:ff9b::808:808",
]
LOCAL = [
    *("localhost", "LOCALHOST.", "a.localhost", "host.docker.internal", "metadata.google.internal"),
    *("printer.local", "nas", "router.lan", "x.home.arpa", "kubernetes.default.svc.cluster.local"),
]
METADATA = [
    *("169.254.169.254", "::ffff:169.254.169.254", "64:ff9b::a9fe:a9fe", "fe80::1%eth0", "fe80::1"),
    *("fd00:ec2::254", "100.100.100.200", "x"),
]


@every_case([(address,) for address in BLOCKED])
def test_blocked_address_is_not_public(address: str) -> None:
    assert not is_public(address)


@every_case([(address,) for address in PUBLIC])
def test_address_of_the_internet_is_public(address: str) -> None:
    assert is_public(address)


@given(st.ip_addresses(v=4))
def test_wrapping_an_address_never_opens_it(address: ipaddress.IPv4Address) -> None:
    number = int(address)
    wrapped = [ipaddress.IPv6Address(prefix | number) for prefix in (0xFFFF << 32, 0x64FF9B << 96)]
    assert {is_public(str(one)) for one in wrapped} == {is_public(str(address))}
    assert not is_public(str(ipaddress.IPv6Address((0x2002 << 112) | (number << 80))))
    assert not is_public(str(ipaddress.IPv6Address(number)))


@given(st.ip_addresses(v=4))
def test_what_python_takes_for_private_is_blocked(address: ipaddress.IPv4Address) -> None:
    if not address.is_global or address.is_multicast:
        # Python counts anycast services of the root zone as private or not, depending on its version.
        assert not is_public(str(address)) or address in ipaddress.ip_network("192.0.0.0/24")


@given(st.sampled_from(BLOCKED_V4), st.data())
def test_every_address_of_a_blocked_network_is_blocked(
    network: ipaddress.IPv4Network, data: st.DataObject
) -> None:
    offset = data.draw(st.integers(0, network.num_addresses - 1))
    assert not is_public(str(network[offset]))


@every_case([(host,) for host in LOCAL])
def test_name_of_the_own_network_is_local(host: str) -> None:
    assert is_local_name(host)


@every_case(
    [(host,) for host in ("example.org", "hooks.slack.com", "ntfy.sh", "8.8.8.8", "notlocalhost.org")]
)
def test_name_of_the_internet_is_not_local(host: str) -> None:
    assert not is_local_name(host)


@every_case([(address,) for address in METADATA])
def test_metadata_of_a_machine_is_nobodys_server_even_where_the_own_network_is_allowed(address: str) -> None:
    assert not may_be_own_server(address)


@every_case([(address,) for address in ("127.0.0.1", "10.0.0.5", "::1", "fd12::5", "93.184.215.14")])
def test_server_of_the_own_network_may_be_one(address: str) -> None:
    assert may_be_own_server(address)

"""Addresses of the public internet, to which messages may be sent, however they are written."""

import ipaddress
from ipaddress import IPv4Address, IPv6Address

# Python's is_global differs between versions, and takes multicast and wrapped private ones for global.
BLOCKED_V4 = tuple(
    map(
        ipaddress.IPv4Network,
        (
            "0.0.0.0/8",
            "10.0.0.0/8",
            "100.64.0.0/10",
            "127.0.0.0/8",
            "169.254.0.0/16",
            "172.16.0.0/12",
            "192.0.0.0/24",
            "192.0.2.0/24",
            "192.31.196.0/24",
            "192.52.193.0/24",
            "192.88.99.0/24",
            "192.168.0.0/16",
            "192.175.48.0/24",
            "198.18.0.0/15",
            "198.51.100.0/24",
            "203.0.113.0/24",
            "224.0.0.0/4",
            "240.0.0.0/4",
        ),
    )
)
GLOBAL_V6 = ipaddress.IPv6Network("2000::/3")  # all that is assigned to anybody
BLOCKED_V6 = tuple(
    map(
        ipaddress.IPv6Network,
        ("2001::/23", "2001:db8::/32", "2002::/16", "2620:4f:8000::/48", "3ffe::/16", "3fff::/20"),
    )
)
MAPPED = ipaddress.IPv6Network("::ffff:0:0/96")
TRANSLATED = ipaddress.IPv6Network("64:ff9b::/96")  # an IPv4 address as networks without IPv4 write it

# Where clouds tell their machines about themselves, credentials included.
METADATA = tuple(
    map(
        ipaddress.ip_network,
        ("169.254.0.0/16", "100.100.100.200/32", "fe80::/10", "fd00:ec2::254/128", "fd20:ce::254/128"),
    )
)

LOCAL_NAMES = ("localhost", "local", "internal", "intranet", "lan", "home", "corp", "private", "home.arpa")


def is_public(address: str) -> bool:
    """True for an address of the public internet."""
    try:
        found = ipaddress.ip_address(address)
    except ValueError:
        return False
    return _is_public_v4(found) if isinstance(found, IPv4Address) else _is_public_v6(found)


def may_be_own_server(address: str) -> bool:
    """True for any address but those at which a cloud's machine finds its own metadata."""
    try:
        return not _is_metadata(ipaddress.ip_address(address))
    except ValueError:
        return False


def is_metadata(host: str) -> bool:
    """True for an address, not for a name, at which a cloud's machine finds its own metadata."""
    try:
        return _is_metadata(ipaddress.ip_address(host))
    except ValueError:
        return False


def _is_metadata(found: IPv4Address | IPv6Address) -> bool:
    if isinstance(found, IPv6Address):
        if found in MAPPED or found in TRANSLATED:
            found = IPv4Address(int(found) & 0xFFFFFFFF)
        elif found.scope_id is not None:
            return True
    return any(found in network for network in METADATA)


def is_local_name(host: str) -> bool:
    """True for a name that only this machine or its network can resolve."""
    name = host.rstrip(".").lower()
    is_address = ":" in name or name.replace(".", "").isdigit()
    if "." not in name and not is_address:
        return True
    return any(name == local or name.endswith(f".{local}") for local in LOCAL_NAMES)


def _is_public_v4(address: IPv4Address) -> bool:
    return not any(address in network for network in BLOCKED_V4)


def _is_public_v6(address: IPv6Address) -> bool:
    if address.scope_id is not None:
        return False
    if address in MAPPED or address in TRANSLATED:
        return _is_public_v4(IPv4Address(int(address) & 0xFFFFFFFF))
    return address in GLOBAL_V6 and not any(address in network for network in BLOCKED_V6)

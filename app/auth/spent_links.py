"""Links of emails that are known to be spent, so that opening one again says so instead of showing its form.

The sign-in service cannot look at a link without redeeming it. So the server remembers, in bounded memory;
what it has forgotten shows its form again, and the service refuses that.
"""

import threading
from collections import OrderedDict
from hashlib import sha256

MAX_LINKS = 20_000


class SpentLinks:
    """The tokens of the newest spent links, as digests."""

    def __init__(self, most: int = MAX_LINKS) -> None:
        self._most = most
        self._digests: OrderedDict[bytes, None] = OrderedDict()
        self._lock = threading.Lock()

    def add(self, token: str) -> None:
        """Remember that a link was redeemed, or refused for good."""
        with self._lock:
            self._digests[_digest(token)] = None
            while len(self._digests) > self._most:
                self._digests.popitem(last=False)

    def __contains__(self, token: str) -> bool:
        with self._lock:
            return _digest(token) in self._digests


def _digest(token: str) -> bytes:
    return sha256(token.encode()).digest()


SPENT_LINKS = SpentLinks()

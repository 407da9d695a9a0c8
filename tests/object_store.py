"""A real object store that speaks S3: SeaweedFS on free ports of this machine, in a folder of its own."""

import json
import random
import socket
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from time import monotonic, sleep

import httpx

KEY, SECRET = "tally-test", "only-on-this-machine"
READER_KEY, READER_SECRET = "tally-reader", "may-only-read"
WEED = Path(sys.executable).parent / "weed"
IDENTITIES = {
    "identities": [
        {
            "name": "tally",
            "credentials": [{"accessKey": KEY, "secretKey": SECRET}],
            "actions": ["Admin", "Read", "Write", "List", "Tagging"],
        },
        {
            "name": "reader",
            "credentials": [{"accessKey": READER_KEY, "secretKey": READER_SECRET}],
            "actions": ["Read", "List"],
        },
    ]
}


@dataclass(frozen=True, slots=True)
class ObjectStore:
    """Its address; every name of a bucket may be used."""

    endpoint: str

    def settings(self, bucket: str, key: str = KEY, secret: str = SECRET) -> dict[str, str]:
        """Settings that lead to a bucket."""
        return {
            "tally_archive_url": f"s3://{bucket}/archive?endpoint_override={self.endpoint}",
            "aws_access_key_id": key,
            "aws_secret_access_key": secret,
        }


@contextmanager
def object_store(folder: Path) -> Iterator[ObjectStore]:
    """Run one in a folder."""
    config = folder / "s3.json"
    config.write_text(json.dumps(IDENTITIES))
    (folder / "data").mkdir()
    names = ("master", "volume", "filer", "s3")
    ports = dict(zip(names, free_ports(len(names)), strict=True))
    command = [
        str(WEED), "server", "-s3", f"-dir={folder / 'data'}", "-ip=127.0.0.1", "-ip.bind=127.0.0.1",
        f"-s3.config={config}", "-master.volumeSizeLimitMB=256", "-volume.max=20",
        *(f"-{name}.port={port}" for name, port in ports.items()),
        "-s3.port.iceberg=0", "-s3.port.lance=0", "-master.telemetry=false",  # ports that are taken; reports
    ]  # fmt: skip
    with (folder / "log").open("wb") as log:
        process = subprocess.Popen(command, stdout=log, stderr=log, cwd=folder)
        try:
            store = ObjectStore(f"http://127.0.0.1:{ports['s3']}")
            _wait_for(store, process, folder / "log")
            yield store
        finally:
            process.kill()
            process.wait()


def free_ports(count: int) -> list[int]:
    """Free ports, those 10,000 above which are free, too: there each part answers the others."""
    found: list[int] = []
    while len(found) < count:
        port = random.SystemRandom().randrange(20_000, 40_000)
        if port not in found and _is_free(port) and _is_free(port + 10_000):
            found.append(port)
    return found


def _is_free(port: int) -> bool:
    with socket.socket() as probe:
        try:
            probe.bind(("127.0.0.1", port))
        except OSError:
            return False
    return True


def _wait_for(store: ObjectStore, process: "subprocess.Popen[bytes]", log: Path) -> None:
    deadline = monotonic() + 60
    while process.poll() is None and monotonic() < deadline:
        try:
            if httpx.get(f"{store.endpoint}/healthz", timeout=2).status_code < 500:
                return
        except httpx.HTTPError:
            pass
        sleep(0.1)
    raise RuntimeError(f"The object store did not start.\n{log.read_text()[-2000:]}")

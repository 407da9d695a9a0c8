"""Files in a folder and in a bucket of a real object store: whole or not there, and every problem named."""

from collections.abc import Callable, Iterator
from itertools import count
from pathlib import Path

import pytest

from tally.storage.objects import StorageProblem, Store, open_store
from tests.every_case import every_case
from tests.object_store import READER_KEY, READER_SECRET, ObjectStore, object_store

_buckets = count(1)


@pytest.fixture(scope="module")
def bucket_server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ObjectStore]:
    """SeaweedFS."""
    with object_store(tmp_path_factory.mktemp("objects")) as running:
        yield running


def open_bucket(server: ObjectStore, key: str = "", secret: str = "") -> Store:
    """An own place in the store."""
    name = f"objects-{next(_buckets)}"
    settings = server.settings(name, *((key, secret) if key else ()))
    return open_store(settings["tally_archive_url"], settings)


@pytest.fixture(params=["folder", "bucket"])
def store(request: pytest.FixtureRequest, tmp_path: Path) -> Store:
    if request.param == "folder":
        return open_store(f"file://{tmp_path}")
    return open_bucket(request.getfixturevalue("bucket_server"))


def test_files_are_written_replaced_listed_and_deleted(store: Store, tmp_path: Path) -> None:
    source = tmp_path / "source"
    source.write_bytes(b"x" * 3_000_000)
    store.make_folder("a/b")
    store.write("a/b/small", b"one")
    store.write("a/b/small", b"second")
    store.upload("a/large", source)
    assert store.list_files("a") == {"a/b/small": 6, "a/large": 3_000_000}
    assert store.read("a/b/small") == b"second"
    assert store.read("a/none") is None
    store.delete_file("a/b/small")
    store.delete_file("a/b/small")
    assert store.list_files("a") == {"a/large": 3_000_000}
    store.delete_folder("a")
    store.delete_folder("a")
    assert store.list_files("a") == {}


def write_half(store: Store, path: str) -> None:
    """Fail in the middle of a file."""
    with store._writing(path) as stream:
        stream.write(b"half")
        raise RuntimeError


def test_what_fails_while_it_is_written_leaves_the_file_before(store: Store, tmp_path: Path) -> None:
    store.make_folder("a")
    store.write("a/file", b"before")
    with pytest.raises(RuntimeError):
        write_half(store, "a/file")
    with pytest.raises(StorageProblem):
        store.upload("a/file", tmp_path / "missing")
    assert store.read("a/file") == b"before"


def test_keys_that_may_not_write_are_named(bucket_server: ObjectStore) -> None:
    for key, secret in ((READER_KEY, READER_SECRET), ("nobody", "nothing")):
        with pytest.raises(StorageProblem, match=r"refuses Tally's keys\. Check AWS_ACCESS_KEY_ID"):
            open_bucket(bucket_server, key, secret).write("file", b"x")


def test_store_that_does_not_answer_is_named() -> None:
    keys = {"aws_access_key_id": "k", "aws_secret_access_key": "s"}
    store = open_store("s3://bucket/a?endpoint_override=http://127.0.0.1:9", keys)
    with pytest.raises(StorageProblem, match="does not answer"):
        store.write("file", b"x")


def test_missing_and_read_only_folders_are_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(StorageProblem, match=r"is missing\. Mount or create it"):
        open_store(str(tmp_path / "none"))
    may_write: Callable[..., bool] = lambda *_: False  # noqa: E731 - root may write anywhere
    monkeypatch.setattr("os.access", may_write)
    with pytest.raises(StorageProblem, match="cannot be written"):
        open_store(str(tmp_path))


@every_case(
    [
        ("",),
        (" ",),
        ("https://example.com/folder",),
        ("s3://",),
        ("s3:///folder",),
        ("file:///",),
        ("file://host/folder",),
        ("s3://key:secret@bucket/folder",),
        ("s3://bucket/folder?acl=public",),
    ]
)
def test_other_addresses_are_refused(url: str) -> None:
    with pytest.raises(StorageProblem) as problem:
        open_store(url, {})
    assert "secret@" not in str(problem.value)

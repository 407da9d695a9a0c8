"""Files in a folder, or in a bucket of any service that speaks S3."""

import errno
import os
import shutil
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from urllib.parse import parse_qs, unquote, urlsplit

import pyarrow as pa
from pyarrow import fs

from tally.core.environment import load_environment
from tally.core.errors import TallyError

EXAMPLES = "s3://bucket/folder?endpoint_override=https://s3.example.com or file:///mnt/costs"
OPTIONS = frozenset({"endpoint_override", "region", "scheme"})
ATTEMPTS = 3
CONNECT_SECONDS, REQUEST_SECONDS = 10, 60
COPIED_BYTES = 1 << 20  # at a time
UNFINISHED = ".part"

# What errors of storages contain, and what they mean; the first that fits counts.
_MEANINGS = (
    (
        ("ACCESS_DENIED", "INVALID_ACCESS_KEY", "SIGNATURE_DOES_NOT_MATCH", "INVALID_SIGNATURE", "FORBIDDEN",
         "InvalidAccessKeyId", "UNRECOGNIZED_CLIENT", "HTTP status 403", "Permission denied"),
        "refuses Tally's keys. Check AWS_ACCESS_KEY_ID, AWS_SECRET_ACCESS_KEY and what they may write",
    ),
    (
        ("NO_SUCH_BUCKET", "InvalidBucketName", "bucket does not exist", "Bucket does not exist"),
        "has no such bucket. Create it, or correct the address",
    ),
    (
        ("No space left", "InsufficientStorage", "SLOW_DOWN", "QuotaExceeded", "HTTP status 507"),
        "is full. Make room, then run it again",
    ),
    (
        ("NETWORK_CONNECTION", "curlCode", "Connection refused", "timeout", "Couldn't connect", "TIMEOUT"),
        "does not answer. Check the address and that it runs",
    ),
)  # fmt: skip


class StorageProblem(TallyError):
    """A folder or bucket cannot be used; the text is for the user."""


@contextmanager
def storage_errors() -> Iterator[None]:
    """Raise errors of the storage as StorageProblem."""
    try:
        yield
    except (OSError, pa.ArrowException) as error:
        raise StorageProblem(_describe(error)) from error


def _describe(error: BaseException) -> str:
    text = str(error)
    if isinstance(error, OSError) and error.errno == errno.ENOSPC:
        text = "No space left"
    if isinstance(error, OSError) and error.errno in (errno.EACCES, errno.EROFS, errno.EPERM):
        return "The storage cannot be written. Check the permissions of its folder."
    for signs, meaning in _MEANINGS:
        if any(sign in text for sign in signs):
            return f"The storage {meaning}."
    return f"The storage failed: {' '.join(text.split())[:200]}."


class Store:
    """Files by their path below one place; what `write` and `upload` make is there whole or not at all."""

    def __init__(self, files: fs.FileSystem, root: str, has_folders: bool) -> None:
        self.files = fs.SubTreeFileSystem(root, files)
        self._has_folders = has_folders  # a bucket has names alone

    def make_folder(self, path: str) -> None:
        """Make a folder where there are such."""
        if self._has_folders:
            with storage_errors():
                self.files.create_dir(path, recursive=True)

    def list_files(self, folder: str) -> dict[str, int]:
        """The files of a folder with their sizes; none where there is no such folder."""
        with storage_errors():
            found = self.files.get_file_info(fs.FileSelector(folder, allow_not_found=True, recursive=True))
            return {info.path: info.size for info in found if info.type == fs.FileType.File}

    def write(self, path: str, content: bytes) -> None:
        """Write a small file."""
        with storage_errors(), self._writing(path) as stream:
            stream.write(content)

    def upload(self, path: str, source: Path) -> None:
        """Copy a file of this machine."""
        with storage_errors(), source.open("rb") as file, self._writing(path) as stream:
            shutil.copyfileobj(file, stream, COPIED_BYTES)

    @contextmanager
    def _writing(self, path: str) -> Iterator[pa.NativeFile]:
        """A stream into a file, which takes the place of an older one when it is whole.

        In a bucket, too: a stream that is closed after an error leaves what was written until then.
        """
        unfinished = f"{path}{UNFINISHED}"
        with self.files.open_output_stream(unfinished) as stream:
            yield stream
        self.files.move(unfinished, path)

    def read(self, path: str) -> bytes | None:
        """The content of a small file; None if it is missing."""
        try:
            with storage_errors(), self.files.open_input_stream(path) as stream:
                return bytes(stream.read())
        except StorageProblem as problem:
            if isinstance(problem.__cause__, FileNotFoundError):
                return None
            raise

    def delete_file(self, path: str) -> None:
        """Delete a file; safe to repeat."""
        with storage_errors():
            if self.files.get_file_info(path).type == fs.FileType.File:
                self.files.delete_file(path)

    def delete_folder(self, folder: str) -> None:
        """Delete a folder with its files; safe to repeat."""
        for path in self.list_files(folder):
            self.delete_file(path)
        with storage_errors():
            if self._has_folders and self.files.get_file_info(folder).type == fs.FileType.Directory:
                self.files.delete_dir(folder)


def open_store(url: str, environment: Mapping[str, str] | None = None) -> Store:
    """The store at an address: `s3://bucket/…`, `file:///folder`, or the path of a folder.

    Keys of buckets are in the usual settings (AWS_ACCESS_KEY_ID and others). Raises StorageProblem.
    """
    parts = urlsplit(url)
    if not parts.scheme and url.strip():
        return _open_folder(Path(url).expanduser())
    if parts.scheme == "file" and not parts.netloc and parts.path not in ("", "/"):
        return _open_folder(Path(unquote(parts.path)))
    if parts.scheme == "s3" and parts.netloc:
        if "@" in parts.netloc:
            raise StorageProblem("Keys do not belong into an address. Set AWS_ACCESS_KEY_ID and its secret.")
        settings = load_environment() if environment is None else environment
        return _open_bucket(parts.netloc, parts.path.strip("/"), parse_qs(parts.query), settings)
    raise StorageProblem(f"This is no address of a bucket or a folder. Name one such as {EXAMPLES}.")


def _open_folder(folder: Path) -> Store:
    if not folder.is_dir():  # made here, it would be on another disk than a mount that is missing
        raise StorageProblem(f"The folder {folder} is missing. Mount or create it.")
    if not os.access(folder, os.W_OK):
        raise StorageProblem(f"The folder {folder} cannot be written. Check its permissions.")
    return Store(fs.LocalFileSystem(), str(folder.resolve()), has_folders=True)


def _open_bucket(
    bucket: str, prefix: str, options: Mapping[str, list[str]], settings: Mapping[str, str]
) -> Store:
    endpoint = options.get("endpoint_override", [settings.get("aws_endpoint_url", "")])[0]
    scheme, _, host = endpoint.rpartition("://")
    if unknown := options.keys() - OPTIONS:
        raise StorageProblem(f"The address has an unknown part: {', '.join(sorted(unknown))}.")
    with storage_errors():
        files = fs.S3FileSystem(
            access_key=settings.get("aws_access_key_id"),
            secret_key=settings.get("aws_secret_access_key"),
            session_token=settings.get("aws_session_token"),
            region=options.get("region", [settings.get("aws_region", "us-east-1")])[0],
            scheme=options.get("scheme", [scheme or "https"])[0],
            endpoint_override=host or None,
            connect_timeout=CONNECT_SECONDS,
            request_timeout=REQUEST_SECONDS,
            retry_strategy=fs.AwsStandardS3RetryStrategy(max_attempts=ATTEMPTS),
        )
    return Store(files, f"{bucket}/{prefix}".rstrip("/"), has_folders=False)

"""The place of archives: a folder, or a bucket of any service that speaks S3."""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from urllib.parse import parse_qs, unquote, urlsplit

import pyarrow as pa
from pyarrow import fs

from tally.archive.problems import ArchiveProblem, describe_storage
from tally.core.environment import load_environment

SETTING = "TALLY_ARCHIVE_URL"
EXAMPLES = "s3://bucket/folder?endpoint_override=https://s3.example.com or file:///mnt/archive"
ATTEMPTS = 3
CONNECT_SECONDS, REQUEST_SECONDS = 10, 60


@contextmanager
def storage_errors() -> Iterator[None]:
    """Raise errors of the storage as ArchiveProblem."""
    try:
        yield
    except (OSError, pa.ArrowException) as error:
        raise ArchiveProblem(describe_storage(error)) from error


class Storage:
    """Files by their path below the archive's place."""

    def __init__(self, files: fs.FileSystem, root: str, has_folders: bool) -> None:
        self.files = fs.SubTreeFileSystem(root, files)
        self._has_folders = has_folders  # a bucket has names alone

    def make_folder(self, path: str) -> None:
        """Make a folder where there are such."""
        if self._has_folders:
            self.files.create_dir(path, recursive=True)

    def list_files(self, folder: str) -> dict[str, int]:
        """The files of a folder with their sizes; none where there is no such folder."""
        with storage_errors():
            found = self.files.get_file_info(fs.FileSelector(folder, allow_not_found=True, recursive=True))
            return {info.path: info.size for info in found if info.type == fs.FileType.File}

    def write(self, path: str, content: bytes) -> None:
        """Write a small file that is there whole or not at all."""
        with storage_errors():
            if not self._has_folders:
                with self.files.open_output_stream(path) as stream:
                    stream.write(content)
                return
            with self.files.open_output_stream(f"{path}.part") as stream:
                stream.write(content)
            self.files.move(f"{path}.part", path)

    def read(self, path: str) -> bytes | None:
        """The content of a small file; None if it is missing."""
        try:
            with storage_errors(), self.files.open_input_stream(path) as stream:
                return bytes(stream.read())
        except ArchiveProblem as problem:
            if isinstance(problem.__cause__, FileNotFoundError):
                return None
            raise

    def delete_folder(self, folder: str) -> None:
        """Delete a folder with its files; safe to repeat."""
        with storage_errors():
            for path in self.list_files(folder):
                self.files.delete_file(path)
            if self._has_folders and self.files.get_file_info(folder).type == fs.FileType.Directory:
                self.files.delete_dir(folder)


def open_storage(environment: Mapping[str, str] | None = None) -> Storage:
    """The storage that the settings name; raises ArchiveProblem without one."""
    settings = load_environment() if environment is None else environment
    url = settings.get(SETTING.lower(), "")
    if not url:
        raise ArchiveProblem(f"There is no place for archives. Set {SETTING}, such as {EXAMPLES}.")
    parts = urlsplit(url)
    if parts.scheme == "file" and not parts.netloc and parts.path not in ("", "/"):
        return _open_folder(Path(unquote(parts.path)))
    if parts.scheme == "s3" and parts.netloc:
        return _open_bucket(parts.netloc, parts.path.strip("/"), parse_qs(parts.query), settings)
    raise ArchiveProblem(f"{SETTING} is no address of a bucket or a folder, such as {EXAMPLES}.")


def _open_folder(folder: Path) -> Storage:
    if not folder.is_dir():  # made here, it would be on another disk than a mount that is missing
        raise ArchiveProblem(f"The folder of the archive, {folder}, is missing. Mount or create it.")
    return Storage(fs.LocalFileSystem(), str(folder), has_folders=True)


def _open_bucket(
    bucket: str, prefix: str, options: Mapping[str, list[str]], settings: Mapping[str, str]
) -> Storage:
    endpoint = options.get("endpoint_override", [settings.get("aws_endpoint_url", "")])[0]
    scheme, _, host = endpoint.rpartition("://")
    unknown = options.keys() - {"endpoint_override", "region", "scheme"}
    if unknown:
        raise ArchiveProblem(f"{SETTING} has an unknown part: {', '.join(sorted(unknown))}.")
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
    return Storage(files, f"{bucket}/{prefix}".rstrip("/"), has_folders=False)

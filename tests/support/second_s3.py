"""An S3 server that is not moto, in a process of its own: what only one implementation does is no proof.

Its conditional puts have to be atomic, or tests of two drivers prove nothing. Of others that were tried with eight
writers at once, S3Mock 5.2 let several of them win, and S3Proxy 4.1 did so with If-Match. LocalStack 4.14 needs a newer
Python than this project.
"""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import boto3
from botocore.config import Config
from botocore.exceptions import BotoCoreError, ClientError

from support.kept import kept

READY_SECONDS = 30
END_SECONDS = 10
ATTEMPTS = 3  # another process may take the free port before the server does
# Compiled in half the time; nobody needs a fast or debuggable server here.
BUILD = ("go", "install", "-gcflags=all=-N -l", "-ldflags=-s -w")
# The server ends with the pipe to this process, even when this process is killed; and the shell ends with the server.
ENDS_WITH_STDIN = 'exec 3<&0; "$@" </dev/null & server=$!; (read -r _ <&3; kill $server) & wait $server'


@dataclass(frozen=True)
class S3Server:
    """A running server, and the only identity that it knows."""

    url: str
    access_key: str = "second"
    secret_key: str = "second-secret"
    region: str = "us-east-1"

    @property
    def environment(self) -> dict[str, str]:
        """The default credential chain of a process that is to use it."""
        return {
            "AWS_ACCESS_KEY_ID": self.access_key,
            "AWS_SECRET_ACCESS_KEY": self.secret_key,
            "AWS_DEFAULT_REGION": self.region,
        }

    def client(self, **options: Any) -> Any:
        """Returns a boto3 client of it; `options` go to botocore's Config."""
        return boto3.client(
            "s3",
            endpoint_url=self.url,
            aws_access_key_id=self.access_key,
            aws_secret_access_key=self.secret_key,
            region_name=self.region,
            config=Config(s3={"addressing_style": "path"}, **options),
        )


@dataclass(frozen=True)
class Kind:
    """A server that Go's module proxy has, and how it is started: (address, folder) -> arguments."""

    module: str
    arguments: Callable[[str, str], list[str]]
    environment: dict[str, str]


KINDS = {
    # Objects are files, so `a` and `a/b` cannot both be there.
    "versitygw": Kind(
        "github.com/versity/versitygw/cmd/versitygw@v1.8.0",
        lambda address, folder: ["--port", address, "--quiet", "--keep-alive", "posix", folder],
        {"ROOT_ACCESS_KEY": S3Server.access_key, "ROOT_SECRET_KEY": S3Server.secret_key},
    ),
    # The module proxy knows MinIO's releases only by their commits.
    "minio": Kind(
        "github.com/minio/minio@v0.0.0-20260212201848-7aac2a2c5b7c",
        lambda address, folder: ["server", folder, "--address", address, "--quiet", "--anonymous"],
        {
            "MINIO_ROOT_USER": S3Server.access_key,
            "MINIO_ROOT_PASSWORD": S3Server.secret_key,
            "MINIO_BROWSER": "off",
            "MINIO_UPDATE": "off",
            "MINIO_CI_CD": "1",  # takes a folder for a disk
        },
    ),
}


def chosen() -> str:
    """Returns the name of the server that SECOND_S3 asks for."""
    return os.environ.get("SECOND_S3", "versitygw")


@contextmanager
def second_s3_server(kind: str | None = None) -> Iterator[S3Server]:
    """Runs a server with no buckets in an empty folder; it is gone at the end, and its objects with it.

    The first time it is compiled, by Go, from its module.
    """
    kind = kind or chosen()
    binary = kept(kind, [*BUILD, KINDS[kind].module], lambda place: _build(KINDS[kind].module, place)) / kind
    with ExitStack() as running:
        for _ in range(ATTEMPTS):
            folder = Path(running.enter_context(tempfile.TemporaryDirectory(prefix="second-s3-")))
            server = S3Server(f"http://127.0.0.1:{_free_port()}")
            process = running.enter_context(_process(kind, binary, server, folder))
            if _answers(server, process):
                break
        else:
            raise RuntimeError(f"{kind} does not start: {(folder / 'log').read_text()[-2000:]}")
        yield server


def _build(module: str, place: Path) -> None:
    subprocess.run([*BUILD, module], env=os.environ | {"GOBIN": str(place)}, check=True, stdout=subprocess.DEVNULL)


@contextmanager
def _process(kind: str, binary: Path, server: S3Server, folder: Path) -> Iterator[subprocess.Popen[bytes]]:
    (folder / "objects").mkdir()
    arguments = KINDS[kind].arguments(server.url.removeprefix("http://"), str(folder / "objects"))
    command = ["sh", "-c", ENDS_WITH_STDIN, "sh", str(binary), *arguments]
    # MinIO keeps certificates and settings in HOME.
    environment = os.environ | KINDS[kind].environment | {"HOME": str(folder)}
    with (folder / "log").open("wb") as log:
        process = subprocess.Popen(
            command, env=environment, stdin=subprocess.PIPE, stdout=log, stderr=log, start_new_session=True
        )
    try:
        yield process
    finally:
        _end(process)


def _end(process: subprocess.Popen[bytes]) -> None:
    assert process.stdin is not None
    process.stdin.close()
    try:
        process.wait(END_SECONDS)
    except subprocess.TimeoutExpired:
        os.killpg(process.pid, signal.SIGKILL)
        process.wait()


def _answers(server: S3Server, process: subprocess.Popen[bytes]) -> bool:
    """Returns whether it answers in time; not if it has ended, as when its port was taken meanwhile."""
    client = server.client(retries={"total_max_attempts": 1}, connect_timeout=1, read_timeout=1)
    deadline = time.monotonic() + READY_SECONDS
    while process.poll() is None and time.monotonic() < deadline:
        with suppress(BotoCoreError, ClientError):
            client.list_buckets()
            return True
        time.sleep(0.05)
    return False


def _free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        return int(listener.getsockname()[1])

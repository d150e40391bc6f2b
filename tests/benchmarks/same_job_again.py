"""The same job many times in one emulator: what it takes at the end beside what it took at the beginning.

    .venv/bin/python tests/benchmarks/same_job_again.py --objects 500 --jobs 40

Each job reads the same objects and writes its outputs below a prefix of its own, so that what the emulator holds grows
with each. A model that answers at once is in this process; what is left is the emulator's own.
"""

from __future__ import annotations

import argparse
import statistics
import sys
import threading
import time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[1]))

from support.emulator_aws import Aws, request
from transform_emulator.emulator import Emulator
from transform_emulator.settings import Settings

ALLOWED = 1.2  # the last jobs' median by the first ones'
EDGE = 5  # jobs at either end
WARM_UP = 2  # moto and botocore are imported by the first


class Echo(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True

    def do_GET(self) -> None:
        self._answer(200 if self.path == "/ping" else 404, b"")

    def do_POST(self) -> None:
        if "chunked" in self.headers.get("Transfer-Encoding", ""):
            self._answer(411, b"")
        else:
            self._answer(200, self.rfile.read(int(self.headers["Content-Length"])))

    def _answer(self, status: int, body: bytes) -> None:
        self.send_response(status)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_: object) -> None:
        """Nothing."""


def seconds_of(aws: Aws, name: str) -> float:
    began = time.perf_counter()
    changes = {"ModelName": "echo", "TransformOutput__S3OutputPath": f"s3://data/out/{name}"}
    aws.sagemaker.create_transform_job(**request(name, "data", **changes, MaxConcurrentTransforms=4))
    status = aws.wait_until(name, seconds=600)["TransformJobStatus"]
    assert status == "Completed", status
    return time.perf_counter() - began


def main() -> int:
    """The exit code: 1 if the last jobs took longer than they may."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--objects", type=int, default=500)
    parser.add_argument("--jobs", type=int, default=40)
    parser.add_argument("--state", type=Path, help="keep the state there")
    arguments = parser.parse_args()
    server = ThreadingHTTPServer(("127.0.0.1", 0), Echo)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    models = {"echo": f"http://127.0.0.1:{server.server_address[1]}"}
    with Emulator(Settings(models, buckets=["data"], state=arguments.state)) as emulator:
        aws = Aws.of(emulator.endpoint_url)
        for number in range(arguments.objects):
            aws.s3.put_object(Bucket="data", Key=f"in/{number:05}", Body=b"1\n2\n")
        for number in range(WARM_UP):
            seconds_of(aws, f"warm-up-{number}")
        taken = [seconds_of(aws, f"job-{number}") for number in range(arguments.jobs)]
    server.shutdown()
    first, last = statistics.median(taken[:EDGE]), statistics.median(taken[-EDGE:])
    sys.stdout.write(" ".join(f"{each:.2f}" for each in taken) + "\n")
    sys.stdout.write(f"first {first:.2f} s, last {last:.2f} s, {last / first:.2f} times (at most {ALLOWED})\n")
    return 0 if last <= ALLOWED * first else 1


if __name__ == "__main__":
    sys.exit(main())

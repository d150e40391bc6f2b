"""The second server is really another one, and ends whatever becomes of the tests."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
import urllib.error
import urllib.request
from pathlib import Path

import pytest

TESTS = Path(__file__).parents[1]
CHILD = """
import sys, time
from support.second_s3 import second_s3_server
with second_s3_server() as server:
    print(server.url, flush=True)
    time.sleep(300)
"""


def answers(url):
    try:
        urllib.request.urlopen(url, timeout=5)
    except urllib.error.HTTPError:
        return True  # 403 for a stranger
    except OSError:
        return False
    return True


def test_it_ends_with_the_process_that_started_it(second_s3, tmp_path):
    """After SIGKILL only its folder is left."""
    environment = os.environ | {"TMPDIR": str(tmp_path)}
    with subprocess.Popen(
        [sys.executable, "-c", CHILD], cwd=TESTS, env=environment, stdout=subprocess.PIPE, text=True
    ) as child:
        url = child.stdout.readline().strip()
        assert answers(url)
        child.send_signal(signal.SIGKILL)
    deadline = time.monotonic() + 10
    while answers(url) and time.monotonic() < deadline:
        time.sleep(0.05)
    assert not answers(url)
    assert answers(second_s3.url)


def test_it_refuses_a_wrong_signature(second_s3):
    """Unlike moto, which lets anybody in."""
    client = type(second_s3)(second_s3.url, secret_key="another").client(retries={"total_max_attempts": 1})
    with pytest.raises(client.exceptions.ClientError, match="SignatureDoesNotMatch"):
        client.list_buckets()

"""The proxy that tests put before a server knows who asks by the whole connection, not by a port that others have."""

from __future__ import annotations

import socket
import subprocess
import sys
from contextlib import closing

from support.watching_proxy import GONE, owner

# Connects from the port of somebody else's connection, which the kernel allows where the other end differs.
CHILD = """
import socket, sys
mine = socket.socket()
mine.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
mine.bind(("127.0.0.1", int(sys.argv[1])))
mine.connect(("127.0.0.1", int(sys.argv[2])))
print("there", flush=True)
sys.stdin.read()
"""


def test_a_port_that_two_processes_connect_from_is_told_apart_by_where_they_connect_to():
    with (
        closing(socket.create_server(("127.0.0.1", 0))) as one,
        closing(socket.create_server(("127.0.0.1", 0))) as other,
        closing(socket.socket()) as mine,
    ):
        mine.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        mine.bind(("127.0.0.1", 0))
        mine.connect(one.getsockname())
        port, elsewhere = mine.getsockname()[1], other.getsockname()[1]
        arguments = [sys.executable, "-c", CHILD, str(port), str(elsewhere)]
        with subprocess.Popen(arguments, stdin=subprocess.PIPE, stdout=subprocess.PIPE) as child:
            assert child.stdout is not None
            assert child.stdout.readline() == b"there\n"
            assert owner(port, elsewhere) == child.pid
            assert owner(port, one.getsockname()[1]) == GONE
            child.communicate()

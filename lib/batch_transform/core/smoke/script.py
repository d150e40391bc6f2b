"""The model that `smoke` makes: a script for AWS's scikit-learn container, which tells what reaches it.

The container imports `code/inference.py` of the artifact and calls `model_fn` and `transform_fn` within a request of
Flask's; what `transform_fn` returns is the response (aws/sagemaker-scikit-learn-container, `serving.py`;
aws/sagemaker-containers, `_worker.py`, `_transformer.py`). It has Python 3.8 or newer.
"""

from __future__ import annotations

SCRIPT = r'''"""The model of `batch-transform smoke`: it scores rows, and tells what it was sent."""

import gzip
import json
import os
import re
import sys
import tempfile
import time
import uuid

import flask

ASKED = re.compile(r"@([a-z]+)(?:=([0-9.]+))?")
HEAD_BYTES, SHOWN = 200, 40
JSON_LINES = "application/jsonlines"


def model_fn(model_dir):
    with open(os.path.join(model_dir, "model.json")) as file:
        weights = json.load(file)
    return {"weights": weights, "instance": instance(model_dir), "loaded": started()}


def instance(model_dir):
    """A name that all processes of this container share, and no other container has."""
    name = uuid.uuid4().hex
    for folder in (model_dir, tempfile.gettempdir()):
        place = os.path.join(folder, "smoke-instance")
        try:
            with open(place + name, "w") as file:
                file.write(name)
            os.link(place + name, place)
        except FileExistsError:
            with open(place) as file:
                return file.read()
        except OSError:
            continue
        return name
    return name


def started():
    """When this process began, in seconds since the epoch."""
    now = time.time()
    try:
        with open("/proc/self/stat") as file:
            ticks = int(file.read().rpartition(")")[2].split()[19])
        with open("/proc/uptime") as file:
            ago = float(file.read().split()[0]) - ticks / os.sysconf("SC_CLK_TCK")
    except (OSError, ValueError, IndexError):
        return now
    return now - ago if 0 <= ago < 3600 else now


def connections():
    """How many clients are connected to this container."""
    port = "%04X" % int(os.environ.get("SAGEMAKER_BIND_TO_PORT", "8080"))
    found = 0
    for table in ("/proc/net/tcp", "/proc/net/tcp6"):
        try:
            with open(table) as file:
                rows = [line.split() for line in file][1:]
        except OSError:
            continue
        found += sum(row[1].endswith(":" + port) and row[3] == "01" for row in rows)
    return found


def transform_fn(model, content, content_type, accept):
    body = content.encode() if isinstance(content, str) else bytes(content)
    head = body[:HEAD_BYTES].decode("utf-8", "replace")
    if head.startswith('{"x"'):
        return scored(model["weights"], body)
    asked = dict(ASKED.findall(head))
    seen = what_came(model, body, head)
    log(json.dumps(seen))
    if "sleep" in asked:
        seen["connections"] = sleep(float(asked["sleep"]))
    seen["ended"] = time.time()
    return answer(asked, seen, body)


def log(text):
    """The container's log has each request, also one that gets no answer."""
    sys.stdout.write("smoke " + text + "\n")
    sys.stdout.flush()


def scored(weights, body):
    log("rows")
    rows = [json.loads(line)["x"] for line in body.decode().split("\n") if line]
    found = [sum(a * b for a, b in zip(weights["w"], row)) + weights["b"] for row in rows]
    return flask.Response("".join(json.dumps({"p": round(p, 6)}) + "\n" for p in found), content_type=JSON_LINES)


def what_came(model, body, head):
    environ = flask.request.environ
    seen = {
        "bytes": len(body),
        "lines": body.count(b"\n"),
        "head": head[:SHOWN].replace("@", ""),
        "content_type": environ.get("CONTENT_TYPE"),
        "accept": environ.get("HTTP_ACCEPT"),
        "named": "HTTP_X_AMZN_SAGEMAKER_INPUT_OBJECT" in environ,
        "zipped": "gzip" in environ.get("HTTP_ACCEPT_ENCODING", ""),
        "mark": os.environ.get("SMOKE_MARK"),
        "instance": model["instance"],
        "loaded": model["loaded"],
        "began": time.time(),
    }
    if head.startswith('{"bytes"'):  # from the container in front of this one
        seen["first"] = json.loads(body)
        seen["head"] = seen["first"]["head"]
    return seen


def sleep(seconds):
    end, most = time.time() + seconds, 0
    while time.time() < end:
        most = max(most, connections())
        time.sleep(0.05)
    return most


def answer(asked, seen, body):
    told = json.dumps(seen) + "\n"
    if "status" in asked:
        status = int(asked["status"])
        return flask.Response("" if status == 204 else told, status, content_type=JSON_LINES)
    if "gzip" in asked:
        return flask.Response(gzip.compress(told.encode()), 200, {"Content-Encoding": "gzip"}, content_type=JSON_LINES)
    if "typed" in asked:
        return flask.Response("[1,2]\n", content_type="application/json")
    if "cells" in asked:
        return flask.Response("%d\n" % len(body.split(b",")), content_type="text/csv")
    if "big" in asked:
        return flask.Response("x" * int(asked["big"]), content_type=JSON_LINES)
    return flask.Response(told * int(asked.get("lines", 1)), content_type=JSON_LINES)
'''

"""The page of the emulator: its commands are run, its tables compared with what the code says."""

import argparse
import json
import os
import re
import shlex
import subprocess
import sys
import urllib.request
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import boto3
import pytest

from support.emulator_aws import Aws, Ran, request
from support.scripted_model import ScriptedModel
from transform_emulator.cli import ARGUMENTS
from transform_emulator.faults import api
from transform_emulator.faults.model import RULES, Fault, Kind
from transform_emulator.faults.register import FaultRegister
from transform_emulator.service import switch_options

ROOT = Path(__file__).parents[2]
SECTION = (ROOT / "lib/transform_emulator/README.md").read_text(encoding="utf-8")
FLIGHT = {"month": 1, "day": 1, "sched_dep_time": 515, "carrier": "UA", "origin": "EWR", "dest": "IAH"}


def commands(first_words: str) -> list[list[str]]:
    """The page's commands that begin like this, as words, with this interpreter in the place of .venv's."""
    blocks = re.findall(r"^```bash\n(.*?)^```", SECTION, re.MULTILINE | re.DOTALL)
    lines = [line for block in blocks for line in block.strip().split("\n") if line.startswith(first_words)]
    replaced = (
        line.replace(".venv/bin/python", sys.executable).replace(
            ".venv/bin/transform-emulator", f"{sys.executable} -m transform_emulator"
        )
        for line in lines
    )
    return [shlex.split(line) for line in replaced]


def rows(header: str) -> list[list[str]]:
    """A table's cells."""
    lines = SECTION[SECTION.index(header) :].split("\n\n")[0].split("\n")[2:]
    return [[cell.strip() for cell in line.strip("|").split(" | ")] for line in lines]


@dataclass(frozen=True)
class FaultRow:
    """A line of the table of faults, which may be about two of them."""

    kinds: list[str]
    narrowed_by: set[str]
    parameters: dict[str, str | None]


def fault_rows() -> Iterator[FaultRow]:
    narrowed: set[str] = set()
    for names, _, by, parameters in rows("| fault | what happens |"):
        narrowed = narrowed if by == "the same" else set(by.split(", "))
        told = re.findall(r"(\w+)(?: \((\d+)\))?", parameters)
        yield FaultRow(re.findall(r"`(\w+)`", names), narrowed, {name: default or None for name, default in told})


def test_the_command_runs_a_job(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The example as it stands, but for a free port: clients that have the exported variables score a flight."""
    (command,) = commands(".venv/bin/transform-emulator")
    ((_, *exported),) = commands("export")
    command[command.index("--port") + 1] = "0"
    environment = {**os.environ, "PYTHONPATH": str(ROOT / "lib")}
    with subprocess.Popen(command, stdout=subprocess.PIPE, cwd=tmp_path, env=environment) as emulator:
        try:
            assert emulator.stdout is not None
            endpoint = json.loads(emulator.stdout.readline())["endpoint_url"]
            variables = dict(word.split("=", 1) for word in exported) | {"AWS_ENDPOINT_URL": endpoint}
            for name, value in variables.items():
                monkeypatch.setenv(name, value)
            boto3.client("s3").put_object(Bucket="flights", Key="in/a.jsonl", Body=json.dumps(FLIGHT).encode())
            boto3.client("sagemaker").create_transform_job(
                **request("readme", "flights", ModelName="flight-delays", TransformOutput__AssembleWith=None)
            )
            aws = Aws.of(endpoint, variables["AWS_DEFAULT_REGION"])
            assert aws.wait_until("readme", seconds=120)["TransformJobStatus"] == "Completed"
            assert json.loads(aws.outputs("flights")["a.jsonl.out"]).keys() == {"p_late", "late"}
        finally:
            emulator.terminate()
    assert emulator.returncode == 0


def test_the_table_of_arguments_is_the_command_lines() -> None:
    """Every argument with its placeholder and, where it has one, its default; none that does not exist."""
    parser = argparse.ArgumentParser(add_help=False)
    actions = [parser.add_argument(flag, **options) for flag, options in ARGUMENTS.items()]
    table = rows("| argument | meaning |")
    shown = [argument for cell, _ in table for argument in re.findall(r"`([^`]+)`", cell)]
    assert sorted(shown) == sorted(f"{a.option_strings[0]} {a.metavar or ''}".strip() for a in actions)
    for action in actions:
        if isinstance(action.default, int | float) and not isinstance(action.default, bool):
            (meaning,) = (words for cell, words in table if f"`{action.option_strings[0]} " in cell)
            assert re.search(rf"\({action.default:g}\b", meaning)


def test_the_table_of_switches_is_the_command_lines() -> None:
    """What `--list-switches` prints."""
    assert switch_options.table() in SECTION


def test_the_table_of_faults_has_all_of_them() -> None:
    """Each kind once, with what it can be narrowed down to, and its parameters with their defaults."""
    table = {kind: row for row in fault_rows() for kind in row.kinds}
    assert sum(len(row.kinds) for row in fault_rows()) == len(table)
    assert table.keys() == {kind.value for kind in Kind}
    for kind, (point, parameters) in RULES.items():
        row = table[kind.value]
        assert (row.narrowed_by, row.parameters.keys()) == (set(point.value), set(parameters))
        for name, default in row.parameters.items():
            declared = getattr(Fault, name)
            assert default == (str(declared) if declared else None)


@pytest.fixture
def example(tmp_path: Path) -> list[Fault]:
    """The faults of the section's example."""
    (block,) = re.findall(r"^```yml\n(.*?)^```", SECTION, re.MULTILINE | re.DOTALL)
    (tmp_path / "faults.yml").write_text(block)
    return api.from_file(tmp_path / "faults.yml")


def test_the_faults_of_the_example_strike_as_their_comments_say(example: list[Fault]) -> None:
    """A text in the request, its first attempt, the third and fourth describe."""
    register = FaultRegister(example)

    def struck(kind: Kind, body: bytes = b"", **facts: object) -> int | None:
        fault = register.find((kind,), facts, body)
        return fault and fault.status

    bad, good = b'{"id": 17}\n', b'{"id": 1}\n'
    assert [struck(Kind.STATUS, bad, attempt=n) for n in (1, 2)] == [400, 400]
    assert [struck(Kind.STATUS, good, attempt=n) for n in (1, 2)] == [503, None]
    calls = [struck(Kind.THROTTLING, operation="DescribeTransformJob") for _ in range(5)]
    assert [call is not None for call in calls] == [False, False, True, True, False]
    assert struck(Kind.THROTTLING, operation="CreateTransformJob") is None


def test_the_faults_of_the_example_can_be_put(
    aws: Aws, run: Callable[..., Ran], model: ScriptedModel, example: list[Fault]
) -> None:
    """`PUT`, `GET`, which counts, and `DELETE` of /_emulator/faults, and a job in between."""
    declared = [fault.document() for fault in example]

    def call(method: str, document: object = None) -> list[dict[str, object]]:
        body = None if document is None else json.dumps(document).encode()
        ask = urllib.request.Request(f"{aws.endpoint_url}/_emulator/faults", body, method=method)
        with urllib.request.urlopen(ask) as answer:
            return json.loads(answer.read())["faults"]

    call("PUT", {"faults": declared})
    ran = run({"a": b'{"id": 17}\n', "b": b'{"id": 1}\n'})
    counted = call("GET")
    assert [{k: v for k, v in each.items() if k not in {"seen", "struck"}} for each in counted] == declared
    assert (ran.status, set(ran.outputs), counted[0]["struck"]) == ("Failed", {"b.out"}, 1)
    assert call("DELETE") == []


def test_the_test_commands_collect_tests() -> None:
    """Paths and options of the pytest commands exist."""
    found = commands(".venv/bin/python -m pytest")
    assert len(found) == 3
    for command in found:
        ran = subprocess.run([*command, "--collect-only", "-q"], cwd=ROOT, capture_output=True, text=True)
        assert ran.returncode == 0, ran.stdout[-500:] + ran.stderr[-500:]

"""Imports go one way: jobs -> pipeline -> {config, aws, s3, spark, sagemaker, cloudwatch, outputs} -> records -> core.

But for the registries of what a configuration may name.

Within core, the pipeline and the emulator they go down the floors: a room imports from those below it, never up.
"""

from __future__ import annotations

import ast
from pathlib import Path
from typing import NamedTuple

import pytest

ROOT = Path(__file__).parents[2]
SIDES = ("config", "aws", "s3", "spark", "sagemaker", "cloudwatch", "outputs")
BELOW = {
    "core": {"core"},
    "records": {"records", "core"},
    "exports": {"exports", "spark", "records", "core"},
    "deploy": {"deploy", "core"},
    "pipeline": {"pipeline", "deploy", "exports", *SIDES, "records", "core"},
    **{side: {side, "core"} for side in SIDES},
    "config": {"config", "deploy", "exports", "records", "core"},
    "spark": {"spark", "records", "core"},
}
# A configuration names what is registered, and is checked against what that can.
REGISTRIES = {"batch_transform.outputs.registry", "batch_transform.outputs.port", "batch_transform.spark.merge_way"}
# Each house from its ground up. A room's modules import each other and those of the rooms before it.
FLOORS = {
    "batch_transform.core": (
        "",
        "predictions",
        "isolation",
        "sending",
        "resuming",
        "state",
        "publishing",
        "estimate",
        "report_page",
        "run_views",
        "smoke",
        "progress",
    ),
    "batch_transform.pipeline": (
        *(
            "",
            "world",
            "tables",
            "ending",
            "checks",
            "loop.tools",
            "loop.handlers",
            "loop",
            "lifecycle",
            "commands",
            "submit",
        ),
    ),
    "transform_emulator": (
        *("service", "faults", "filters", "containers", "scripts", "control_plane", "data_plane", "endpoints", "moto"),
        *("state", "http", ""),
    ),
}
# Models that a user may run, which no module imports.
EXAMPLES = "transform_emulator.examples"
NOT_IN_CORE = {"boto3", "botocore", "s3fs", "pyspark", "delta", "yaml", "sagemaker", "requests", "urllib3"}
NOT_PURE = {"time", "random", "os", "subprocess", "socket", "secrets", "uuid", "threading", "pathlib", "shutil"}
# Not asked for, since platforms pin versions of it that exclude each other; of types alone: is not there when it runs.
NOT_NEEDED, OF_TYPES = "pydantic", "typing_extensions"
NOT_IN_WORKERS = {"yaml", "sagemaker", "delta"}
WORKERS = ("core", "records", "exports", "s3", "aws", "spark")
NOT_OVER_CONNECT = {"sparkContext", "_jvm", "_jsc", "_jdf", "rdd", "toJSON", "foreachPartition"}


# `export: rows` is the textbook way, and refuses Spark Connect.
TEXTBOOK = ("batch_transform.exports.rows", ".rdd")


class Import(NamedTuple):
    """A module that a module imports; `at_import` is whether importing the one imports the other."""

    source: str
    target: str
    at_import: bool


def trees(*folders, root=ROOT):
    found = {}
    for folder in folders:
        for path in sorted((root / folder).rglob("*.py")):
            parts = path.relative_to(root / folder).with_suffix("").parts
            found[".".join(parts)] = ast.parse(path.read_text(encoding="utf-8"), str(path))
    return found


def imports_of(module, tree):
    inside = {
        child
        for node in ast.walk(tree)
        if isinstance(node, LATE) or _is_type_checking(node)
        for child in ast.walk(node)
    }
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            names = [alias.name for alias in node.names]
        elif isinstance(node, ast.ImportFrom):
            names = [f"{_absolute(module, node)}.{alias.name}" for alias in node.names]
        else:
            continue
        yield from (Import(module, name, node not in inside) for name in names)


LATE = (ast.FunctionDef, ast.AsyncFunctionDef, ast.Lambda)


def _is_type_checking(node):
    return isinstance(node, ast.If) and isinstance(node.test, ast.Name) and node.test.id == "TYPE_CHECKING"


def _absolute(module, node):
    above = module.removesuffix(".__init__").split(".")
    if not node.level:
        return node.module
    keep = len(above) - node.level + (1 if module.endswith(".__init__") else 0)
    return ".".join([*above[:keep], *([node.module] if node.module else [])])


LIB = trees("lib")
JOBS = trees("jobs")
IMPORTS = [found for module, tree in (LIB | JOBS).items() for found in imports_of(module, tree)]


def part(module):
    """The part of the package that a module belongs to: "core" for batch_transform.core.spans."""
    names = module.split(".")
    return names[1] if names[0] == "batch_transform" and len(names) > 1 else None


def top(module):
    return module.split(".")[0]


def offences(imports):
    """The imports that go the wrong way, as text."""
    wrong = []
    for source, target, at_import in imports:
        inside = part(source)
        far = top(target)
        if (
            top(source) == "batch_transform"
            and inside in BELOW
            and far == "batch_transform"
            and part(target) not in BELOW[inside]
            and not (inside == "config" and target.rpartition(".")[0] in REGISTRIES)
        ):
            wrong.append(f"{source} imports {target}: {inside} imports only {sorted(BELOW[inside])}")
        if top(source) == "batch_transform" and (far == "transform_emulator" or target.split(".")[0] in JOBS):
            wrong.append(f"{source} imports {target}")
        if top(source) == "transform_emulator" and far == "batch_transform":
            wrong.append(f"{source} imports {target}: the emulator is a reading of its own")
        if inside == "core" and far in NOT_IN_CORE | NOT_PURE:
            wrong.append(f"{source} imports {target}: the core does no I/O and has no clock")
        if top(source) == "batch_transform" and (far == NOT_NEEDED or (far == OF_TYPES and at_import)):
            wrong.append(f"{source} imports {target}: the wheel does not ask for it")
        if inside in WORKERS and at_import and far in NOT_IN_WORKERS:
            wrong.append(f"{source} imports {target}: executors do not have it")
    return wrong


def test_every_import_goes_the_right_way():
    assert offences(IMPORTS) == []


def house_and_room(module):
    """The house that a module is in and its room there: ("batch_transform.core", "sending")."""
    for house in FLOORS:
        if f"{module}.".startswith(f"{house}."):
            inner = module.removeprefix(house).removeprefix(".")
            return house, inner.rpartition(".")[0]
    return None, None


def module_of(target):
    """The module that a name is imported from, the name itself if it is one."""
    return next(
        (name for name in (target, f"{target}.__init__", target.rpartition(".")[0]) if name in LIB),
        f"{target.rpartition('.')[0]}.__init__",
    )


def up_the_stairs(imports):
    """The imports from a room of one that lies above it, as text."""
    wrong = []
    for source, target, _ in imports:
        house, room = house_and_room(source)
        far_house, far_room = house_and_room(module_of(target))
        if house is None or house != far_house or room == far_room:
            continue
        floors = FLOORS[house]
        if floors.index(far_room) > floors.index(room):
            wrong.append(f"{source} imports {target}: {far_room or 'the ground'} lies above {room or 'the ground'}")
    return wrong


def test_no_room_imports_from_one_above_it():
    assert up_the_stairs(found for found in IMPORTS if not found.source.startswith(EXAMPLES)) == []


def test_every_room_has_its_floor():
    rooms = {house: set() for house in FLOORS}
    for module in LIB:
        house, room = house_and_room(module)
        if house and not module.startswith(EXAMPLES):
            rooms[house].add(room)
    assert rooms == {house: set(floors) for house, floors in FLOORS.items()}


@pytest.mark.parametrize(
    ("module", "source"),
    [
        ("batch_transform.core.spans", "from batch_transform.core.isolation.verdicts import DEAD"),
        ("batch_transform.core.isolation.observed_failures", "from batch_transform.core.state import fold"),
        (
            "batch_transform.core.sending.job_request",
            "def f():\n    from batch_transform.core.estimate import run_plan",
        ),
        ("batch_transform.pipeline.loop.handlers.poll_jobs", "from batch_transform.pipeline.loop.driver import Driver"),
        ("batch_transform.pipeline.checks.preflight", "import batch_transform.pipeline.commands.run"),
        ("transform_emulator.data_plane.job_run", "from transform_emulator.moto.log_group import LogGroup"),
        ("transform_emulator.http.gateway", "from transform_emulator import cli"),
    ],
)
def test_an_import_of_a_room_above_is_seen(module, source):
    assert len(up_the_stairs(imports_of(module, ast.parse(source)))) == 1


def test_no_folder_imports_in_a_circle():
    edges = {}
    for source, target, _ in IMPORTS:
        if source in LIB and top(target) in ("batch_transform", "transform_emulator"):
            near, far = source.rpartition(".")[0], module_of(target).rpartition(".")[0]
            edges.setdefault(near, set()).update({far} - {near})
    # The one thing that a user imports is the package itself.
    edges["batch_transform"] = set()
    while ends := [folder for folder, targets in edges.items() if not targets & set(edges)]:
        for folder in ends:
            del edges[folder]
    assert edges == {}


def test_all_of_the_package_was_read():
    parts = {part(module) for module in LIB if top(module) == "batch_transform"}
    assert parts == {"__init__", "core", "deploy", "records", "exports", "pipeline", *SIDES}
    assert {"core.spans", "pipeline.loop.driver"} <= {module.removeprefix("batch_transform.") for module in LIB}
    assert any(top(module) == "transform_emulator" for module in LIB)


@pytest.mark.parametrize(
    ("module", "source"),
    [
        ("batch_transform.core.spans", "import batch_transform.s3.store"),
        ("batch_transform.core.spans", "from batch_transform.pipeline.loop import driver"),
        ("batch_transform.core.spans", "from ..aws import access"),
        ("batch_transform.core.spans", "from .. import aws"),
        ("batch_transform.core.__init__", "from ..aws import access"),
        ("batch_transform.core.spans", "from batch_transform import score"),
        ("batch_transform.core.spans", "import boto3"),
        ("batch_transform.core.spans", "import numpy, time"),
        ("batch_transform.core.spans", "from os import path"),
        ("batch_transform.core.spans", "def f():\n    import random"),
        ("batch_transform.s3.store", "from batch_transform.aws.access import AwsAccess"),
        ("batch_transform.spark.reexport", "def f():\n    from batch_transform.s3 import store"),
        ("batch_transform.outputs.delta_table", "from batch_transform.spark import staging"),
        ("batch_transform.spark.reexport", "import yaml"),
        ("batch_transform.aws.access", "if True:\n    from delta import DeltaTable"),
        ("batch_transform.pipeline.commands.clean", "from pydantic import ValidationError"),
        ("batch_transform.config.runfile", "def f():\n    import pydantic"),
        ("batch_transform.config.runfile", "from typing_extensions import Self"),
        ("batch_transform.config.runfile", "import transform_emulator.cli"),
        ("batch_transform.config.result", "from batch_transform.outputs.copying import publish"),
        ("batch_transform.pipeline.commands.run", "import score"),
        ("transform_emulator.cli", "from batch_transform.core import limits"),
    ],
)
def test_an_import_the_wrong_way_is_seen(module, source):
    assert len(offences(imports_of(module, ast.parse(source)))) == 1


@pytest.mark.parametrize(
    ("module", "source"),
    [
        ("batch_transform.core.spans", "from .errors import GateRefused"),
        ("batch_transform.core.spans", "from . import actions"),
        ("batch_transform.core.__init__", "from . import actions"),
        ("batch_transform.pipeline.commands.run", "from batch_transform.s3 import store\nimport os, yaml"),
        ("batch_transform.spark.reexport", "def f():\n    import yaml"),
        ("batch_transform.config.runfile", "if TYPE_CHECKING:\n    from typing_extensions import Self"),
        ("batch_transform.config.result", "from batch_transform.outputs.registry import DEFAULT"),
        ("score", "from batch_transform.pipeline.commands.dispatch import run as job"),
    ],
)
def test_an_import_the_right_way_passes(module, source):
    assert offences(imports_of(module, ast.parse(source))) == []


def test_a_job_imports_the_pipeline_and_errors_alone():
    used = {part(found.target) for found in IMPORTS if found.source in JOBS and top(found.target) == "batch_transform"}
    assert used <= {"pipeline", "core"}


PACKAGE = {module: tree for module, tree in LIB.items() if top(module) == "batch_transform"}


def uses(tree):
    """Names that are called and attributes that are taken."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Name):
            yield f"{node.func.id}("
        if isinstance(node, ast.Attribute):
            yield f".{node.attr}"


@pytest.mark.parametrize("name", [".splitlines", "print(", *sorted(f".{name}" for name in NOT_OVER_CONNECT)])
def test_nothing_in_the_package_uses(name):
    # splitlines also cuts at U+2028 and U+0085 inside a record; print would stand beside the report on standard output.
    assert [module for module, tree in PACKAGE.items() if name in uses(tree) and (module, name) != TEXTBOOK] == []


def test_uses_are_seen():
    seen = set(uses(ast.parse("df.rdd.map(f)\nprint(x.splitlines())")))
    assert {".rdd", "print(", ".splitlines"} <= seen


def test_no_two_modules_import_each_other_when_they_are_imported():
    names = {module.removesuffix(".__init__") for module in LIB}
    edges = {}
    for source, target, at_import in IMPORTS:
        if at_import:
            near = target if target in names else target.rpartition(".")[0]
            edges.setdefault(source.removesuffix(".__init__"), set()).add(near)
    edges = {module: {far for far in targets if far in names and far != module} for module, targets in edges.items()}
    left = dict(edges)
    while ends := [module for module, targets in left.items() if not targets & set(left)]:
        for module in ends:
            del left[module]
    assert left == {}


# They run the tests of conformance against services that are broken on purpose.
ON_TESTS = {"emulator.conformance.test_broken_rules"}


def test_tests_share_through_support_alone():
    """A test that imports another one moves, or is read, with it only."""
    tests = trees("tests")
    folders = {module.partition(".")[0] for module in tests} - {"support", "benchmarks"}
    shared = [
        f"{found.source} imports {found.target}"
        for module, tree in tests.items()
        if module not in ON_TESTS
        for found in imports_of(module, tree)
        if top(found.target) in folders
    ]
    assert shared == []

"""The pages for those who work on the code say what the code says: names, paths, tables and links."""

from __future__ import annotations

import ast
import re
from dataclasses import fields
from enum import Enum
from pathlib import Path

import pytest

from batch_transform.core.isolation.error_classes import ErrorClass, Remedy
from batch_transform.core.isolation.span_decisions import MAX_REPEATS
from batch_transform.core.ledger import StepKind
from batch_transform.core.state import fold
from batch_transform.core.state.next_action import next_action
from batch_transform.spark.dead_letters import ERROR_TYPE
from batch_transform.spark.prediction_columns import PROVENANCE_TYPE
from support import recorded_steps as steps
from support.core_tables import step
from transform_emulator.service.switches import Switches

ROOT = Path(__file__).parents[2]
FACTS = "lib/transform_emulator/FACTS.md"
ARCHITECTURE = "lib/README.md"
FOR_USERS = ["README.md", "conf/README.md", "jobs/README.md", "lib/transform_emulator/README.md", "tests/README.md"]
PAGES = [
    *(FACTS, ARCHITECTURE, "lib/GROWTH.md"),
    *(".github/CONTRIBUTING.md", ".github/SECURITY.md", ".github/CHANGELOG.md"),
]
# Paths are written as one types them at the top, or as modules are found below lib or one of its two packages.
HOUSES = ("batch_transform/core", "batch_transform/pipeline", "transform_emulator")
BELOW = ("", "lib", "lib/batch_transform", *(f"lib/{house}" for house in HOUSES))


def text_of(page):
    return (ROOT / page).read_text(encoding="utf-8")


def prose(page):
    """A page without its blocks of code."""
    return re.sub(r"^```.*?^```", "", text_of(page), flags=re.M | re.S)


def rows(text, header):
    """The cells of the table that begins with this line."""
    lines = text[text.index(header) :].split("\n\n")[0].strip().split("\n")[2:]
    return [[cell.strip() for cell in line.strip().strip("|").split(" | ")] for line in lines]


def paths_named(text):
    """The files and folders that are named in backticks, `{a,b}` spelled out."""
    for name in re.findall(r"`([\w./{},*-]+)`", text):
        if re.search(r"\.(py|md|yml|yaml|sh|tsv|toml|json)$", name) or name.endswith("/"):
            yield from spelled_out(name)


def spelled_out(name):
    if (found := re.search(r"\{([^}]*)\}", name)) is None:
        yield name
        return
    for each in found[1].split(","):
        yield from spelled_out(name[: found.start()] + each + name[found.end() :])


def is_there(name):
    return any(any((ROOT / folder).glob(name.rstrip("/"))) for folder in BELOW)


# What is no file of the repository: a service's own, a run's, or one of another project.
ELSEWHERE = {
    "service-2.json",
    "sagemaker/2017-07-24/service-2.json",
    "waiters-2.json",
    "algorithm_mode/serve.py",
    "app/grandchallenge/components/backends/amazon_sagemaker_base.py",
    "..._batch.py",
    "test_small_sample/",
    "lease.json",
    "status.json",
    "ledger/",
    "parts/",
}


@pytest.mark.parametrize("page", PAGES)
def test_each_file_that_a_page_names_is_there(page):
    named = set(paths_named(prose(page))) - ELSEWHERE
    assert {name for name in named if not is_there(name)} == set()


@pytest.mark.parametrize("page", [*FOR_USERS, ".ci/run"])
def test_what_the_readme_names_of_the_repository_is_there(page):
    """Of code it names modules by their rooms, and tests in commands; the rest is its users' own."""
    ours = r"(?:lib|jobs|tests|conf|core|config|spark|sagemaker|outputs|pipeline)/[\w/]+\.\w+"
    named = set(re.findall(rf"(?<![\w/.-])({ours})", text_of(page))) | set(
        re.findall(r"tests/[a-z_]\w*", text_of(page))
    )
    assert {name for name in named if not is_there(name)} == set()


def named_in(text):
    """The names that a page says are in a file: ("SPAN_SCHEMA", "core/spans.py")."""
    for names, path in re.findall(r"((?:`\w+`(?:,| and)? )+)in `([\w/.]+\.py)`", text):
        yield from ((name, path) for name in re.findall(r"`(\w+)`", names))


def test_each_name_that_the_architecture_finds_in_a_file_is_there():
    found = list(named_in(text_of(ARCHITECTURE)))
    assert {("SPAN_SCHEMA", "core/spans.py"), ("Step", "core/ledger.py")} <= set(found)
    for name, path in found:
        text = (ROOT / "lib/batch_transform" / path).read_text(encoding="utf-8")
        assert re.search(rf"^(class |def )?{name}\b", text, re.M), (name, path)


@pytest.mark.parametrize(
    ("beginning", "struct"), [("  provenance: true", PROVENANCE_TYPE), ("`error`, a struct of ", ERROR_TYPE)]
)
def test_a_struct_of_the_result_is_told_by_the_names_of_its_fields(beginning, struct):
    """Queries name them: `provenance.run_id`."""
    told = text_of("conf/README.md").split(beginning)[1].split("Columns and fields")[0]
    listed = re.sub(r"\([^)]*\)", "", told.removeprefix("# ").split("a struct column:")[-1].split("\n```")[0])
    assert re.findall(r"\w+", listed.replace(" and ", " ")) == struct.fieldNames()


def anchors(text):
    """The anchors of a page's headings, as GitHub makes them."""
    headings = re.findall(r"^#+ (.+)$", text, re.M)
    return {re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-") for heading in headings}


def test_the_front_page_reads_in_five_minutes():
    assert len(text_of("README.md").split()) < 1_500


@pytest.mark.parametrize("page", [*PAGES, *FOR_USERS])
def test_each_link_within_the_repository_leads_somewhere(page):
    for target in re.findall(r"\]\(([^)\s]+)\)", prose(page)):
        if target.startswith("https://"):
            continue
        path, _, anchor = target.partition("#")
        far = (ROOT / page).parent / path if path else ROOT / page
        assert far.exists(), target
        assert not anchor or anchor in anchors(far.read_text(encoding="utf-8")), target


def modules():
    """All modules of the pipeline, the emulator and their tests, but this one."""
    found = [*(ROOT / "lib").rglob("*.py"), *(ROOT / "tests").rglob("*.py")]
    return [path for path in found if path != Path(__file__)]


def test_each_section_of_the_facts_that_code_cites_is_there():
    there = set(re.findall(r"^#+ ([\d.]+?)\.? ", text_of(FACTS), re.M))
    cited = {}
    for path in modules():
        for section in re.findall(r"FACTS\.md, ([\d.]*\d)", path.read_text(encoding="utf-8")):
            cited.setdefault(section, []).append(path.name)
    assert cited
    assert {section: names for section, names in cited.items() if section not in there} == {}


def test_code_cites_no_page_that_a_clone_lacks():
    pages = {path.name for path in ROOT.rglob("*.md") if ".venv" not in path.parts}
    for path in modules():
        text = path.read_text(encoding="utf-8")
        assert "_facts, " not in text, path
    for path in (ROOT / "lib").rglob("*.py"):
        text = path.read_text(encoding="utf-8")
        assert set(re.findall(r"\b[\w-]+\.md\b", text)) <= pages, path


def test_each_source_of_a_fact_is_listed_and_each_listed_one_is_used():
    facts, _, sources = text_of(FACTS).partition("\n## Sources\n")
    used = set(re.findall(r"\[([a-z][\w:-]+(?:#\d+)?)\]", facts))
    listed = {row[0] for row in rows(sources, "| name |")}
    issues = {
        f"{name.removesuffix('#...')}#{number}"
        for name, links in rows(sources, "| name |")
        for number in re.findall(r"/issues/(\d+)\)", links)
    }
    assert used == {name for name in listed if not name.endswith("#...")} | issues


def test_each_switch_of_the_emulator_stands_in_the_facts_with_its_default():
    facts = text_of(FACTS)
    told = {row[0].strip("`"): row for row in rows(facts, "| switch |")}
    assert list(told) == [field.name for field in fields(Switches)]
    for field in fields(Switches):
        _, default, other, section = told[field.name]
        value = field.default.value if isinstance(field.default, Enum) else field.default
        shown = str(value).lower() if isinstance(value, bool) else str(value)
        assert default.startswith(f"`{shown}`") or (isinstance(value, str) and default.startswith("words of ours"))
        assert other
        assert re.search(rf"^##+ {re.escape(section)}\.? ", facts, re.M), section


KINDS = [kind.value for kind in StepKind]
LEDGER = {row[0].strip("`"): row[1:] for row in rows(text_of(ARCHITECTURE), "| step | holds |")}


def test_each_kind_of_step_stands_in_the_table_of_the_ledger():
    assert sorted(LEDGER) == sorted(KINDS)
    assert all(len(row) == 3 and all(row) for row in LEDGER.values())


@pytest.mark.parametrize("kind", sorted(LEDGER))
def test_a_step_is_written_where_the_table_says(kind):
    writers = re.findall(r"`([\w/.]+)`", LEDGER[kind][1])
    assert writers
    for name in writers:
        text = (ROOT / "lib/batch_transform" / name).read_text(encoding="utf-8")
        assert f"StepKind.{kind.upper()}" in text, name


def test_each_kind_of_step_stands_in_the_table_above_the_fold():
    told = {row[0] for row in rows(fold.__doc__, "| step kind |") if row[0]}
    assert sorted(told) == sorted(KINDS)


def in_order(*later, config=None):
    """The steps of a run as a driver writes them."""
    return [step("opened", run_id="run", nonce="n", config=config or {}, at="2024-05-01T00:00:00+00:00"), *later]


STAGED_TO_PLAN = [steps.STAGED, steps.EXPORTED, steps.planned("j1", "j2")]
CREATED = [*STAGED_TO_PLAN, steps.created("j1"), steps.created("j2")]
ENDED = [*CREATED, steps.ended("j1"), steps.ended("j2")]
JUDGED = [*ENDED, steps.judged("j1"), steps.judged("j2")]
WHOLE = [*JUDGED, steps.reconciled(), steps.GATED, steps.PUBLICATION, steps.PUBLISHED, steps.DONE]
FOLLOWS = {
    "Stage": "stage",
    "Export": "export",
    "Plan": "plan",
    "Create": "create",
    "Await": "wait",
    "Infer": "infer",
    "Judge": "judge",
    "Reconcile": "reconcile",
    "GiveUp": "end",
    "Gate": "gate",
    "Intend": "intend",
    "Publish": "publish",
    "Finish": "finish",
    "Nothing": "nothing",
}


@pytest.mark.parametrize(
    "history",
    [
        *(in_order(*WHOLE[:length]) for length in range(len(WHOLE) + 1)),
        in_order(*CREATED[:-1], config={"transform": {"max_parallel_jobs": 1}}),
        in_order(*CREATED[:-1], steps.ended("j1"), config={"transform": {"max_parallel_jobs": 1}}),
        in_order(*ENDED, config={"prediction": {"schema": "infer"}}),
        in_order(*ENDED, step("inferred", schema="p double", fields=""), config={"prediction": {"schema": "infer"}}),
        in_order(*JUDGED, steps.reconciled(left=2)),
        in_order(*JUDGED, steps.reconciled(left=2, stop=["why"])),
        in_order(*STAGED_TO_PLAN, step("replanned", job="j1", name="j3", request={}, attempt=2)),
        in_order(*STAGED_TO_PLAN, step("model_recorded", identity=None, at="t")),
        in_order(steps.STAGED, steps.EXPORTED, step("unstaged")),
    ],
    ids=lambda history: f"{len(history)}-{history[-1].kind}",
)
def test_what_follows_a_step_is_what_the_table_says(history):
    action = type(next_action(fold.fold(history))).__name__
    assert re.search(rf"\b{FOLLOWS[action]}\b", LEDGER[history[-1].kind][2]), (history[-1].kind, action)


NOT_A_FLOOR = {"examples"}  # models that a user may run, which nothing imports


def test_each_class_of_error_stands_in_the_table_for_users_with_what_is_done():
    """A job that somebody else has stopped ends the run at once: `stopped` is not sent again as the others are."""
    table = rows(text_of("jobs/README.md"), "| class of `error` | evidence |")
    named = [name for cells in table for name in re.findall(r"`([a-z ]+)`", cells[0])]
    assert sorted(named) == sorted(kind.value for kind in ErrorClass)
    (again,) = (set(re.findall(r"`([a-z ]+)`", cells[0])) for cells in table if f"up to {MAX_REPEATS} jobs" in cells[2])
    repeated = {kind.value for kind in ErrorClass if kind.remedy is Remedy.REPEAT}
    assert again == repeated - {ErrorClass.STOPPED.value}


@pytest.mark.parametrize("house", HOUSES)
def test_each_room_of_a_house_stands_in_its_floors(house):
    text = text_of(ARCHITECTURE)
    told = [row[0].strip("`").rstrip("/") for row in rows(text[text.index(f"\n`{house}/`:\n") :], "| room |")]
    folder = ROOT / "lib" / house
    rooms = {path.parent.relative_to(folder).as_posix() for path in folder.rglob("__init__.py")} - {"."}
    assert sorted(told) == sorted({"the ground"} | (rooms - NOT_A_FLOOR))
    # From the ground up, as the test of the floors has them.
    held = text_of("tests/unit/test_imports.py").partition(f'"{house.replace("/", ".")}": (')[2]
    held = re.split(r'\n    "|\n\}', held)[0]
    floors = [name.replace(".", "/") or "the ground" for name in re.findall(r'"([^"]*)"', held)]
    assert told == floors


def test_each_package_says_what_it_is():
    packages = list((ROOT / "lib").rglob("__init__.py"))
    assert packages
    assert [path for path in packages if not ast.get_docstring(ast.parse(path.read_text(encoding="utf-8")))] == []


def test_the_top_level_holds_what_the_way_to_contribute_says():
    (line,) = re.findall(r"^- The top level holds (.*?)\n- ", text_of(".github/CONTRIBUTING.md"), re.M | re.S)
    ignored = {name.strip("/") for name in text_of(".gitignore").split()}
    there = {path.name for path in ROOT.iterdir() if not path.name.startswith(".")} - ignored
    assert there == set(re.findall(r"`([^`]+)`", line))


def test_a_file_that_is_not_there_is_seen():
    assert not is_there("core/spams.py")
    assert is_there("core/spans.py")
    assert set(paths_named("`core/{a,b}.py` and `sending/`")) == {"core/a.py", "core/b.py", "sending/"}

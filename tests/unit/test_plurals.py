"""What is counted in words goes by the function that knows of one: `1 rows` is told to nobody, nor `1 have`."""

from __future__ import annotations

import ast
import re
from itertools import pairwise
from pathlib import Path

import pytest

from batch_transform.core.amounts import counted, noun, size
from batch_transform.core.progress.event_lines import plain
from batch_transform.core.progress.screen import line
from batch_transform.core.progress.view import View, seen
from batch_transform.core.publishing.last_words import last_lines
from batch_transform.core.report_page.result_card import Preview, result_card
from support.memory_run import MemoryRun, echoing
from support.report_pages import driven, some_numbers

LIB = Path(__file__).resolve().parents[2] / "lib" / "batch_transform"
NOUNS = (
    "row|object|line|record|byte|character|value|file|job|column|field|answer|run|letter|output|instance|day|round|name"
    "|member|number|partition|core|fault|jar|container|request|model|step|part|prediction|table|switch|worker|minute"
)
COUNTED = re.compile(rf" (?:[a-z-]+ ){{0,2}}(?:{NOUNS})s\b")
# Why nobody is told of one of them:
OVER_A_LIMIT = re.compile(r"characters(;|,| under| of a run)|characters\b.*limit")
NEVER_ONE = {
    # Behind a condition that says so, or of what has two at least.
    ("core/errors.py", "len(self.faults)"),
    ("core/isolation/round_stops.py", "count"),
    ("core/isolation/span_decisions.py", "span['stop'] - span['start']"),
    ("core/isolation/splitting.py", "rows"),
    ("core/isolation/evidence.py", "self.seen"),
    ("core/predictions/json_slow.py", "len(text)"),
    # No counts: names, times, numbers of rows in a list, places.
    ("core/estimate/plan_tables.py", "takes"),
    ("core/isolation/failed_spans.py", "job.record.name"),
    ("core/predictions/csv_cells.py", "self.form.format"),
    ("core/predictions/schema_inference.py", "path"),
    ("pipeline/checks/output_over_input.py", "table.told"),
    ("pipeline/checks/output_over_input.py", "self.targets.mode"),
    ("pipeline/checks/output_over_input.py", "mode"),
    ("pipeline/checks/same_input.py", "whose"),
    ("pipeline/loop/handlers/infer.py", "name"),
    ("pipeline/loop/handlers/infer.py", "', '.join(clashes)"),
    ("spark/user_session.py", "value"),
    ("pipeline/commands/argument_faults.py", "command"),
    # Of sizes that no object or file of a run has.
    ("core/model_identity.py", "self.size_bytes"),
    ("outputs/copying.py", "present.get(file.target, 'no')"),
    ("spark/partition_values.py", "longest"),
    # Of a damaged part or an answer of AWS's, by what it lacks.
    ("core/publishing/file_publication.py", "counts"),
    ("core/spans.py", "self.rows"),
    ("core/spans.py", "starts.size"),
    ("core/spans.py", "firsts.size"),
    ("core/smoke/reading_bodies.py", "sizes"),
    ("core/smoke/reading_bodies.py", "lines"),
    ("core/smoke/reading_bodies.py", "per_mb.value"),
    ("core/smoke/reading_bodies.py", "len(output)"),
    ("core/smoke/reading_chains.py", "smoke.BIG_ANSWER_BYTES"),
    ("core/smoke/reading_chains.py", "size"),
    ("core/smoke/reading_times.py", "smoke.LARGE_BYTES"),
    ("core/smoke/reading_times.py", "len(seen)"),
    ("core/smoke/reading_times.py", "[each.bytes for each in seen]"),
}


# `{thing}s`, and a verb of many behind what may be one; `verb` of core/amounts.py says which.
MADE_BY_HAND = re.compile(r"s(?![A-Za-z])")
OF_MANY = re.compile(r"(?: [a-z-]+){0,2} (?:have|are|were|do|lie)\b")
NEVER_ONE_OF_MANY = {
    ("pipeline/loop/handlers/stage.py", "counted(spans.num_rows, 'object')"),  # where it is not one
}


def told_of_many(source: str) -> list[str]:
    """The expressions that stand before a plural, in the f-strings of a module."""
    found = []
    for node in ast.walk(ast.parse(source)):
        parts = node.values if isinstance(node, ast.JoinedStr) else []
        for each, after in pairwise(parts):
            if not isinstance(each, ast.FormattedValue) or not isinstance(after, ast.Constant):
                continue
            expression, words = ast.unparse(each.value), str(after.value)
            is_bound = re.fullmatch(r"[A-Z_]+( / \d+)?", expression) or OVER_A_LIMIT.search(words)
            is_bound = is_bound or expression.startswith(("size(", "duration(", "time_range("))  # with their units
            if COUNTED.match(words) and "counted(" not in expression and not is_bound:
                found.append(expression)
    return found


def all_told_of_many() -> set[tuple[str, str]]:
    """Those of each module."""
    modules = {str(path.relative_to(LIB)): path.read_text("utf-8") for path in LIB.rglob("*.py")}
    return {(name, each) for name, source in modules.items() for each in told_of_many(source)}


def test_no_message_has_a_plural_behind_a_count():
    found = {
        (str(path.relative_to(LIB)), each)
        for path in LIB.rglob("*.py")
        for each in told_of_many(path.read_text("utf-8"))
    }
    assert found - NEVER_ONE == set()


def test_no_exception_is_left_that_nothing_needs():
    found = {
        (str(path.relative_to(LIB)), each)
        for path in LIB.rglob("*.py")
        for each in told_of_many(path.read_text("utf-8"))
    }
    assert NEVER_ONE - found == set()


def test_one_is_told_apart():
    assert told_of_many('f"{len(rows):,} rows failed"') == ["len(rows)"]
    assert told_of_many("""f"{counted(len(rows), 'row')} failed" """) == []
    assert [counted(0, "row"), counted(1, "row"), counted(1200, "row")] == ["0 rows", "1 row", "1,200 rows"]


def told_of_one_as_of_many(source: str) -> list[str]:
    """The expressions of a module's f-strings that are made many by hand, or have a verb of many behind a count."""
    found = []
    for node in ast.walk(ast.parse(source)):
        parts = node.values if isinstance(node, ast.JoinedStr) else []
        for each, after in pairwise(parts):
            if isinstance(each, ast.FormattedValue) and isinstance(after, ast.Constant):
                expression, words = ast.unparse(each.value), str(after.value)
                if MADE_BY_HAND.match(words) or (expression.startswith("counted(") and OF_MANY.match(words)):
                    found.append(expression)
    return found


def test_no_plural_is_made_by_hand_and_no_verb_of_many_stands_behind_a_count():
    found = {
        (str(path.relative_to(LIB)), each)
        for path in LIB.rglob("*.py")
        for each in told_of_one_as_of_many(path.read_text("utf-8"))
    }
    assert found == NEVER_ONE_OF_MANY
    assert told_of_one_as_of_many("f'{count} {thing}s.'") == ["thing"]
    assert told_of_one_as_of_many("""f"{counted(n, 'object')} sent have an output" """) == ["counted(n, 'object')"]


# What a person reads of a run of one row, one object, one job and one round.
OF_ONE = re.compile(
    rf"(?<![\d.,-])1 (?:[a-z-]+ )?(?:{NOUNS}|letter|dead letter)s\b|\b1 (?:[a-z]+ ){{1,2}}(?:have|are|were)\b"
)


def told_of_a_run_of_one(kind: str) -> str:
    run = MemoryRun([1], echoing(lambda row: 400 if kind == "dead" else None), exported=False, numbers=some_numbers())
    written, view = driven(run), View(0.0)
    lines = []
    for event in run.events:
        view = seen(view, event, 1.0)
        lines += [plain(event.step, event.text), line(view, 2.0)]
    card = result_card(written.report, Preview(["a"], [(b"x",)]))
    inline = [re.sub(r"</?(?:data|b|a|span)\b[^>]*>", "", html) for html in (written.page, card)]
    pages = [re.sub(r"<[^>]+>", " | ", html) for html in inline]
    return "\n".join([*lines, *last_lines(written.report), *pages])


@pytest.mark.parametrize("kind", ["scored", "dead"])
def test_a_run_of_one_row_is_told_as_one_wherever_a_person_reads_of_it(kind):
    text = re.sub(r"\s+", " ", told_of_a_run_of_one(kind))
    assert "1 job" in text
    assert OF_ONE.findall(text) == []


def test_one_byte_is_one():
    assert (size(1), size(0), size(999), size(1000)) == ("1 byte", "0 bytes", "999 bytes", "1.0 kB")
    assert (noun(1, "round"), noun(0, "round"), noun(2, "round")) == ("round", "rounds", "rounds")

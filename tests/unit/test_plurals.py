"""What is counted in words goes by the function that knows of one: `1 rows` is told to nobody."""

from __future__ import annotations

import ast
import re
from itertools import pairwise
from pathlib import Path

from batch_transform.core.amounts import counted

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
    ("core/estimate/plan_text.py", "time_range(*told['elapsed_seconds'])"),
    ("core/isolation/reconciling.py", "job.record.name"),
    ("core/predictions/csv_cells.py", "self.form.format"),
    ("core/predictions/schema_inference.py", "path"),
    ("core/publishing/last_words.py", "duration(report['paid_instance_seconds'])"),
    ("core/report_page/outcomes.py", "busy_words"),
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

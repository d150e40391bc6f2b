"""What an error says, of all of them at once: in a user's words, with its cause, and nothing as Python spells it."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

from batch_transform.core import errors

ROOT = Path(__file__).parents[2]
OURS = {name for name, kind in vars(errors).items() if isinstance(kind, type) and issubclass(kind, BaseException)}
# What else is raised with words that a person reads: of the configuration, of S3, of SageMaker.
RAISED = {*OURS, "ValueError", "StoreFailure", "NotNow", "failure_of", "ObjectNotFound", "Fault"}
# The program's own words, which no page for users explains (lib/README.md does, for those who work on it).
JARGON = re.compile(
    r"\b(spans?|leaf|leaves (?:lie|are|of)|gates?|gated|folds?|folded|verdicts?|seams?)\b", re.IGNORECASE
)
# A ledger that cannot be: what it says is the kinds of its steps and the order in which they may come.
OF_THE_LEDGER = ("core/state/fold.py", "core/state/planned_rounds.py", "core/resuming/", "core/ledger.py")


def modules() -> Iterator[tuple[str, ast.Module]]:
    lib = ROOT / "lib" / "batch_transform"
    for path in sorted([*lib.rglob("*.py"), *(ROOT / "jobs").glob("*.py")]):
        name = path.relative_to(lib if path.is_relative_to(lib) else ROOT).as_posix()
        yield name, ast.parse(path.read_text(encoding="utf-8"))


def raised() -> Iterator[tuple[str, ast.Raise, ast.ExceptHandler | None]]:
    """Each `raise` of an error with words, where it stands, and the handler that it stands in."""
    for name, tree in modules():
        handlers = {
            id(inner): node
            for node in ast.walk(tree)
            if isinstance(node, ast.ExceptHandler)
            for inner in ast.walk(node)
        }
        for node in ast.walk(tree):
            if isinstance(node, ast.Raise) and isinstance(node.exc, ast.Call) and called(node.exc) in RAISED:
                yield f"{name}:{node.lineno}", node, handlers.get(id(node))


def called(node: ast.Call) -> str:
    return node.func.id if isinstance(node.func, ast.Name) else getattr(node.func, "attr", "")


def constants(node: ast.AST) -> list[str]:
    return [each.value for each in ast.walk(node) if isinstance(each, ast.Constant) and isinstance(each.value, str)]


def shown(node: ast.AST) -> list[ast.FormattedValue]:
    return [each for each in ast.walk(node) if isinstance(each, ast.FormattedValue)]


def test_it_is_seen_at_all():
    assert len(list(raised())) > 250


def test_nothing_is_told_in_words_that_no_user_was_told():
    """Neither by an error nor by what it is put together of, nor by a line of a plan, a report or the display."""
    found = [
        (name, text)
        for name, tree in modules()
        if not name.startswith(OF_THE_LEDGER)
        for text in told(tree)
        if JARGON.search(text)
    ]
    assert found == []


def test_the_program_does_not_speak_of_itself_on_the_pages_for_users_either():
    pages = {
        name: (ROOT / name).read_text(encoding="utf-8") for name in ("README.md", "conf/README.md", "jobs/README.md")
    }
    prose = {name: re.sub(r"^```.*?^```|`[^`\n]*`", "", text, flags=re.M | re.S) for name, text in pages.items()}
    assert [(name, found) for name, text in prose.items() for found in JARGON.findall(text)] == []


def told(tree: ast.Module) -> Iterator[str]:
    """Whole texts of a module: not its docstrings, nor its SQL, HTML and patterns."""
    docs = {id(node.value) for node in ast.walk(tree) if isinstance(node, ast.Expr)}
    parts = {
        id(part)
        for node in ast.walk(tree)
        if isinstance(node, ast.JoinedStr)
        for part in ast.walk(node)
        if part is not node
    }
    for node in ast.walk(tree):
        if id(node) in docs | parts or not isinstance(node, (ast.JoinedStr, ast.Constant)):
            continue
        text = "".join(constants(node))
        if len(re.findall(r"[A-Za-z]{2,}", text)) > 3 and not re.search(r"[<\\]|\n", text):
            yield text


def literals(node: ast.AST) -> Iterator[str]:
    """The words of a message: not the keys of what is looked up for it."""
    if isinstance(node, ast.Subscript):
        return
    if isinstance(node, ast.Constant) and isinstance(node.value, str):
        yield node.value
    for child in ast.iter_child_nodes(node):
        yield from literals(child)


def test_no_error_shows_a_list_a_map_or_another_error_as_python_spells_it():
    spelled = [
        (place, ast.unparse(each))
        for place, node, handler in raised()
        for each in shown(node)
        if is_collection(each.value) or (each.conversion == ord("r") and is_error(each.value, handler))
    ]
    assert spelled == []


def test_no_refusal_shows_what_a_file_system_says_with_its_number():
    """`[Errno 2]` tells a person nothing: `strerror` has the words. pyarrow's own errors have no number."""
    spelled = [
        (place, ast.unparse(each))
        for place, node, handler in raised()
        if handler is not None and handler.type and "OSError" in ast.unparse(handler.type)
        if "pa." not in ast.unparse(handler.type)
        for each in shown(node)
        if is_error(each.value, handler)
    ]
    assert spelled == []


def is_collection(node: ast.expr) -> bool:
    """Whether a list, set or map is put into a text as it is."""
    if isinstance(node, ast.Call):
        return called(node) in ("list", "tuple", "dict", "set", "sorted", "keys", "values", "items")
    is_slice = (
        isinstance(node, ast.Subscript) and isinstance(node.slice, ast.Slice) and not isinstance(node.value, ast.Call)
    )
    return (
        isinstance(node, (ast.List, ast.Tuple, ast.Dict, ast.Set, ast.ListComp, ast.SetComp, ast.DictComp)) or is_slice
    )


def is_error(node: ast.expr, handler: ast.ExceptHandler | None) -> bool:
    return handler is not None and isinstance(node, ast.Name) and node.id == handler.name


# The cause says nothing that the words do not: which of our own checks it was, or that a name is not there.
WITHOUT_CAUSE = {"KeyError", "ValueError", "FileExistsError", "OverflowError", "UnicodeDecodeError"}


def test_no_cause_is_lost():
    """An error raised over another one is `from` it; `from None` is for a cause whose words the message has."""
    lost = [
        (place, ast.unparse(handler.type) if handler.type else "")
        for place, node, handler in raised()
        if handler is not None and (node.cause is None or is_none(node.cause)) and not quotes(node, handler)
        if node.cause is None or not (handler.type and ast.unparse(handler.type) in WITHOUT_CAUSE)
    ]
    assert lost == []


def is_none(node: ast.expr) -> bool:
    return isinstance(node, ast.Constant) and node.value is None


def quotes(node: ast.Raise, handler: ast.ExceptHandler) -> bool:
    """Whether the raised error has something of the caught one, or of what the handler made of it."""
    made = {handler.name}
    for each in ast.walk(handler):
        if isinstance(each, ast.Assign) and any(isinstance(n, ast.Name) and n.id in made for n in ast.walk(each.value)):
            made |= {target.id for target in each.targets if isinstance(target, ast.Name)}
    return any(isinstance(each, ast.Name) and each.id in made for each in ast.walk(node.exc))


# What is put into a text at one place and says what to do: what is valid, where else, by which command.
ELSEWHERE = re.compile(r"\b(valid|APART|no_price|no_such|no_run|again|fault|_meant|remedy|_AS)\b")
# What a person can do begins with one of these, or with what may be given instead.
TO_DO = re.compile(
    r"valid:|\b(give|set|name|choose|leave|write|start|resume|stop|add|install|make|take|see|use|send|wait|drop|move"
    r"|mend|ask|pip|delete|clean|partition|score|expected|must|required|needed?|needs|makes|names them|takes|limit"
    r"|did you mean|count|compare|go on|goes on|prints?|put|look|begin|restart|cast|rename|read|cut|is given beside"
    r"|more than once)\b",
    re.IGNORECASE,
)


@pytest.mark.parametrize("kind", ["ConfigurationError", "OtherRows"])
def test_a_refusal_says_what_to_do(kind):
    """As far as its words stand where it is raised; those that are put together elsewhere are tested there."""
    silent = []
    for place, node, _ in raised():
        words, others = " ".join(literals(node.exc)), " ".join(ast.unparse(each.value) for each in shown(node))
        says = TO_DO.search(words) or ELSEWHERE.search(others)
        if called(node.exc) == kind and len(re.findall(r"[A-Za-z]{2,}", words)) > 3 and not says:
            silent.append((place, words))
    assert silent == []

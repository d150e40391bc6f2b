"""Nothing is left in lib/ that nobody calls but a test: what only tests use is found by its name."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
# What is called by others, by the name of a method or an attribute: Airflow, werkzeug, moto, YAML, a user's
# script, and the registries, which look for modules.
CALLED_BY_OTHERS = {
    "FORMAT",
    "WAY",
    "TARGET",
    "seekable",
    "_repr_html_",
    "_render_traceback_",
    "make_dags",
    "on_kill",
    "poke",
    "yaml_implicit_resolvers",
    "protocol_version",
    "disable_nagle_algorithm",
    "run_wsgi",
    "log_request",
    "_create_account_specific_backend",
    "system_properties",
    "get_all_request_header",
    "get_request_header",
}
BY_PATH = ("setup.py", "pyproject.toml", "spark-submit.sh")
DEFINITION = (ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef)


def sources():
    """The modules by their dotted names, without docstrings, in which everything is named."""
    found = {}
    for top in ("lib", "jobs"):
        for path in sorted((ROOT / top).rglob("*.py")):
            parts = path.relative_to(ROOT / top).with_suffix("").parts
            found[".".join(parts).removesuffix(".__init__")] = without_docs(ast.parse(path.read_text(encoding="utf-8")))
    return found


def without_docs(tree):
    for node in ast.walk(tree):
        if isinstance(node, (ast.Module, *DEFINITION)) and ast.get_docstring(node) is not None:
            node.body = node.body[1:] or [ast.Pass()]
    return tree


def names_in(tree) -> Iterator[str]:
    """What is read, called, given by keyword, imported, or named in a short string (getattr, `module:function`)."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Name) and isinstance(node.ctx, ast.Load):
            yield node.id
        elif isinstance(node, ast.Attribute):
            yield node.attr
        elif isinstance(node, ast.keyword) and node.arg:
            yield node.arg
        elif isinstance(node, ast.Constant) and isinstance(node.value, str) and len(node.value) < 100:
            yield from re.findall(r"\w+", node.value)


def top_level(tree):
    """Functions, classes and constants of a module, each with the statement that makes it."""
    for node in tree.body:
        if isinstance(node, DEFINITION):
            yield node.name, node
        for target in node.targets if isinstance(node, ast.Assign) else [getattr(node, "target", None)]:
            if isinstance(target, ast.Name):
                yield target.id, node


def members(tree):
    """Methods and fields of classes: whoever reads one need not know the class, so that its name must do."""
    for node in ast.walk(tree):
        for inner in node.body if isinstance(node, ast.ClassDef) and not is_listed_by_others(node) else ():
            if isinstance(inner, DEFINITION) and not is_registered(inner):
                yield inner.name
            elif isinstance(inner, ast.AnnAssign) and isinstance(inner.target, ast.Name):
                yield inner.target.id


def is_registered(node):
    """Whether a decorator hands it to somebody who calls it; that of a property does not."""
    return bool(node.decorator_list) and "property" not in ast.unparse(node.decorator_list[0])


def is_listed_by_others(node):
    """Whether what a class has is given as a whole: the values of an enum, the keys of a row or of a document."""
    return any(base in ast.unparse(node.bases) for base in ("Enum", "TypedDict")) if node.bases else False


def imported(tree, module) -> Iterator[str]:
    """What a module takes from others, as `package.module.name`; of a module that it imports, what it reads of that."""
    aliases = {}
    for node in ast.walk(tree):
        if isinstance(node, ast.ImportFrom):
            for each in node.names:
                yield f"{node.module}.{each.name}"
                aliases[each.asname or each.name] = f"{node.module}.{each.name}"
        elif isinstance(node, ast.Import):
            aliases |= {each.asname or each.name: each.name for each in node.names}
    for node in ast.walk(tree):
        if isinstance(node, ast.Attribute) and (found := aliases.get(ast.unparse(node.value))):
            yield f"{found}.{node.attr}"


def unused(modules, by_path=""):
    """The names that no module needs, as `module.name`."""
    everywhere = {name for tree in modules.values() for name in names_in(tree)} | set(re.findall(r"\w+", by_path))
    taken = {name for module, tree in modules.items() for name in imported(tree, module)}
    for module, tree in modules.items():
        for name, own in top_level(tree):
            here = {found for node in tree.body if node is not own for found in names_in(node)}
            if name not in here and f"{module}.{name}" not in taken and name not in re.findall(r"\w+", by_path):
                yield f"{module}.{name}"
        yield from (f"{module}.{name}" for name in members(tree) if name not in everywhere)


def is_kept(found):
    name = found.rpartition(".")[2]
    return name in CALLED_BY_OTHERS or name.startswith("__")


def test_nothing_is_left_that_only_tests_use():
    by_path = "\n".join((ROOT / name).read_text(encoding="utf-8") for name in BY_PATH)
    assert [found for found in unused(sources(), by_path) if not is_kept(found)] == []


@pytest.mark.parametrize(
    ("code", "dead"),
    [
        ("def a(): ...", ["m.a"]),
        ("def a(): return a()", ["m.a"]),
        ("A = 1", ["m.A"]),
        ("class A:\n    def b(self): ...\nA()", ["m.b"]),
        ("class A:\n    @property\n    def b(self): ...\nA()", ["m.b"]),
        ("def a(): ...\nb = a()\nprint(b)", []),
        ("class A:\n    def b(self): ...\nA().b()", []),
    ],
)
def test_what_nobody_calls_is_seen(code, dead):
    assert list(unused({"m": ast.parse(code)})) == dead


def test_what_another_module_imports_is_called():
    takes = ["from p.m import a", "from p import m\nm.a()", "import p.m\np.m.a()", "import p.m as n\nn.a()"]
    for take in takes:
        assert list(unused({"p.m": ast.parse("def a(): ..."), "o": ast.parse(take)})) == [], take

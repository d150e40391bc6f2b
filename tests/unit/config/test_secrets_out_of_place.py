"""A secret that is not quoted, or stands where none belongs, is in no message: these go into logs and reports."""

from __future__ import annotations

import json
import sys

import pytest

from batch_transform.config import RunConfig, load
from batch_transform.config.loading import whereabouts
from batch_transform.config.run_files import read_text
from batch_transform.core.errors import ConfigurationError

MARK = "hunter2xx"
KEYS = {
    "run_id": "r",
    "workspace": "s3://bucket/w",
    "input": "{path: in}",
    "model": "{name: m}",
    "output": "{path: out}",
}
ROLE = "arn:aws:iam::123456789012:role/m"


def refusal(tmp_path, **keys):
    text = "".join(f"{key}: {value}\n" for key, value in {**KEYS, **keys}.items())
    (tmp_path / "run.yml").write_text(text)
    with pytest.raises(ConfigurationError) as caught:
        load(tmp_path / "run.yml", environ={})
    assert MARK not in str(caught.value)
    assert MARK[:5] not in str(caught.value)
    return [fault.partition("run.yml: ")[2] for fault in caught.value.faults]


@pytest.mark.parametrize(
    ("value", "words"),
    [
        (f"!{MARK}", "a value that begins with ! has a tag"),
        (f"!!{MARK}", "a value that begins with ! has a tag"),
        (f"!<{MARK}> a", "a value that begins with ! has a tag"),
        (f"!{MARK}!x", "a value that begins with ! has a tag"),
        (f"!a,{MARK}", "a value that begins with ! has a tag"),
        (f"!{MARK}|x", "a value that begins with ! has a tag"),
        (f"*{MARK}", "a value that begins with * is an alias"),
        (f"*{MARK}!", "a value that begins with * is an alias"),
        (f"*$%{MARK}", "a value that begins with * is an alias"),
        (f"&{MARK}$", "a value that begins with & is an anchor"),
        (f"&{MARK}", "a value that begins with & is an anchor"),
        (f"%{MARK}", "found character '%' that cannot start any token"),
        (f"@{MARK}", "found character '@' that cannot start any token"),
        (f"`{MARK}", "found character '`' that cannot start any token"),
        (f"|{MARK}", "a value that begins with | or > is text of several lines"),
    ],
)
def test_a_value_that_yaml_takes_for_a_word_of_its_own_is_told_by_its_place(tmp_path, value, words):
    (fault,) = refusal(tmp_path, transform=f"\n  environment:\n    API_KEY: {value}")
    assert fault.startswith("line 8, column ")
    assert words in fault
    assert fault.endswith("; put it in quotes")


@pytest.mark.parametrize("value", [f'"\\{MARK}"', f'"\\x{MARK}"', f"'{MARK}' x", f"a: {MARK}: b", f'"{MARK}'])
def test_what_else_is_no_yaml_is_told_by_its_place(tmp_path, value):
    (fault,) = refusal(tmp_path, transform=f"\n  environment:\n    API_KEY: {value}")
    assert fault.startswith("line ")


def test_a_backslash_in_double_quotes_has_a_remedy(tmp_path):
    (fault,) = refusal(tmp_path, transform=f'{{environment: {{A: "a\\{MARK}"}}}}')
    assert fault == "line 6, column 33: a backslash in double quotes begins an escape; put the value in single quotes"


def test_a_tab_is_called_a_tab(tmp_path):
    (fault,) = refusal(tmp_path, transform="\n\tenvironment: x")
    assert fault == "line 7, column 1: a tab cannot indent; use blanks"


@pytest.mark.parametrize("text", ["\tx\n\tworkspace: s", "\tx\n", "\t\tx\n  a: b"])
def test_a_tab_that_does_not_indent_is_not_said_to(tmp_path, text):
    (tmp_path / "run.yml").write_text(f"run_id:{text}\n")
    with pytest.raises(ConfigurationError, match="line 1, column 8: a tab cannot stand beside a key or a value; use"):
        load(tmp_path / "run.yml")


@pytest.mark.parametrize(
    ("keys", "words"),
    [
        ({"transform": f'{{environment: "API_KEY={MARK}"}}'}, "transform.environment: must be a map, not text"),
        ({"transform": f'{{environment: ["API_KEY={MARK}"]}}'}, "transform.environment: must be a map, not a list"),
        (
            {"transform": f'{{environment: {{"API_KEY={MARK}": x}}}}'},
            "transform.environment: has a name with = in it",
        ),
        ({"transform": f'{{environment: {{"API_KEY={MARK}": 1}}}}'}, "transform.environment.API_KEY=...: must be text"),
        (
            {"transform": f'{{environment: {{API_KEY: "a${{{MARK}!}}"}}}}'},
            "API_KEY: has a ${...} that names no variable",
        ),
        ({"transform": f'{{environment: "a${{{MARK}!}}"}}'}, "environment: has a ${...} that names no variable"),
        ({"transform": MARK}, "transform: must be a map, not text"),
        ({"input": f'{{path: x, options: "{MARK}"}}'}, "input.options: must be a map, not text"),
        ({"model": f"https://u:{MARK}@host/x"}, "model: must be a map, not text"),
        ({"model": f'{{name: "https://u:{MARK}@host/x"}}'}, "model.name: is '...'; valid"),
        ({"model": f'{{image: i, role_arn: "{ROLE}", environment: "A={MARK}"}}'}, "model.environment: must be a map"),
        (
            {"model": f'{{role_arn: "{ROLE}", containers: [{{image: i, environment: "A={MARK}"}}]}}'},
            "model.containers.0.environment: must be a map, not text",
        ),
        ({"output": f"s3a://KEY:{MARK}@bucket/x"}, "output: must be a map, not text"),
        ({f"https://u:{MARK}@h": "x"}, "...: is no key; valid: "),
        ({"budget_usd": f"'https://u:{MARK}@h'"}, "budget_usd: must be a number, not the text '...'"),
        ({"transform": f"{{split: ['https://u:{MARK}@h']}}"}, "transform.split: is [...]; valid"),
        ({"transform": f"{{price_per_hour: {{'https://u:{MARK}@h': 1}}}}"}, "price_per_hour: is '...'; valid"),
        ({"record": f"{{columns: 'API_KEY={MARK}'}}"}, "record.columns: must be a list, not the text '...'"),
        ({"record": f"{{columns: ['API_KEY={MARK}', 'API_KEY={MARK}']}}"}, "record.columns: names ... more than once"),
        ({"merge": f"https://u:{MARK}@host/x"}, "merge: is '...'; valid"),
        (
            {"secrets": f"[transform.environment.A, {MARK}]"},
            "secrets.1: names no key that is given; valid: a key below",
        ),
        ({"secrets": MARK}, "secrets: must be a list, not text"),
        ({"secrets": "[4711]"}, "secrets.0: must be text, not a number"),
    ],
)
def test_a_value_that_stands_too_high_is_told_by_its_kind(tmp_path, keys, words):
    faults = refusal(tmp_path, **keys)
    assert any(words in fault for fault in faults), faults


def test_a_misspelt_entry_of_secrets_is_told_with_the_key_that_may_be_meant(tmp_path):
    keys = {"transform": "{environment: {WORD: x}}", "secrets": "[transform.environment.WROD]"}
    (fault,) = refusal(tmp_path, **keys)
    assert fault.startswith("secrets.0: names no key that is given (did you mean transform.environment.WORD?); valid: ")


GLUED = "has a name with '=' in it and no value; write NAME: value"


@pytest.mark.parametrize("variables", [f"{{API_KEY={MARK}}}", f"{{A: b, TOKEN={MARK}, C: d}}", f"\n    {MARK}=x:"])
def test_a_variable_that_is_written_as_in_a_shell_is_refused_and_not_left_out(tmp_path, variables):
    """YAML reads `{NAME=value}` as a name without a value, and what has none is not given."""
    assert refusal(tmp_path, transform=f"\n  environment: {variables}") == [f"transform.environment: {GLUED}"]
    assert f"emulator: {GLUED}" in refusal(tmp_path, emulator=f"{{pass_env={MARK}}}")


def test_so_is_a_key_of_the_whole_file(tmp_path):
    assert refusal(tmp_path, **{f"x={MARK}": ""}) == [GLUED]


FORMAT = "import os\nraise RuntimeError({!r} % os.environ['MY_TOKEN'])\n"
TOKEN = "${MY_TOKEN}"


@pytest.fixture
def refused_by_a_format(tmp_path, monkeypatch):
    """What is told of a run file whose record format quotes the environment, by its words and the rest of the file."""

    def refused(words, call=load, secret=MARK, **keys):
        (tmp_path / "of_users").mkdir(exist_ok=True)
        (tmp_path / "of_users" / "quoting.py").write_text(FORMAT.format(words))
        (tmp_path / "run.yml").write_text(json.dumps({**WHOLE, "record": {"format": "of_users.quoting"}, **keys}))
        monkeypatch.syspath_prepend(tmp_path)
        monkeypatch.setenv("MY_TOKEN", secret)
        monkeypatch.delitem(sys.modules, "of_users", raising=False)
        with pytest.raises(ConfigurationError) as caught:
            call(tmp_path / "run.yml", environ={"MY_TOKEN": secret})
        sys.modules.pop("of_users", None)
        told = "\n".join([str(caught.value), *caught.value.faults, repr(caught.value.args)])
        assert MARK not in told
        return told

    return refused


WHOLE = {
    "run_id": "r",
    "workspace": "s3://bucket/w",
    "input": {"path": "in"},
    "model": {"name": "m"},
    "output": {"path": "out"},
}


@pytest.mark.parametrize(
    "keys",
    [
        {"transform": {"environment": {"MY_TOKEN": TOKEN}}},
        {"transform": {"environment": {"PLAIN": TOKEN}}, "secrets": ["transform.environment.PLAIN"]},
        {"model": {"image": "i", "environment": {"MY_TOKEN": TOKEN}}},
        {"input": {"path": "in", "options": {"password": TOKEN}}},
    ],
)
@pytest.mark.parametrize("words", ["a\x1b[31m%s", "no; valid: %s", "%s", "https://x/?token=%s"])
def test_what_a_record_format_says_of_itself_is_told_without_the_secrets_of_the_run_file(
    refused_by_a_format, words, keys
):
    told = refused_by_a_format(words, **keys)
    assert "importing it raised RuntimeError: " in told
    assert "<secret>" in told


@pytest.mark.parametrize("words", ["%s", "%r"])
def test_a_secret_of_several_lines_is_hidden_as_it_is_escaped(refused_by_a_format, words):
    told = refused_by_a_format(words, secret=f"-----\n{MARK}\té\n", transform={"environment": {"MY_TOKEN": TOKEN}})
    assert "<secret>" in told


def test_a_secret_that_is_a_number_is_hidden(refused_by_a_format):
    told = refused_by_a_format("%s", secret="31415926535", input={"path": "in", "options": {"password": 31415926535}})
    assert "31415926535" not in told


def test_a_secret_that_an_upper_file_replaces_is_hidden(refused_by_a_format, tmp_path):
    base = {"transform": {"environment": {"MY_TOKEN": MARK}}}
    (tmp_path / "base.yml").write_text(json.dumps(base))
    refused_by_a_format("%s", extends="base.yml", transform={"environment": {"MY_TOKEN": "another one"}})


def test_who_goes_on_elsewhere_is_told_no_secret_either(refused_by_a_format):
    def on_another_machine(_path, environ):
        keys = {"record": {"format": "of_users.quoting"}, "transform": {"environment": environ}}
        RunConfig.from_document({**WHOLE, **keys})

    assert "where other modules are" in refused_by_a_format("%s", on_another_machine)


@pytest.mark.parametrize("keys", [{"workspace": f"s3://bucket/{TOKEN}/../x"}, {"run_id": f"{TOKEN}/x"}])
def test_who_looks_for_a_run_is_told_no_secret_of_another_section(refused_by_a_format, keys):
    def look(path, environ):
        whereabouts(path, sets=[], variables=[], emulator_models=[], environ=environ, read=read_text, names_run=True)

    refused_by_a_format("%s", look, transform={"environment": {"MY_TOKEN": TOKEN}}, **keys)


@pytest.mark.parametrize("extends", [f"{TOKEN}.yml", f"s3:/u:{TOKEN}@b/x.yml", f"in/{TOKEN}\x01"])
def test_a_file_that_cannot_be_read_is_told_without_the_secrets_of_the_one_that_names_it(refused_by_a_format, extends):
    refused_by_a_format("%s", extends=extends, transform={"environment": {"MY_TOKEN": TOKEN}})


def test_a_key_that_holds_a_value_and_stands_twice_is_told_without_it(tmp_path):
    (fault,) = refusal(tmp_path, transform=f"{{environment: {{API_KEY={MARK}: a, API_KEY={MARK}: b}}}}")
    assert fault.endswith("the key API_KEY=... stands twice")


def test_a_value_that_is_cut_short_shows_no_beginning_of_a_secret(refused_by_a_format):
    secret = MARK * 20
    told = refused_by_a_format(
        "%s", secret=secret, lease_seconds=f"for {TOKEN}", transform={"environment": {"MY_TOKEN": TOKEN}}
    )
    assert "lease_seconds: must be a number" in told


@pytest.mark.parametrize(
    ("secret", "given"),
    [
        ("arn:aws:secretsmanager:eu-west-1:123456789012:secret:model-key", "arn:aws:iam::123456789012:rol/x"),
        ("https://auth.example.com/token", "https:/models.example.com"),
        ("database-password-1", "database-1"),
    ],
)
def test_a_value_that_begins_as_a_secret_does_is_told(tmp_path, secret, given):
    environment = f'{{environment: {{MODEL_SECRET: "{secret}"}}}}'
    faults = refusal(tmp_path, transform=environment, lease_seconds=f'"{given}"')
    assert any(given in fault for fault in faults), faults

"""Secrets come from the run file or the environment, never from the command line, and no message has one."""

from __future__ import annotations

import json
import traceback

import pytest

from batch_transform.config import RunConfig, from_arguments, load
from batch_transform.config.changes import differences
from batch_transform.config.loading import reload
from batch_transform.core.errors import ConfigurationError
from batch_transform.core.secret_values import is_sealed, sealed, secrets_of
from batch_transform.pipeline.checks.same_input import read_source
from batch_transform.pipeline.world.aws_access import access_of

MARK = "hunter2marker"
RUN = """
run_id: r
workspace: s3://bucket/runs
input: {path: in.csv, format: csv, options: {password: "${DB_PASSWORD}", header: true}}
model: {name: m}
transform: {environment: {API_TOKEN: "${TOKEN}", WORKERS: "2", LITERAL_KEY: as it stands here, PLAIN: "x${TOKEN}"}}
secrets: [transform.environment.PLAIN]
output: {path: out}
"""
ENVIRON = {"TOKEN": MARK, "DB_PASSWORD": f"{MARK}-db"}
MINIMAL = {"run_id": "r", "workspace": "s3://bucket/w", "input": {"path": "in"}, "model": {"name": "m"}}


@pytest.fixture
def run_file(tmp_path):
    def write(text=RUN, name="run.yml"):
        (tmp_path / name).write_text(text)
        return tmp_path / name

    return write


def refused(call, *args, **options):
    with pytest.raises(ConfigurationError) as caught:
        call(*args, **options)
    assert MARK not in str(caught.value)
    assert MARK not in "".join(traceback.format_exception(caught.value))  # as a notebook shows it
    return list(caught.value.faults)


def recorded(config):
    document = json.loads(json.dumps(sealed(config.to_document(), "nonce")))
    assert MARK not in json.dumps(document)
    return document


def test_a_run_is_gone_on_with_by_its_ledger_and_the_variables_that_the_run_file_named(run_file):
    text = RUN.replace("LITERAL_KEY: as it stands here, ", "").replace("x${TOKEN}", "${TOKEN}")
    config = load(run_file(text), environ=ENVIRON)
    document = recorded(config)
    again = reload(document, "the ledger", sets=[], emulator_models=[], environ=ENVIRON)
    assert again.to_document() == config.to_document()
    assert secrets_of(again.to_document())["input.options.password"] == f"{MARK}-db"
    assert differences(document, again.to_document(), publishing=True, reading=False) == []


VALUE_OF_BEFORE = "; give the value of before, or, where no answer depends on it, add {} to "
VALUE_OF_BEFORE += "transform.environment_may_change"


def test_each_secret_that_is_missing_is_named_with_the_way_to_give_it(run_file):
    document = recorded(load(run_file(), environ=ENVIRON))
    faults = refused(reload, document, "the ledger", sets=[], emulator_models=[], environ={"DB_PASSWORD": "x"})
    missing = "is a secret, of which the ledger has a placeholder and not the value"
    ways = {"API_TOKEN": "set the variable TOKEN in the environment"}
    otherwise = "name the run file instead of the run, or write it"
    assert sorted(faults) == [
        f"the ledger: transform.environment.{key}: {missing}; {ways.get(key, otherwise)}{VALUE_OF_BEFORE.format(key)}"
        for key in ("API_TOKEN", "LITERAL_KEY", "PLAIN")
    ]
    asked = reload(document, "the ledger", sets=[], emulator_models=[], environ={}, goes_on=False)
    assert differences(document, asked.to_document(), publishing=True) == []


def test_another_value_than_recorded_is_told_by_its_key_with_the_remedy(run_file):
    before = recorded(load(run_file(), environ=ENVIRON))
    now = load(run_file(), environ={**ENVIRON, "TOKEN": "another"}).to_document()
    told = differences(before, now, publishing=False)
    differs = "differs (its values may be secret)"
    names = ("API_TOKEN", "PLAIN")
    assert told == [f"transform.environment.{name}: {differs}{VALUE_OF_BEFORE.format(name)}" for name in names]


def test_the_secret_of_a_model_that_differs_is_told_with_its_remedy():
    before = recorded(made({"API_KEY": "x"}))
    (told,) = differences(before, made({"API_KEY": MARK}).to_document(), publishing=False)
    assert told.startswith("model.environment.API_KEY: differs (its values may be secret); give the value of before")


@pytest.mark.parametrize("publishing", [False, True])
@pytest.mark.parametrize("listed", ["", "\nsecrets: [input.options.user, transform.environment.PLAIN]"])
def test_a_secret_of_the_input_that_rotates_is_no_difference_once_rows_are_staged(run_file, publishing, listed):
    text = RUN.replace("header: true", "header: true, user: '${WHO}'").replace("\nsecrets:", f"{listed}\nx-secrets:")
    text = (
        text.replace("x-secrets: [transform.environment.PLAIN]", "") if listed else text.replace("x-secrets", "secrets")
    )
    environ = {**ENVIRON, "WHO": "me"}
    before = recorded(load(run_file(text), environ=environ))
    rotated = load(run_file(text), environ={**environ, "DB_PASSWORD": "another"})
    without = load(run_file(text.replace('password: "${DB_PASSWORD}", ', "")), environ=environ)
    for now in (rotated, without):
        assert differences(before, now.to_document(), publishing=publishing) == []
    other = load(run_file(text), environ={**environ, "WHO": "you"}).to_document()
    told = differences(before, other, publishing=publishing)
    assert told == ([] if listed else ["input.options.user: differs (its values may be secret)"])


def test_a_staged_run_is_gone_on_with_without_the_secrets_of_its_input_and_an_unstaged_one_is_not(run_file):
    text = RUN.replace("LITERAL_KEY: as it stands here, ", "").replace("x${TOKEN}", "${TOKEN}")
    document, environ = recorded(load(run_file(text), environ=ENVIRON)), {"TOKEN": MARK}
    (fault,) = refused(reload, document, "the ledger", sets=[], emulator_models=[], environ=environ)
    assert "input.options.password: is a secret" in fault
    assert "set the variable DB_PASSWORD" in fault
    (fault,) = refused(load, run_file(text), environ=environ)
    assert "input.options.password: needs the variable DB_PASSWORD" in fault
    ledgers = reload(document, "the ledger", sets=[], emulator_models=[], environ=environ, reads_input=False)
    files = load(run_file(text), environ=environ, reads_input=False)
    for config in (ledgers, files):
        assert is_sealed(config.input.options["password"])
        assert differences(document, config.to_document(), publishing=True) == []
        assert is_sealed(recorded(config)["input"]["options"]["password"])
    with pytest.raises(ConfigurationError, match=r"input\.options\.password: is a secret that is not given"):
        read_source(None, files.input, None, None)


def test_a_ledger_of_before_that_has_them_in_clear_is_gone_on_with(run_file):
    config = load(run_file(), environ=ENVIRON)
    before = {key: value for key, value in config.to_document().items() if key not in ("secrets", "secret_variables")}
    assert differences(before, config.to_document(), publishing=True, reading=False) == []
    assert RunConfig.from_document(before).transform == config.transform


@pytest.mark.parametrize(
    "override",
    [
        f"transform.environment.API_TOKEN={MARK}",
        f"transform.environment={{API_TOKEN: {MARK}}}",
        f"transform={{environment: {{API_TOKEN: {MARK}}}}}",
        f"transform.environment.NEW_KEY={MARK}",
        f"input.options.password={MARK}",
        f"input.options={{password: {MARK}}}",
        "transform.environment.PLAIN=" + MARK,
        "transform.environment.API_TOKEN=${TOKEN}",
    ],
)
def test_a_secret_of_the_command_line_is_refused_and_not_repeated(run_file, override):
    found = refused(load, run_file(), sets=[override], environ=ENVIRON)
    assert any("is a secret, which the command line may not hold" in fault for fault in found)
    document = recorded(load(run_file(), environ=ENVIRON))
    faults = refused(reload, document, "the ledger", sets=[override], emulator_models=[], environ=ENVIRON)
    assert any("is a secret, which the command line may not hold" in fault for fault in faults)


def test_a_secret_is_not_given_by_var_either_and_may_be_taken_away_by_set(run_file):
    faults = refused(load, run_file(), variables=[f"TOKEN={MARK}"], environ=ENVIRON)
    assert [fault.split(": ")[1] for fault in faults] == [
        "transform.environment.API_TOKEN",
        "transform.environment.PLAIN",
    ]
    assert all("has TOKEN of --var in it" in fault for fault in faults)
    config = load(run_file(), sets=["transform.environment.API_TOKEN=null"], environ=ENVIRON)
    assert "API_TOKEN" not in config.transform.environment


def test_a_secret_whose_variable_is_undefined_is_not_to_be_given_on_the_command_line(run_file):
    faults = refused(load, run_file(), environ={"DB_PASSWORD": MARK})
    needs = "needs the variable TOKEN, which is undefined; set it in the environment"
    for key in ("API_TOKEN", "PLAIN"):  # by its name, and by the list
        assert any(fault.endswith(f"transform.environment.{key}: {needs}") for fault in faults)


def test_what_a_base_calls_a_secret_is_one_and_what_is_sealed_stays_one(run_file):
    run_file(RUN, "base.yml")
    child = "extends: base.yml\ntransform: {environment: {OTHER: y}}\nsecrets: [transform.environment.OTHER]\n"
    config = load(run_file(child), environ=ENVIRON)
    assert config.secrets == ("transform.environment.PLAIN", "transform.environment.OTHER")
    document = recorded(config)
    faults = refused(reload, document, "the ledger", sets=["secrets=[]"], emulator_models=[], environ=ENVIRON)
    assert any("transform.environment.PLAIN: is a secret, of which the ledger has" in fault for fault in faults)


def test_a_listed_secret_must_be_there(run_file):
    for key in ("transform.environment.PLANE", "run_id", "transform.environment"):
        text = RUN.replace("[transform.environment.PLAIN]", f"[{key}]")
        [fault] = refused(load, run_file(text), environ=ENVIRON)
        told = fault.partition(": ")[2]
        assert told.startswith("secrets.0: names no key that is given")
        assert "; valid: a key below input.options" in told
        assert f" {key};" not in told


@pytest.mark.parametrize(
    ("sets", "variables", "models"),
    [
        ([MARK], [], []),
        ([f"={MARK}"], [], []),
        ([f"a b={MARK}"], [], []),
        ([f"run_id=[{MARK}"], [], []),
        ([f"run_id=*{MARK}"], [], []),
        ([f"run_id=!{MARK} x"], [], []),
        ([f"merge={MARK}"], [], []),
        ([f"transform.instance_count={MARK}"], [], []),
        ([f"transform.instance_count='{MARK}'"], [], []),
        ([f"transform.instance_type={MARK}"], [], []),
        ([f"transform.instance_type={MARK * 12}"], [], []),
        ([f"output={{mode: {MARK}, path: out}}"], [], []),
        ([f"run_id=../{MARK}"], [], []),
        ([f"transform.tags={{a: '{MARK}!'}}"], [], []),
        ([f"workspace={MARK}"], [], []),
        ([f"workspace=transform.{MARK * 12}"], [], []),
        ([f"transform.instance_count=prediction:{MARK * 12}"], [], []),
        ([f"transform.instance_count={MARK * 12}"], [], []),
        ([], [MARK], []),
        ([], [f"={MARK}"], []),
        (["output.mode=${mode}"], [f"mode={MARK}"], []),
        ([], [], [MARK]),
        ([], [], [f"={MARK}"]),
        ([], [], [f"m=http://u:{MARK}@h"]),
    ],
)
def test_no_fault_repeats_a_value_of_the_command_line(run_file, sets, variables, models):
    assert refused(load, run_file(), sets=sets, variables=variables, emulator_models=models, environ=ENVIRON)


SINGLE, WITH_SPLIT = "transform.strategy=SingleRecord", "has strategy: SingleRecord, .* or transform.split: Line"


@pytest.mark.parametrize(
    ("sets", "words"),
    [
        (["transform.split=None", SINGLE], WITH_SPLIT),
        (["output.replace_where=x", "output.mode=append"], "needs format: delta and mode: overwrite, not .* append"),
        (["transform.max_payload_mb=100", "transform.max_concurrent_transforms=100"], "times max_payload_mb .*is 100$"),
        (["record.format=jsonlines", "record.header=true"], "record.header: .* record.format is ...; leave it out"),
        # A value that begins as a word of ours does.
        (
            ["workspace=s3://b/transform-churn", "model.name=transform-churn", "transform.split=None", SINGLE],
            WITH_SPLIT,
        ),
    ],
)
def test_a_key_and_a_word_of_ours_are_told_though_the_command_line_has_them(run_file, sets, words):
    """`....split` is no key, and `mode: ...` no advice."""
    with pytest.raises(ConfigurationError, match=words):
        load(run_file(), sets=sets, environ=ENVIRON)


URLS = [
    f"s3://user:{MARK}@bucket/x",
    f"s3a://AKIA:{MARK}/with/slashes@bucket/x",
    f"https://{MARK}@host/x",
    f"hdfs://u:{MARK}@namenode:8020/x",
    f"HTTPS://u:{MARK}@host",
    f"abfss://u:{MARK}@account.dfs.core.windows.net/x",
    f"https://host/x?X-Amz-Signature={MARK}",
    f"https://account.blob.core.windows.net/c/x?sv=1&sig={MARK}",
    f"//u:{MARK}@h/x",
    f"https://host/cb#access_token={MARK}",
    f"https://host/cb#state=1&access_token={MARK}",
    f"host/cb#state=1&access_token={MARK}",
    f"/data/x https://host/x?sig={MARK}",
    f"url=https://host/x?a=1&sig={MARK}",
    f"s3://bucket/x,https://host/x?token={MARK}",
    f"see (https://u:{MARK}@host/x)",
    f"abfss://container@account/x wasbs://u:{MARK}@host/x",
]


@pytest.mark.parametrize("url", URLS)
@pytest.mark.parametrize(
    "place",
    [
        lambda url: {"input": {"path": url}},
        lambda url: {"output": {"path": url}},
        lambda url: {"dead_letter": {"path": url}},
        lambda url: {"workspace": url},
        lambda url: {"staging": url},
        lambda url: {"input": {"dead_letters": url}},
        lambda url: {"aws": {"endpoint_url": url}},
        lambda url: {"aws": {"service_endpoints": {"s3": url}}},
        lambda url: {"model": {"image": "i", "role_arn": "arn:aws:iam::123456789012:role/m", "data_url": url}},
        lambda url: {"emulator": {"models": {"m": url}}},
        lambda url: {"input": {"path": "in", "options": {"url": url}}},
        lambda url: {"transform": {"environment": {"URL": url}}},
        lambda url: {"input": {"path": "in", "where": f"source = '{url}'"}},
        lambda url: {"input": {"table": url}},
        lambda url: {"output": {"table": url}},
        lambda url: {"dead_letter": {"table": url}},
        lambda url: {"transform": {"tags": {"source": url}}},
        lambda url: {"record": {"sql": f"concat('{url}', a)"}},
        lambda url: {"prediction": {"sql": [f"concat('{url}', a) as b"]}},
        lambda url: {"emulator": {"models": {"m": f"serve --from {url}"}}},
    ],
)
def test_a_secret_inside_an_address_is_refused_wherever_one_is_taken_and_not_repeated(run_file, url, place):
    document = {**MINIMAL, "output": {"path": "out"}, **place(url)}
    faults = refused(load, run_file(json.dumps(document)), environ={})
    assert any("has a user" in fault or "has a secret in an address" in fault for fault in faults)


@pytest.mark.parametrize(
    "path",
    [
        "s3://bucket/a@b/c",
        "abfss://container@account.dfs.core.windows.net/x",
        "wasbs://container@account.blob.core.windows.net/a@b",
        "hdfs://namenode:8020/a@b",
        "hdfs://[::1]:8020/a@b",
        "s3://bucket/day-?/key=1/x",
        "https://host/x?format=csv",
        "/data/user:name@home/x",
        "/data//user@home/x",
        "//host:8020/a@b",
        "https://host/x#top",
    ],
)
def test_an_at_that_is_no_users_and_a_pattern_are_none(run_file, path):
    assert (
        load(run_file(json.dumps({**MINIMAL, "input": {"path": path}, "output": {"path": "out"}}))).input.path == path
    )


@pytest.mark.parametrize(
    "url",
    [
        f"jdbc:postgresql://u:{MARK}@h/db",
        f"jdbc:postgresql://h/db?user=u&password={MARK}",
        f"jdbc:sqlserver://h;user=u;password={MARK}",
        f"jdbc:oracle:thin:scott/{MARK}@//h:1521/x",
        f"mongodb+srv://u:{MARK}@h/db",
    ],
)
def test_an_address_with_a_password_may_be_an_option_that_is_listed_as_a_secret(run_file, url):
    document = {**MINIMAL, "input": {"path": "in", "options": {"url": url}}, "output": {"path": "out"}}
    [fault] = refused(load, run_file(json.dumps(document)))
    assert fault.endswith("or name the key in secrets: [input.options.url], and it is never stored")
    config = load(run_file(json.dumps({**document, "secrets": ["input.options.url"]})))
    assert config.input.options["url"] == url
    assert MARK not in json.dumps(sealed(config.to_document(), "n"))


def test_an_endpoint_of_the_environment_and_a_run_file_that_is_an_address_are_held_to_the_same(run_file):
    config = load(run_file(), environ=ENVIRON)
    for name in ("AWS_ENDPOINT_URL", "AWS_ENDPOINT_URL_S3"):
        [fault] = refused(access_of, config, None, {name: f"http://u:{MARK}@h"})
        assert fault.startswith(f"{name}: has a user")
    refused(load, f"https://u:{MARK}@h/run.yml")
    refused(load, run_file(f"extends: https://u:{MARK}@h/run.yml\n"))


ROLE = "arn:aws:iam::123456789012:role/m"


def made(environment, **more):
    model = {"image": "churn:7", "role_arn": ROLE, "environment": environment}
    return from_arguments(run_id="r", workspace="s3://bucket/w", model=model, **more)


def test_a_models_name_does_not_follow_from_its_secrets():
    names = {made({"API_KEY": key, "A": "1"}).model.name for key in ("x", MARK)}
    assert len(names) == 1
    assert made({"API_KEY": "x", "A": "2"}).model.name not in names
    listed = {"secrets": ["model.environment.A"]}
    assert made({"A": "1"}, **listed).model.name == made({"A": "2"}, **listed).model.name != made({"A": "1"}).model.name


def test_a_secret_of_one_container_of_several_is_one_as_well(run_file):
    def text(value):
        containers = [{"image": "a"}, {"image": "b", "environment": {"API_KEY": value, "PLAIN": "x", "A": "1"}}]
        model = {"containers": containers, "role_arn": ROLE}
        listed = ["model.containers.1.environment.PLAIN"]
        return json.dumps({**MINIMAL, "model": model, "secrets": listed, "output": {"path": "out"}})

    config = load(run_file(text("${TOKEN}")), environ=ENVIRON)
    assert config.model.containers[1].environment["API_KEY"] == MARK
    document = recorded(config)
    assert list(map(is_sealed, document["model"]["containers"][1]["environment"].values())) == [True, True, False]
    assert load(run_file(text("another")), environ={}).model.name == config.model.name
    faults = refused(reload, document, "the ledger", sets=[], emulator_models=[], environ=ENVIRON)
    assert [fault.split(": ")[1] for fault in faults] == ["model.containers.1.environment.PLAIN"]


def test_a_models_name_is_the_same_in_a_ledger_and_one_of_before_keeps_it():
    config = made({"API_KEY": MARK, "A": "1"})
    document = recorded(config)
    assert type(config).from_document(document).model.name == config.model.name
    before = {**document, "model": {**config.to_document()["model"], "name": "batch-transform-" + "0" * 20}}
    again = type(config).from_document(before)
    assert again.model.name == "batch-transform-" + "0" * 20
    assert type(config).from_document(recorded(again)).model.name == again.model.name


@pytest.mark.parametrize("entry", ["{a: 1}", "[a]", "5", "null"])
def test_an_entry_of_the_list_that_is_no_text_is_refused_as_such(run_file, entry):
    (fault,) = refused(load, run_file(RUN.replace("[transform.environment.PLAIN]", f"[{entry}]")), environ=ENVIRON)
    assert "secrets.0: must be text" in fault


def test_an_image_has_no_user_in_front_of_its_host(run_file):
    model = f"model: {{image: 'https://user:{MARK}@registry/image:1', role_arn: 'arn:aws:iam::123456789012:role/x'}}"
    (fault,) = refused(load, run_file(RUN.replace("model: {name: m}", model)), environ=ENVIRON)
    assert "model.image: has a user, and perhaps a password" in fault


@pytest.mark.parametrize("given", ["{}", "{transform.environment.API_TOKEN: HOME}", "1", f"'{MARK}'"])
def test_which_variables_secrets_have_is_no_key_that_a_person_gives(run_file, given):
    document = recorded(load(run_file(), environ=ENVIRON))
    option = [f"secret_variables={given}"]
    found = [
        refused(load, run_file(f"{RUN}secret_variables: {given}\n"), environ=ENVIRON),
        refused(load, run_file(), sets=option, environ=ENVIRON),
        refused(reload, document, "the ledger", sets=option, emulator_models=[], environ=ENVIRON),
        refused(made, {}, secret_variables={}),
    ]
    for faults in found:
        assert any("secret_variables: is no key; " in fault for fault in faults)
        assert not any("mean secret_variables" in fault for fault in faults)


@pytest.mark.parametrize(
    "command",
    [
        f"serve --token={MARK}",
        f"serve --port 1 --api-key {MARK}",
        f"API_KEY={MARK} serve",
        f"env API_KEY='{MARK}' serve --port=1",
        f"serve '--password={MARK}'",
        f"serve -token {MARK}",
    ],
)
def test_a_secret_in_a_command_of_the_emulator_is_refused_with_the_remedy(run_file, command):
    document = json.dumps({**MINIMAL, "emulator": {"models": {"m": command}}, "output": {"path": "out"}})
    (fault,) = refused(load, run_file(document))
    assert "emulator.models.m: has " in fault
    assert "emulator.pass_env" in fault
    text = json.dumps({**MINIMAL, "output": {"path": "out"}})
    assert any("pass_env" in fault for fault in refused(load, run_file(text), emulator_models=[f"m={command}"]))


@pytest.mark.parametrize(
    "command", ["serve --tokenizer x --max-tokens 5", "serve --token=$TOKEN", "serve --port=1 --auth", "./a b.py:c.bin"]
)
def test_a_command_without_a_secret_is_taken(run_file, command):
    document = json.dumps({**MINIMAL, "emulator": {"models": {"m": command}}, "output": {"path": "out"}})
    assert load(run_file(document)).emulator.models["m"] == command


@pytest.mark.parametrize("given", ["[]", "null", "[transform.environment.WORKERS]"])
def test_the_command_line_adds_to_the_secrets_and_takes_none_away(run_file, given):
    config = load(run_file(), sets=[f"secrets={given}"], environ=ENVIRON)
    assert config.secrets[0] == "transform.environment.PLAIN"
    assert MARK not in json.dumps(sealed(config.to_document(), "nonce"))
    run_file(RUN, "base.yml")
    child = load(run_file(f"extends: base.yml\nsecrets: {given}\n"), environ=ENVIRON)
    assert child.secrets == config.secrets

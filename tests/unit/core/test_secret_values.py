"""Which values are secrets, and what a ledger has in their place."""

from __future__ import annotations

import hashlib
import hmac
import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from batch_transform.core.errors import ConfigurationError, ServiceFailure
from batch_transform.core.escaping import hidden
from batch_transform.core.secret_values import is_same, is_sealed, is_secret_name, sealed, secrets_of
from batch_transform.core.sending.job_request import differences, sent_request

SECRETS = """
    API_KEY apikey accessKey sfPassword password PASSWD passphrase DB_PWD pwd PGPASSWORD PGPASSFILE dbpass PASS
    fs.azure.sas.token azureSas SAS_TOKEN fs.s3a.secret.key AWS_ACCESS_KEY_ID
    fs.azure.account.key.a.dfs.core.windows.net
    authorization OAUTH2 bearer JWT credentials.file googleCredentials SIGNATURE sig signingKey CERT_FILE pem.content
    privateKey primary_key sasl.jaas.config connectionString CONN_STR SENTRY_DSN HF_TOKEN API_TOKENS cookie psk salt
    DB_KEYSPACE_PASSWORD ssl.keystore.location SESSION_COOKIE pw DBPW user_pw creds AWS_CREDS ROOTPASS sessionId
    SLACK_WEBHOOK_URL smtppass SMTPPASS redisPass pgpw dbcreds awscreds db_cred PSWD db_pswd PSW usrpsw tkn API_TKN
    psswrd MFA_CODE TOTP
"""
OPEN = """
    keyspace spark.cassandra.keyspace header MAX_TOKENS max_new_tokens TOKENIZERS_PARALLELISM tokenizer_name keywords
    AUTHOR user compass bypass design insight sasl.mechanism mode OMP_NUM_THREADS SAGEMAKER_PROGRAM passive spin certain
    trespass surpass LOWPASS_HZ LOW_PASS highpass BandPass ALLPASS ONEPASS singlepass IPW MFA_DIR NUM_TKN MAX_TKN
    max_new_tkns
    sacred incredible sessionInitStatement pwm
    mergeSchema nullValue SAGEMAKER_MODEL_SERVER_WORKERS dateFormat compression
"""
DOCUMENT = {
    "run_id": "r",
    "secrets": ["transform.environment.PLAIN"],
    "input": {"path": "in", "options": {"password": "hunter2", "header": "true"}},
    "model": {"environment": {"API_KEY": "k"}, "containers": [{"environment": {"TOKEN": "deep"}}]},
    "transform": {"environment": {"TOKEN": "t", "PLAIN": "p", "WORKERS": "2"}, "tags": {"token": "told"}},
    "prediction": {"key": {"field": "id", "column": "id"}},
}


@pytest.mark.parametrize("name", SECRETS.split())
def test_a_name_that_speaks_of_a_secret_is_one(name):
    assert is_secret_name(name)
    assert is_secret_name(f"my.{name}.1")


@pytest.mark.parametrize("name", OPEN.split())
def test_a_word_that_has_one_in_it_by_chance_is_none(name):
    assert not is_secret_name(name)


def test_secrets_are_options_and_variables_by_their_name_or_by_the_list():
    assert secrets_of(DOCUMENT) == {
        "input.options.password": "hunter2",
        "model.environment.API_KEY": "k",
        "model.containers.0.environment.TOKEN": "deep",
        "transform.environment.TOKEN": "t",
        "transform.environment.PLAIN": "p",
    }


def test_a_ledger_has_a_placeholder_with_an_hmac_by_the_runs_nonce_and_all_else_as_it_is():
    found = sealed(DOCUMENT, "0123456789")
    digest = hmac.new(b"0123456789", b"hunter2", hashlib.sha256).hexdigest()
    assert found["input"]["options"] == {"password": f"<secret hmac-sha256:0123456789:{digest}>", "header": "true"}
    assert found["transform"]["environment"]["WORKERS"] == "2"
    assert found["transform"]["tags"] == {"token": "told"}
    assert {key: is_sealed(value) for key, value in secrets_of(found).items()} == dict.fromkeys(
        secrets_of(DOCUMENT), True
    )
    assert sealed(found, "another") == found
    assert hashlib.sha256(b"hunter2").hexdigest() not in json.dumps(found)


@given(st.text(), st.text())
def test_a_sealed_value_is_known_again_and_no_other_is_taken_for_it(value, other):
    document = {"transform": {"environment": {"TOKEN": value}}}
    recorded = sealed(document, "nonce")["transform"]["environment"]["TOKEN"]
    assert is_same(recorded, value)
    assert is_same(recorded, recorded) or is_sealed(value)
    assert is_same(recorded, other) == (value == other)
    assert not is_same(recorded, None)


def test_a_request_is_sent_with_the_values_and_a_job_is_known_by_its_placeholders():
    environment = {"TOKEN": "t0ken", "WORKERS": "2"}
    recorded = {"TransformJobName": "j", **_environment(sealed({"transform": {"environment": environment}}, "n"))}
    assert "t0ken" not in json.dumps(recorded)
    sent = sent_request(recorded, environment)
    assert sent["Environment"] == environment
    assert differences(recorded, sent) == differences(sent, sent) == []
    assert differences(recorded, {**sent, "Environment": {**environment, "TOKEN": "other"}}) == ["Environment.TOKEN"]
    for wrong in ({"TOKEN": "other"}, {}, recorded["Environment"]):
        with pytest.raises(ConfigurationError, match=r"^transform\.environment\.TOKEN: is not what was recorded; give"):
            sent_request(recorded, wrong)


def _environment(document):
    return {"Environment": document["transform"]["environment"]}


def test_a_request_without_secrets_is_sent_as_it_is():
    for request in ({"TransformJobName": "j"}, {"TransformJobName": "j", "Environment": {"TOKEN": "in clear"}}):
        assert sent_request(request, {}) is request


def test_what_a_service_quotes_of_a_secret_is_taken_out_of_every_error():
    quoted = "Value '{TOKEN=hunter2, MORE=hunter2-and-more}' at 'environment' is wrong; pin 12"
    told = hidden(quoted, ["hunter2", "hunter2-and-more", "12"])
    assert told == "Value '{TOKEN=<secret>, MORE=<secret>}' at 'environment' is wrong; pin 12"
    for error in (ServiceFailure(quoted), ConfigurationError(["other", quoted])):
        error.hide(["hunter2"])
        assert "hunter2" not in f"{error} {error!r} {error.lines}"
        assert "<secret>" in error.lines[-1]

"""status, stop and clean, on runs that were left half way: their world is made in memory and put on an S3 server."""

from __future__ import annotations

import json
import os
import time
from contextlib import suppress
from functools import partial

import boto3
import pytest

from batch_transform.aws.access import AwsAccess
from batch_transform.config.loading import from_arguments
from batch_transform.config.surroundings import Surroundings
from batch_transform.core.errors import ConfigurationError, ServiceFailure
from batch_transform.core.lease import Lease
from batch_transform.core.object_store import StoreFailure
from batch_transform.core.publishing.last_words import last_lines
from batch_transform.core.run_layout import RunLayout
from batch_transform.core.secret_values import is_sealed
from batch_transform.core.uris import S3Uri
from batch_transform.pipeline.commands import clean as clean_command
from batch_transform.pipeline.commands import dispatch as commands
from batch_transform.pipeline.commands.command_line import parse
from batch_transform.pipeline.commands.listing import listed_runs
from batch_transform.pipeline.ending.cleaning import staging_folders
from batch_transform.pipeline.handshake import Handshake
from batch_transform.pipeline.places import Places
from batch_transform.pipeline.world.aws_access import access_of
from batch_transform.s3.store import S3Store
from batch_transform.sagemaker.jobs import TransformJobs
from support.faults import Crash, Fate
from support.lifecycle import expired_versions
from support.memory_run import MemoryRun, echoing
from transform_emulator.emulator import Emulator
from transform_emulator.settings import Settings

URI = "s3://bucket/run"
GOOD = echoing(lambda row: None)


@pytest.fixture
def s3(monkeypatch):
    """A client of an empty emulator that the commands find as any AWS client does."""
    with Emulator(Settings({}, buckets=["bucket"])) as emulator:
        monkeypatch.setenv("AWS_ENDPOINT_URL", emulator.endpoint_url)
        for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"):
            monkeypatch.setenv(name, "x")
        monkeypatch.setenv("AWS_REGION", "us-east-1")
        client = boto3.client("s3", "us-east-1", endpoint_url=emulator.endpoint_url)
        yield client
        for key in keys(client, ""):  # moto's memory is the process's
            client.delete_object(Bucket="bucket", Key=key)


def put(s3, run):
    for (bucket, key), (body, _) in run.store.world.objects.items():
        s3.put_object(Bucket=bucket, Key=key, Body=body)


def keys(s3, prefix="runs/"):
    return [found["Key"] for found in s3.list_objects_v2(Bucket="bucket", Prefix=prefix).get("Contents", ())]


def ask(*words, told=None):
    return commands.execute(parse(list(words)), os.environ, (told if told is not None else []).append)


def published(s3):
    run = MemoryRun([5, 5], GOOD)
    run.to_the_end()
    put(s3, run)
    return run


def killed(s3, at, released=False, ttl=1.0):
    """A run that died at a step, and whose lease is short."""
    run = MemoryRun([5, 5], GOOD)
    run.service.stop = lambda name: True
    driver = run.driver()
    while not any(step.kind == at for step in driver.ctx.ledger.load()):
        driver.step()
    lease = Lease(driver.ctx.writer, driver.ctx.lease.epoch, 7, ttl, released)
    run.store.put(driver.ctx.places.layout.lease, lease.encode())
    put(s3, run)
    return run


def kinds(s3):
    bodies = (s3.get_object(Bucket="bucket", Key=key)["Body"].read() for key in keys(s3, "runs/run/ledger/"))
    return [json.loads(body)["kind"] for body in bodies]


def test_status_of_a_published_run_is_its_report(s3):
    run = published(s3)
    report = ask("status", URI)
    assert report == run.state().report | {
        "status": "published",
        "cleaned": False,
        "rows_forgotten": False,
        "wait_for": [],
    }


@pytest.mark.parametrize(("released", "status"), [(True, "ended"), (False, "running")])
def test_status_of_a_run_that_is_half_way(s3, released, status):
    killed(s3, "planned", released, ttl=60.0)
    report = ask("status", URI)
    assert (report["status"], report["rows_in"], report["rounds"]) == (status, 10, 1)


def test_no_run_is_refused(s3):
    for command in ("status", "stop", "clean", "resume"):
        asked = parse([command, "s3://bucket/runs/nope"])
        with pytest.raises(ConfigurationError, match="s3://bucket/runs/nope: there is no run"):
            commands.configuration(asked, {}) if command == "resume" else ask(command, "s3://bucket/runs/nope")


def test_an_ephemeral_run_is_refused_with_advice(s3):
    with pytest.raises(ConfigurationError, match=r"set emulator\.state to a folder"):
        ask("status", URI, "--emulator", "m=http://127.0.0.1:1")


NOWHERE = {"AWS_EC2_METADATA_DISABLED": "true", "AWS_SHARED_CREDENTIALS_FILE": "none", "AWS_CONFIG_FILE": "none"}


@pytest.mark.parametrize("command", ["status", "stop", "clean", "resume", "show", "list", "errors", "logs", "report"])
def test_where_nobody_is_there_to_ask_aws_as_it_is_said_what_that_means_for_a_run_of_an_emulator(
    command, tmp_path, monkeypatch
):
    for name in [name for name in os.environ if name.startswith("AWS_")]:
        monkeypatch.delenv(name)
    for name, value in NOWHERE.items():
        monkeypatch.setenv(name, value)
    monkeypatch.setenv("AWS_REGION", "us-east-1")
    monkeypatch.chdir(tmp_path)
    page = tmp_path / ".batch_transform" / "staging" / "run" / "report.html"
    page.parent.mkdir(parents=True)
    page.touch()
    do = commands.configuration if command == "resume" else partial(commands.done_without_spark, handshake=Handshake())
    with pytest.raises(ConfigurationError, match=r"no credentials are found here .*emulator\.state=FOLDER") as refusal:
        do(parse([command, URI]), dict(os.environ))
    assert command == "list" or ".batch_transform/staging/run/report.html" in str(refusal.value)


def test_stop_acts_itself_for_a_driver_that_is_dead(s3):
    killed(s3, "planned")
    told = []
    report = ask("stop", URI, told=told)
    assert (report["status"], kinds(s3)[-1]) == ("interrupted", "job_stopping")
    assert "is asked to stop" in told[0]
    assert told[1:] == []  # its job was planned, and never begun
    assert json.loads(s3.get_object(Bucket="bucket", Key="runs/run/lease.json")["Body"].read())["released"]
    assert json.loads(s3.get_object(Bucket="bucket", Key="runs/run/status.json")["Body"].read()) == report


def test_stop_of_a_published_run_changes_nothing(s3):
    run = published(s3)
    before = keys(s3)
    assert ask("stop", URI) == run.state().report
    assert keys(s3) == before


def test_resume_brings_the_configuration_back_from_the_ledger(s3):
    """Begun by score(), which has no input to read again; a run file's has."""
    killed(s3, "planned")
    with pytest.raises(ConfigurationError, match=r"was begun by score\(\)"):
        commands.configuration(parse(["resume", URI]), {})
    first = json.loads(s3.get_object(Bucket="bucket", Key="runs/run/ledger/000000000000.json")["Body"].read())
    assert (
        first["payload"]["config"]
        == from_arguments(
            run_id="run",
            model="m",
            workspace="s3://bucket",
            prediction="echo long",
            errors={"max_fraction": 1.0},
            output={"path": "s3://bucket/out", "mode": "append"},
        ).to_document()
    )


def test_clean_leaves_ledger_lease_reports_and_the_list_of_what_was_published(s3):
    run = published(s3)
    with suppress(Crash):  # an orphan of a driver that died in its merge
        other = MemoryRun([5, 5], GOOD)
        other.beset({30: Fate.DIE_BEFORE})
        other.to_the_end()
    s3.put_object(Bucket="bucket", Key="rows/run/input/orphan.jsonl", Body=b"x")
    assert ask("clean", URI)["status"] == "cleaned"
    left = {key.removeprefix("runs/run/").partition("/")[0] for key in keys(s3)}
    assert left == {"ledger", "lease.json", "report.html", "status.json", "parts"}
    parts = {part.key for part in run.state().publication.parts}
    assert {key.removeprefix("runs/run/") for key in keys(s3, "runs/run/parts/")} == parts
    assert ask("status", URI)["cleaned"]
    assert ask("clean", URI)["status"] == "cleaned"
    assert len(keys(s3, "out/")) == 4


@pytest.mark.parametrize("words", [[], ["--rows"]])
def test_uploads_that_killed_writers_have_left_among_the_rows_of_a_run_are_ended(s3, words):
    published(s3)
    for key in ("rows/run/staging/w/part-0.parquet", "rows/other/staging/w/part-0.parquet", "out/part-0.parquet"):
        s3.create_multipart_upload(Bucket="bucket", Key=key)
    ask("clean", *words, URI)
    left = s3.list_multipart_uploads(Bucket="bucket")["Uploads"]
    assert sorted(found["Key"] for found in left) == ["out/part-0.parquet", "rows/other/staging/w/part-0.parquet"]
    for found in left:
        s3.abort_multipart_upload(Bucket="bucket", Key=found["Key"], UploadId=found["UploadId"])


def test_a_run_is_cleaned_by_who_may_not_list_uploads(s3, monkeypatch):
    published(s3)

    def refused(_store, prefix):
        raise StoreFailure("ListMultipartUploads", str(prefix), "AccessDenied", "told")

    monkeypatch.setattr("batch_transform.s3.store.S3Store.end_uploads", refused)
    assert ask("clean", URI)["status"] == "cleaned"
    assert keys(s3, "rows/") == []


def test_the_rows_of_a_published_run_are_forgotten_and_manifests_and_parts_stay(s3):
    published(s3)
    before = set(keys(s3))
    report = ask("clean", "--rows", URI, told=(told := []))
    assert report["objects"] > 0
    assert told[0].startswith(f"{URI}: {report['objects']} objects of ")
    assert told[0].endswith("are removed; kept: the ledger, the lease, the reports, the manifests, the parts")
    assert keys(s3, "rows/") == []
    assert before <= set(keys(s3))
    assert len(keys(s3, "out/")) == 4
    status = ask("status", URI)
    assert (status["status"], status["cleaned"], status["rows_forgotten"]) == ("published", False, True)
    with pytest.raises(ConfigurationError, match="its records and answers are forgotten"):
        ask("compare", URI, "--endpoint", "e")
    assert ask("clean", URI, "--rows")["objects"] == 0
    assert kinds(s3).count("cleaned") == 1
    ask("clean", URI)
    assert ask("status", URI)["cleaned"]


@pytest.mark.parametrize("rows", [["--rows"], []])
def test_what_would_be_removed_is_told_first_and_by_a_dry_run_alone(s3, rows):
    published(s3)
    before = keys(s3, "")
    report = ask("clean", *rows, URI, "--dry-run", told=(told := []))
    assert keys(s3, "") == before
    assert report["status"] == "planned"
    assert "would be removed; kept: the ledger" in told[0]
    done = ask("clean", *rows, URI)
    assert (done["objects"], done["bytes"], done["kept"]) == (report["objects"], report["bytes"], report["kept"])
    assert len(before) - len(keys(s3, "")) == done["objects"] - 1  # but for the step that says so


def test_the_rule_takes_old_versions_as_well_and_leaves_every_ledger(s3):
    """What `clean` deletes in a bucket with versions stays as an old version until then."""
    s3.put_bucket_versioning(Bucket="bucket", VersioningConfiguration={"Status": "Enabled"})
    published(s3)
    ask("clean", "--rows", URI)
    s3.put_bucket_lifecycle_configuration(
        Bucket="bucket", LifecycleConfiguration=ask("clean", "s3://bucket", "--lifecycle", "30")
    )
    (rule,) = s3.get_bucket_lifecycle_configuration(Bucket="bucket")["Rules"]
    old = [(found["Key"], found["VersionId"], 2 * (not found["IsLatest"])) for found in versions(s3)]
    assert [key for key, _, age in old if key.startswith("rows/") and age]
    ledger = keys(s3, "runs/run/ledger/")
    for key, version in expired_versions(rule, old):
        s3.delete_object(Bucket="bucket", Key=key, VersionId=version)
    assert not [found for found in versions(s3) if found["Key"].startswith("rows/")]
    assert keys(s3, "runs/run/ledger/") == ledger
    assert ask("status", URI)["status"] == "published"


def versions(s3):
    pages = s3.get_paginator("list_object_versions").paginate(Bucket="bucket")
    return [found for page in pages for found in page.get("Versions", ())]


def test_rows_that_a_rule_has_forgotten_are_told_of(s3):
    published(s3)
    assert not ask("status", URI)["rows_forgotten"]
    for key in keys(s3, "rows/"):
        s3.delete_object(Bucket="bucket", Key=key)
    assert ask("status", URI)["rows_forgotten"]


def test_a_run_that_is_given_up_can_be_left_without_its_rows(s3):
    killed(s3, "reconciled", released=True)
    with pytest.raises(ConfigurationError, match="add --unfinished"):
        ask("clean", "--rows", URI)
    report = ask("clean", "--rows", URI, "--unfinished")
    assert (keys(s3, "rows/"), report["kept"][-1]) == ([], "the parts")
    assert ask("status", URI)["cleaned"]


@pytest.mark.parametrize("extra", [[], ["--rows"]])
def test_the_folder_of_its_ledger_names_a_run_as_well(s3, extra):
    published(s3)
    report = ask("clean", "s3://bucket/runs/run", *extra)
    assert (report["workspace"], report["given_up"]) == (URI, False)
    assert keys(s3, "rows/") == []


def test_a_run_that_is_not_published_is_cleaned_only_when_asked_twice(s3):
    killed(s3, "reconciled", released=True)
    with pytest.raises(
        ConfigurationError, match="could not be resumed once it is cleaned, nor could its name be used again"
    ):
        ask("clean", URI)
    assert ask("clean", URI, "--unfinished")["given_up"]
    assert not keys(s3, "rows/run/input/")
    assert kinds(s3)[-1] == "cleaned"


def test_a_run_in_another_ones_folder_and_its_staged_rows_are_left_alone(s3):
    """A workspace may lie in a run's folder, and two runs of one name may share a place for staging."""
    run = published(s3)
    inner = ["runs/run/2024-05-01/ledger/000000000000.json", "runs/run/2024-05-01/input/a.jsonl"]
    for key in inner:
        s3.put_object(Bucket="bucket", Key=key, Body=b"x")
    ask("clean", URI)
    assert set(inner) <= set(keys(s3))
    places = Places(RunLayout(S3Uri("bucket", ""), "run"), "/scratch/run", "s3a")
    assert staging_folders(places, ("w1", "w2")) == ["/scratch/run/staging/w1", "/scratch/run/staging/w2"]
    assert run.state().report is not None


def test_a_run_in_the_middle_of_publishing_is_not_cleaned(s3):
    killed(s3, "publication", released=True)
    with pytest.raises(ConfigurationError, match="is in the middle of publishing; resume it first"):
        ask("clean", URI, "--unfinished")
    assert keys(s3, "rows/run/merged/")


def test_a_run_that_was_stopped_can_be_cleaned(s3):
    """No step says that its jobs have ended; the service does."""
    killed(s3, "planned")
    ask("stop", URI)
    assert ask("clean", URI, "--unfinished")["status"] == "cleaned"
    ask("stop", URI)
    assert kinds(s3)[-1] == "cleaned"


def test_whoever_cleans_a_run_in_progress_is_told_who_is_at_work_and_not_to_give_it_up(s3):
    killed(s3, "job_created", ttl=60.0)
    told = []
    words = r"a driver is at work on it \(.*\); wait .*: `stop s3://bucket/run`"
    with pytest.raises(ConfigurationError, match=words) as err:
        ask("clean", URI, told=told)
    assert "--unfinished" not in str(err.value)
    assert not told


def test_a_run_that_was_given_up_is_told_so_by_whoever_looks_at_it_and_nothing_goes_on_with_it(s3):
    killed(s3, "staged", released=True)
    ask("clean", URI, "--unfinished")
    before = keys(s3)
    for command in ("status", "stop", "status"):
        found = ask(command, URI)
        assert (found["status"], found.get("next")) == ("cleaned", None)
        assert last_lines(found)[-2].startswith("Given up and cleaned, the run is not published")
        assert last_lines(found)[-1].startswith("Its name cannot be used again")
    assert keys(s3) == before
    assert listed_runs(S3Store(s3), S3Uri.parse("s3://bucket"))[0]["status"] == "cleaned"


def test_what_a_second_clean_removes_is_what_the_first_has_left(s3):
    killed(s3, "staged", released=True)
    first = ask("clean", URI, "--unfinished")
    assert first["objects"] > 0
    assert ask("clean", URI, "--unfinished")["objects"] == 0


@pytest.mark.parametrize("released", [True, False])
def test_a_run_of_score_goes_on_by_its_call_and_by_no_command(s3, released):
    """`resume` refuses it."""
    killed(s3, "staged", released=released, ttl=0.1)
    time.sleep(1.2)  # of a service's times, which have whole seconds, a part is none
    found = ask("status", URI)
    assert found["status"] == ("ended" if released else "died")
    assert last_lines(found)[-1] == "To go on: the same call of score()"


def test_no_rules_are_printed_for_what_is_no_run(s3):
    with pytest.raises(ConfigurationError, match="there is no run, nor a workspace"):
        ask("clean", "s3://bucket", "--lifecycle", "30")


def test_jobs_in_flight_are_stopped_before_a_run_is_cleaned(s3, monkeypatch):
    killed(s3, "job_created", released=True)
    monkeypatch.setattr(TransformJobs, "is_in_flight", lambda self, name, was_created: True)
    with pytest.raises(ConfigurationError, match=r"jobs are in flight: .*; stop it first"):
        ask("clean", URI, "--unfinished")


def test_a_run_whose_jobs_are_not_known_here_is_not_cleaned_under_them(s3, monkeypatch):
    """As with the credentials of another account, or in another region; an emulator's jobs may have ended with it."""
    killed(s3, "job_created", released=True)
    with monkeypatch.context() as patched:
        patched.setattr(AwsAccess, "is_emulator", False)
        with pytest.raises(ServiceFailure, match=r"it is in another account or region than is asked now"):
            ask("clean", URI, "--unfinished")
    assert ask("clean", URI, "--unfinished")["status"] == "cleaned"


@pytest.mark.parametrize("place", ["s3://bucket/scorin", "s3://no-such-bucket", URI, "s3://bucket/runs"])
def test_old_runs_of_what_is_no_workspace_are_not_cleaned_and_called_done(s3, place):
    """Whoever has them cleaned every night would never learn that nothing is."""
    published(s3)
    with pytest.raises(
        ConfigurationError, match=r"is no workspace with runs|is where the workspace s3://bucket/ keeps"
    ):
        ask("clean", place, "--older-than", "1")


def test_old_runs_of_a_workspace(s3):
    published(s3)
    assert ask("clean", "s3://bucket", "--older-than", "1") == {
        "status": "cleaned",
        "cleaned": [],
        "kept": [],
        "objects": 0,
        "bytes": 0,
        "runs": [],
    }
    with pytest.MonkeyPatch.context() as patch:
        clock = clean_command.CLOCK
        later = type(clock)(clock.monotonic, lambda: clock.wall() + 2 * 24 * 3600, clock.sleep, clock.boot)
        patch.setattr(clean_command, "CLOCK", later)
        planned = ask("clean", "s3://bucket", "--older-than", "1", "--dry-run")
        assert planned["runs"] == [{"workspace": URI, "objects": planned["objects"], "bytes": planned["bytes"]}]
        done = ask("clean", "s3://bucket", "--older-than", "1")
        assert (done["cleaned"], done["bytes"]) == ([URI], planned["bytes"])
    with pytest.raises(ConfigurationError, match="--older-than: is no number of days; valid: a whole number"):
        ask("clean", "s3://bucket", "--older-than", "soon")


@pytest.mark.parametrize("named", [URI, "s3://bucket", "s3://bucket/runs/run"])
def test_one_lifecycle_rule_forgets_all_rows_of_a_workspace_and_is_such_as_s3_takes(s3, named):
    published(s3)
    rules = ask("clean", named, "--lifecycle", "3", told=(told := []))
    s3.put_bucket_lifecycle_configuration(Bucket="bucket", LifecycleConfiguration=rules)
    (rule,) = s3.get_bucket_lifecycle_configuration(Bucket="bucket")["Rules"]
    assert (rule["Filter"], rule["Expiration"]) == ({"Prefix": "rows/"}, {"Days": 3})
    assert rule["NoncurrentVersionExpiration"] == {"NoncurrentDays": 1}
    assert rule["AbortIncompleteMultipartUpload"] == {"DaysAfterInitiation": 3}
    assert told[0].startswith(f"s3://bucket/rows: {len(keys(s3, 'rows/'))} objects of ")


@pytest.mark.parametrize("command", ["run", "prepare", "resume"])
def test_a_run_file_without_the_secret_of_its_input_goes_on_with_rows_that_are_staged(s3, tmp_path, command):
    published(s3)
    given = {"path": "in", "options": {"sfPassword": "${SAS}"}}
    document = {"run_id": "run", "workspace": "s3://bucket", "input": given, "model": {"name": "m"}}
    (tmp_path / "run.yml").write_text(json.dumps({**document, "output": {"path": "out"}}))
    asked = parse([command, str(tmp_path / "run.yml")])
    assert is_sealed(commands.configuration(asked, os.environ).input.options["sfPassword"])
    new = parse([command, str(tmp_path / "run.yml"), "--set", "run_id=new"])
    with pytest.raises(ConfigurationError, match=r"needs the variable SAS|there is no run"):
        commands.configuration(new, os.environ)


def test_a_run_file_whose_run_never_began_names_its_workspace(s3, tmp_path):
    published(s3)
    document = {"run_id": "next", "workspace": "s3://bucket", "input": {"path": "in"}, "model": {"name": "m"}}
    (tmp_path / "run.yml").write_text(json.dumps({**document, "output": {"path": "out"}}))
    (rule,) = ask("clean", str(tmp_path / "run.yml"), "--lifecycle", "3")["Rules"]
    assert rule["Filter"] == {"Prefix": "rows/"}


def test_no_rule_is_printed_that_would_forget_a_ledger(s3):
    """An earlier version has kept the ledger of a run of the name `rows` there; or a workspace lies there."""
    published(s3)
    s3.put_object(Bucket="bucket", Key="rows/ledger/000000000000.json", Body=b"{}")
    with pytest.raises(ConfigurationError, match=r"rows/ledger/0{12}\.json: a ledger lies below s3://bucket/rows"):
        ask("clean", URI, "--lifecycle", "3")


def test_the_folder_of_the_ledgers_is_no_workspace_of_which_a_rule_is_printed(s3):
    published(s3)
    refusal = r"s3://bucket/runs: is where the workspace s3://bucket/ keeps the ledgers of its runs; name that one"
    with pytest.raises(ConfigurationError, match=refusal):
        ask("clean", "s3://bucket/runs", "--lifecycle", "3")
    for key in keys(s3):  # as a run of the name `rows`, whose ledger the rule would have forgotten
        body = s3.get_object(Bucket="bucket", Key=key)["Body"].read()
        s3.put_object(Bucket="bucket", Key=key.replace("runs/run/", "ws/runs/rows/"), Body=body)
    with pytest.raises(ConfigurationError, match="s3://bucket/ws keeps the ledgers of its runs; name that one"):
        ask("clean", "s3://bucket/ws/runs", "--lifecycle", "3")


@pytest.mark.parametrize("option", ["--rows", "--dry-run"])
def test_a_workspace_that_is_cleaned_as_a_run_is_named_as_it_was_given_with_the_way(s3, option):
    published(s3)
    with pytest.raises(ConfigurationError) as refused:
        ask("clean", "s3://bucket/a team's", option)
    assert str(refused.value) == (
        "s3://bucket/a team's: there is no run; a run is named <workspace>/<run_id>; `list s3://bucket` tells the "
        "runs beside it, and `list s3://bucket/a team's` those in it, if it is a workspace"
    )


def test_a_driver_that_is_at_work_is_asked_and_waited_for(s3, monkeypatch):
    """It renews its lease and does not obey: the command ends with a clear message."""
    run = killed(s3, "planned")
    count = iter(range(8, 1000))

    def renew(seconds):
        lease = Lease("writer2", 2, next(count), 1.0)
        s3.put_object(Bucket="bucket", Key="runs/run/lease.json", Body=lease.encode())

    clock = commands.CLOCK
    monkeypatch.setattr(
        "batch_transform.pipeline.recorded.CLOCK", type(clock)(clock.monotonic, clock.wall, renew, clock.boot)
    )
    reached = commands.Reached(S3Uri.parse(URI), access_of(Surroundings(), None, os.environ))
    with pytest.raises(ServiceFailure, match="It is asked to stop, and will when the step that it is in has ended"):
        commands.stop(reached, lambda text: None, patience_seconds=0.0)
    assert json.loads(s3.get_object(Bucket="bucket", Key="runs/run/stop.json")["Body"].read())["epoch"] == 2
    assert run.state().report is None

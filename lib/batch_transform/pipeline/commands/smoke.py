"""The command `smoke`: rows are scored in a real account, and the service is asked what no source tells."""

from __future__ import annotations

import math
import re
import secrets
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass

from batch_transform.aws.access import LOGS, S3, SAGEMAKER
from batch_transform.cloudwatch.data_logs import DataLogs
from batch_transform.config.loading import surroundings
from batch_transform.config.places import check_new_workspace
from batch_transform.core.amounts import counted
from batch_transform.core.errors import (
    BatchTransformError,
    ConfigurationError,
    Interrupted,
    ServiceFailure,
    SmokeFailed,
    SmokeInterrupted,
)
from batch_transform.core.smoke import experiments as smoke
from batch_transform.core.smoke.artifact import archive
from batch_transform.core.smoke.experiments import Experiment, experiments, refusals
from batch_transform.core.smoke.findings import Findings
from batch_transform.core.smoke.images import image_of
from batch_transform.core.smoke.job_requests import PREFIX, Setting, put_for
from batch_transform.core.smoke.questions import QUESTIONS, Question
from batch_transform.core.smoke.report import BrokenSmoke, Circumstances, SmokeReport, sentence, smoke_report
from batch_transform.core.uris import S3Uri
from batch_transform.pipeline.checks.collected_faults import fault_of_region
from batch_transform.pipeline.commands.command_line import CommandLine
from batch_transform.pipeline.commands.smoke_jobs import Jobs
from batch_transform.pipeline.commands.smoke_models import SmokeModels
from batch_transform.pipeline.commands.smoke_requests import Requests
from batch_transform.pipeline.lifecycle.interrupts import Interrupts
from batch_transform.pipeline.telling import Tell
from batch_transform.pipeline.world.aws_access import access_of
from batch_transform.s3.store import S3Store
from batch_transform.sagemaker.jobs import TransformJobs

INSTANCE_TYPE = "ml.m5.large"
_ROLE = re.compile(r"arn:aws[a-z-]*:iam::\d{12}:role/\S+")  # botocore, RoleArn


@dataclass(frozen=True)
class _Asked:
    place: S3Uri
    role: str
    image: str | None
    instance_type: str
    price_per_hour: float | None
    questions: Sequence[Question]
    with_rows: bool
    keeps: bool

    @property
    def needs(self) -> set[str]:
        """The names of all experiments that are needed."""
        names = {name for question in self.questions for name in question.needs}
        names |= {smoke.ROWS_JOB} if self.with_rows else set()
        return names | ({smoke.MISSING} if smoke.DUPLICATE in names else set())


def smoke_command(asked: CommandLine, environ: Mapping[str, str], tell: Tell) -> SmokeReport:
    """Returns the report of a try in which all rows were scored as expected.

    Raises:
        ConfigurationError: an argument is wrong, or the bucket is not there.
        SmokeFailed: rows were not scored as expected, with the report; or the service did not answer.
        SmokeInterrupted: by a signal; jobs are stopped, and what was made is removed.
    """
    wanted, began = _arguments(asked), time.monotonic()
    access = access_of(surroundings(asked.sets, ()), None, environ)
    store, client = S3Store(access.client(S3)), access.client(SAGEMAKER)
    region = client.meta.region_name
    image = wanted.image or image_of(region)
    if (bucket := store.bucket(wanted.place.join(PREFIX))) is None:
        raise ConfigurationError(f"--bucket: there is no bucket {wanted.place.bucket}; make it in {region} first")
    if (fault := fault_of_region(wanted.place.bucket, bucket.region, access.console_region)) is not None:
        raise ConfigurationError(f"--bucket: {fault}")
    id = secrets.token_hex(4)
    base = wanted.place.join(PREFIX, id)
    models = SmokeModels(client, id, image, wanted.role, base.join("model.tar.gz"))
    setting = Setting(id, base, models.names, wanted.instance_type)
    logs = DataLogs(access.client(LOGS), time.sleep)
    jobs = Jobs(TransformJobs(access.session(SAGEMAKER), client), store, logs, setting, tell)
    left: list[str] = []
    with _removed(Made(store, models, jobs, base), left, tell, keeps=wanted.keeps):
        tell(f"all that is made lies below {base}/, and is {'kept' if wanted.keeps else 'removed at the end'}")
        tell("some jobs are to fail, and one is stopped: what the service makes of that is what is asked")
        store.put(models.artifact, archive())
        found = _tried(wanted, jobs, Requests(client, setting), models)
    where = Circumstances(
        region, image, wanted.instance_type, wanted.price_per_hour, {base.bucket: "<bucket>", wanted.role: "<role>"}
    )
    report = smoke_report(wanted.questions, found, where, time.monotonic() - began, left)
    return _told(report, tell)


def _tried(wanted: _Asked, jobs: Jobs, requests: Requests, models: SmokeModels) -> Findings:
    """Makes models, asks what is refused at once, and runs the jobs."""
    to_run, to_refuse = experiments(wanted.needs), refusals(wanted.needs)
    for kind in dict.fromkeys(each.model for each in (*to_run, *to_refuse)):
        models.make(kind)
    for each in (*to_run, *to_refuse):
        for uri, body in put_for(each, jobs.setting).items():
            jobs.store.put(uri, body)
    if smoke.UNKNOWN in wanted.needs:
        requests.ask_unknown()
    for each in to_refuse:
        jobs.in_flight[each.name] = each
        if requests.ask(each.name, each):
            jobs.stop_all()
        jobs.in_flight.clear()

    def created(each: Experiment) -> None:
        if each.name == smoke.MISSING and smoke.DUPLICATE in wanted.needs:
            requests.ask(smoke.DUPLICATE, each)

    return Findings(jobs.run(to_run, created), requests.found)


@dataclass(frozen=True)
class Made:
    """What is to be removed."""

    store: S3Store
    models: SmokeModels
    jobs: Jobs
    base: S3Uri


@contextmanager
def _removed(made: Made, left: list[str], tell: Tell, *, keeps: bool) -> Iterator[None]:
    """Stops jobs and removes models and objects behind the block, however it ends; what remains is in `left`."""
    interrupts = Interrupts(watch_parent=False)
    with interrupts.installed():
        try:
            yield
        except Interrupted as err:
            report = BrokenSmoke(status=err.status.value, error=list(err.lines), left=left)
            raise SmokeInterrupted(err.exit_code - 128, report) from err
        except ServiceFailure as err:
            report = BrokenSmoke(status=err.status.value, error=list(err.lines), left=left)
            raise SmokeFailed(str(err), report) from err
        finally:
            interrupts.work_is_over()
            stopped = [made.jobs.setting.job_name(name) for name in made.jobs.in_flight]
            with suppress(BatchTransformError):
                made.jobs.stop_all()
            if stopped:
                tell(f"{', '.join(stopped)}: stop requested")
                left.append(f"{made.base}/: what jobs that are being stopped may still write there")
            left += [f"{made.base}/", *made.models.made.values()] if keeps else _remove(made)


def _remove(made: Made) -> list[str]:
    """Removes models and objects; returns what could not be."""
    remains = [fault for name in made.models.made.values() if (fault := made.models.remove(name))]
    try:
        listed = [S3Uri(made.base.bucket, info.key) for info in made.store.list(made.base)]
        made.store.delete(listed)
    except BatchTransformError as err:
        remains.append(f"{made.base}/: {err}")
    return remains


def _told(report: SmokeReport, tell: Tell) -> SmokeReport:
    for switch in report["switches"]:
        tell(sentence(switch))
    rows = report["rows"]
    if rows is None:
        return report
    sent = counted(rows["sent"], "row")
    words = f"{rows['as_expected']} of {sent} were scored as expected; their job is {rows['status']}"
    if rows["as_expected"] != rows["sent"]:
        raise SmokeFailed(words, report)
    tell(f"{words}, and took {rows['seconds']} s")
    return report


def _arguments(asked: CommandLine) -> _Asked:
    """The arguments, checked.

    Raises:
        ConfigurationError: with all faults.
    """
    needed = {"--bucket": asked.bucket, "--role": asked.role}
    faults = [f"{flag}: is needed; see --help" for flag, given in needed.items() if not given]
    place = _place(asked.bucket[-1], faults) if asked.bucket else ""
    if asked.role and not _ROLE.fullmatch(asked.role[-1]):
        faults.append("--role: is no ARN of a role; valid: arn:aws:iam::ACCOUNT:role/NAME")
    price = _price(asked.price_per_hour[-1]) if asked.price_per_hour else None
    if price is not None and not price > 0:
        faults.append(f"--price-per-hour: is {asked.price_per_hour[-1]!r}; valid: a number above 0")
    known = {question.switch: question for question in QUESTIONS}
    faults += [f"--only: {name!r} is no switch; valid: {', '.join(known)}" for name in asked.only if name not in known]
    if faults:
        raise ConfigurationError(faults)
    return _Asked(
        S3Uri.parse(place),
        asked.role[-1],
        asked.image[-1] if asked.image else None,
        asked.instance_type[-1] if asked.instance_type else INSTANCE_TYPE,
        price,
        [question for question in QUESTIONS if not asked.only or question.switch in asked.only],
        not asked.only,
        asked.keep,
    )


def _place(given: str, faults: list[str]) -> str:
    """The place that a bucket's name, or a location, names; what is wrong with it is added to the faults."""
    location = given if "://" in given else f"s3://{given}"
    try:
        return check_new_workspace(location)
    except ValueError as err:
        faults.append(f"--bucket: {err}")
        return location


def _price(text: str) -> float:
    with suppress(ValueError):
        found = float(text)
        return found if math.isfinite(found) else 0.0
    return 0.0

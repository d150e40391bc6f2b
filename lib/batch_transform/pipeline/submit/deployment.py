"""A run at a service, or on a platform that takes a bundle: what goes there, and how a driver is started.

`--dry-run` asks nobody anything: neither S3 nor the service.
"""

from __future__ import annotations

import shlex
import uuid
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from botocore.exceptions import BotoCoreError, ClientError

from batch_transform.aws.access import AwsAccess
from batch_transform.aws.unusable_settings import refusing_settings
from batch_transform.config.runfile import RunConfig
from batch_transform.core.errors import ConfigurationError, ServiceFailure
from batch_transform.core.escaping import hidden
from batch_transform.core.ledger import JsonObject
from batch_transform.core.report_keys import DeploymentReport
from batch_transform.core.secret_values import with_texts
from batch_transform.core.statuses import RunStatus
from batch_transform.core.uris import S3Uri
from batch_transform.deploy.port import FILES, BundleTarget, ServiceTarget, Shipment, Target, application_name
from batch_transform.pipeline.commands.command_line import CommandLine, log_form
from batch_transform.pipeline.commands.command_options import LOG_FORM, RESUME
from batch_transform.pipeline.commands.package import dist_of
from batch_transform.pipeline.commands.spark_submit_arguments import LISTS, SparkArguments
from batch_transform.pipeline.ending.exits import teller
from batch_transform.pipeline.reaching import has_secret
from batch_transform.pipeline.submit.bundling import RUN_FILE, given_in, portable, secret_variables, written
from batch_transform.pipeline.submit.destination import faults_elsewhere, keys_of
from batch_transform.pipeline.submit.uploads import Uploads, shipped
from batch_transform.pipeline.telling import JSON_LOG
from batch_transform.pipeline.world.aws_access import access_of, endpoint_variable
from batch_transform.s3.store import S3Store


def dry_run(
    asked: CommandLine,
    config: RunConfig,
    arguments: SparkArguments,
    target: Target | None,
    command: list[str],
    added: Mapping[str, str],
) -> DeploymentReport:
    """Returns what spark-submit would be called with on this machine, and the files that it would take along."""
    files = [item for key in LISTS for item in (arguments.setting(key) or "").split(",") if item]
    sizes = {item: Path(item.partition("#")[0]) for item in files}
    return {
        "run_id": config.run_id,
        "status": RunStatus.PLANNED.value,
        "target": target.name if target is not None else str(arguments.setting("spark.master") or "local"),
        "uploads": [
            {"source": item, "bytes": path.stat().st_size if path.is_file() else 0, "target": "by spark-submit"}
            for item, path in sizes.items()
        ],
        "commands": [hidden(shlex.join(command), _secrets(asked))],
        "environment": dict(added),
        "report": str(config.layout.status),
    }


def deployed(
    asked: CommandLine, config: RunConfig, target: Target, environ: Mapping[str, str], lib: Path
) -> DeploymentReport:
    """Returns the report of a run that a service has been asked for, or would be.

    Args:
        asked: the command line.
        config: the checked run file.
        target: a service, or a platform with bundles.
        environ: of this process.
        lib: the source root.

    Raises:
        ConfigurationError: a key of `deploy` is missing or wrong, or the run can be on this machine only.
        ServiceFailure: S3 or the service refused.
    """
    keys = keys_of(config)
    faults = [*faults_elsewhere(config, f"target is {target.name}"), *target.faults(keys)]
    if faults:
        raise ConfigurationError(faults)
    tell = teller(asked.command)
    for name, key in secret_variables(config).items():
        tell(f"{key}: is read from the variable {name} of the driver's environment; set it there")
    access = access_of(config, None, environ)
    text = portable(config, access.session().region_name)
    name = application_name(config.run_id)
    if isinstance(target, BundleTarget):
        return _bundled(asked, config, target, name, text, environ)
    assert isinstance(target, ServiceTarget)
    artifacts = S3Uri.parse(config.deploy.artifacts or f"{config.workspace}/artifacts")
    uploads, spark, entry = shipped(asked, target, artifacts, lib)
    run_file = uploads.add(RUN_FILE, text.encode("utf-8"), asked.subject)
    arguments = (*spark.with_default("spark.app.name", name).command_line(), *asked.rest)
    shipment = Shipment(name, entry, _arguments(asked, run_file), arguments, uuid.uuid4().hex)
    return _requested(asked, config, target, uploads, target.request(keys, shipment), access, environ)


def _requested(
    asked: CommandLine,
    config: RunConfig,
    target: ServiceTarget,
    uploads: Uploads,
    request: JsonObject,
    access: AwsAccess,
    environ: Mapping[str, str],
) -> DeploymentReport:
    report: DeploymentReport = {
        "run_id": config.run_id,
        "status": RunStatus.PLANNED.value,
        "target": target.name,
        "uploads": uploads.told(),
        "commands": [],
        "operation": f"{target.service}.{target.operation}",
        "request": with_texts(request, lambda _, text: hidden(text, _secrets(asked))),
        "report": str(config.layout.status),
    }
    if asked.dry_run:
        return report
    tell = teller(asked.command)
    client = _client(target, access, environ)  # before anything is uploaded: there may be no region
    uploads.send(S3Store(access.client("s3")), tell)
    try:
        answer = getattr(client, target.operation)(**request)
    except (ClientError, BotoCoreError) as err:
        raise ServiceFailure(f"{report['operation']}: {err}; nothing was started") from err
    started = target.started(answer)
    tell(f"{target.name}: started as {started}; `status {config.layout.run}` tells how far it is")
    return {**report, "status": RunStatus.SUBMITTED.value, "id": started}


def _client(target: ServiceTarget, access: AwsAccess, environ: Mapping[str, str]) -> Any:
    endpoint = environ.get(endpoint_variable(target.service)) or access.endpoint(target.service)
    session = access.session()
    with refusing_settings(""):
        return session.client(target.service, endpoint_url=endpoint)


def _bundled(
    asked: CommandLine,
    config: RunConfig,
    target: BundleTarget,
    name: str,
    text: str,
    environ: Mapping[str, str],
) -> DeploymentReport:
    if asked.spark or asked.rest:
        given = ", ".join(flag for flag, _ in asked.spark) or "what stands after --"
        raise ConfigurationError(
            f"{given}: is spark-submit's, and a task of {target.name} has none but its cluster's; leave it out"
        )
    folder, files = written(
        target, keys_of(config), name, dist_of(asked), text, _arguments(asked, f"{FILES}/{RUN_FILE}")
    )
    report: DeploymentReport = {
        "run_id": config.run_id,
        "status": RunStatus.PLANNED.value,
        "target": target.name,
        "uploads": files,
        "commands": [f"cd {shlex.quote(str(folder))}", *map(shlex.join, target.commands())],
        "report": str(config.layout.status),
    }
    if asked.dry_run:
        return report
    given_in(folder, target, environ)
    return {**report, "status": RunStatus.SUBMITTED.value}


def _arguments(asked: CommandLine, run_file: str) -> tuple[str, ...]:
    """What the driver is called with: the command, for what only `resume` takes, and its switches."""
    command = (RESUME,) if asked.retry_dead else ()
    log = (LOG_FORM, JSON_LOG) if log_form(asked) == JSON_LOG else ()
    return (*command, run_file, *asked.switches.flags, *log)


def _secrets(asked: CommandLine) -> list[str]:
    """The values of options for spark-submit that look like secrets, which a person has given, and nobody repeats."""
    words = [value for _, value in asked.spark if value] + list(asked.rest)
    return [word.partition("=")[2] or word for word in words if has_secret(word)]

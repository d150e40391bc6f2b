"""The command `iam`: the policy documents that a run file needs, in the form that IAM's create-policy takes."""

from __future__ import annotations

import re

from batch_transform.config.identities import S3Access
from batch_transform.config.places import is_s3
from batch_transform.config.runfile import RunConfig
from batch_transform.core.ledger import JsonObject
from batch_transform.core.needed_permissions import Needed
from batch_transform.core.policies import driver_policy, executors_policy, model_policy
from batch_transform.core.run_layout import ROWS
from batch_transform.core.uris import S3Uri
from batch_transform.outputs.copied_files import FileFormat
from batch_transform.outputs.registry import format_named
from batch_transform.pipeline.commands.command_line import CommandLine
from batch_transform.pipeline.commands.command_options import WHOM
from batch_transform.sagemaker.model_lookup import ecr_repository

DOCUMENTS = dict(zip(WHOM, (driver_policy, executors_policy, model_policy), strict=True))
_PATTERN = re.compile(r"[*?\[{\\]")


def policies(asked: CommandLine, config: RunConfig) -> JsonObject:
    """Returns one policy document, or, by whom it is for, all three."""
    needed = needed_of(config)
    if not asked.document:
        return {whom: document(needed) for whom, document in DOCUMENTS.items()}
    return DOCUMENTS[asked.document[-1]](needed)


def needed_of(config: RunConfig) -> Needed:
    """Returns what of a run file decides who must be allowed what; what no run file names (tables) is not in it."""
    workspace, parts = S3Uri.parse(config.workspace), config.model.parts
    read, written = _inputs(config), _outputs(config)
    staging = S3Uri.parse(config.staging_place) if is_s3(config.staging_place) else None
    elsewhere = None if staging in (None, workspace) else staging.join(ROWS)
    at_home = (workspace.join(ROWS),) if staging == workspace or written else ()
    copied = config.output is not None and isinstance(format_named(config.output.format), FileFormat)
    containers = parts.each if parts is not None else ()
    s3, others = config.aws.s3 or S3Access(), _other_roles(config)
    return Needed(
        workspace=workspace,
        model=config.model.name,
        region=config.aws.region,
        account=_account(others[0] if others else config.model.role_arn),
        key_account=s3.expected_bucket_owner or _account(s3.role_arn),
        read=read,
        written=written,
        staging=elsewhere,
        in_spark=(*read, *(() if copied else written), *at_home, *((elsewhere,) if elsewhere else ())),
        s3_key=s3.kms_key,
        output_key=config.settings.transform.output_kms_key,
        volume_key=config.transform.volume_kms_key,
        model_role=config.model.role_arn if parts is not None else None,
        images=tuple(found for each in containers if (found := ecr_repository(each.image or "")) is not None),
        data=tuple(S3Uri.parse(each.data_url) for each in containers if each.data_url and is_s3(each.data_url)),
        has_vpc=config.model.vpc_config is not None,
        has_tags=bool(config.transform.tags),
        s3_role=s3.role_arn,
        other_roles=others,
    )


def _other_roles(config: RunConfig) -> tuple[str, ...]:
    """The roles in which SageMaker and the logs are asked, each once."""
    sections = (config.aws.sagemaker, config.aws.logs)
    return tuple(dict.fromkeys(each.role_arn for each in sections if each is not None and each.role_arn))


def _account(role_arn: str | None) -> str:
    return role_arn.split(":")[4] if role_arn else "*"


def _inputs(config: RunConfig) -> tuple[S3Uri, ...]:
    """The folder of the input, of a pattern the one above its first special character; another run's workspace."""
    given = config.input
    if given is None:
        return ()
    if given.dead_letters is not None:
        return (S3Uri.parse(given.dead_letters).parent,) if is_s3(given.dead_letters) else ()
    if given.path is None or not is_s3(given.path):
        return ()
    plain = _PATTERN.split(given.path)[0]
    return (S3Uri.parse(plain if plain == given.path else plain.rpartition("/")[0] + "/"),)


def _outputs(config: RunConfig) -> tuple[S3Uri, ...]:
    sections = (config.output, config.dead_letter_place)
    paths = [section.path for section in sections if section is not None and section.path is not None]
    return tuple(S3Uri.parse(path) for path in paths if is_s3(path))

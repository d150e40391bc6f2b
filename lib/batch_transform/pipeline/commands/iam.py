"""The command `iam`: the policy documents that a run file needs, in the form that IAM's create-policy takes."""

from __future__ import annotations

import re

from batch_transform.config.places import is_s3
from batch_transform.config.runfile import RunConfig
from batch_transform.core.ledger import JsonObject
from batch_transform.core.policies import Needed, driver_policy, executors_policy, model_policy
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
    workspace, aws, parts = S3Uri.parse(config.workspace), config.aws, config.model.parts
    read, written = _inputs(config), _outputs(config)
    staging = S3Uri.parse(config.staging_place) if is_s3(config.staging_place) else None
    at_home = staging == workspace or bool(written)
    copied = config.output is not None and isinstance(format_named(config.output.format), FileFormat)
    elsewhere = None if staging in (None, workspace) else staging.join(ROWS)
    in_spark = [*read, *(() if copied else written), *((workspace.join(ROWS),) if at_home else ()), elsewhere]
    containers = parts.each if parts is not None else ()
    others = [section.role_arn for section in (aws.sagemaker, aws.logs) if section is not None and section.role_arn]
    s3_role = aws.s3.role_arn if aws.s3 is not None else None
    owner = aws.s3.expected_bucket_owner if aws.s3 is not None else None
    model_role = config.model.role_arn
    return Needed(
        workspace=workspace,
        model=config.model.name,
        region=aws.region,
        account=_account(others[0] if others else model_role),
        key_account=owner or _account(s3_role),
        read=read,
        written=written,
        staging=elsewhere,
        in_spark=tuple(place for place in in_spark if place is not None),
        s3_key=aws.s3.kms_key if aws.s3 is not None else None,
        output_key=config.settings.transform.output_kms_key,
        volume_key=config.transform.volume_kms_key,
        model_role=model_role if parts is not None else None,
        images=tuple(found for each in containers if (found := ecr_repository(each.image or "")) is not None),
        data=tuple(S3Uri.parse(each.data_url) for each in containers if each.data_url and is_s3(each.data_url)),
        has_vpc=config.model.vpc_config is not None,
        has_tags=bool(config.transform.tags),
        s3_role=s3_role,
        other_roles=tuple(dict.fromkeys(others)),
    )


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

"""The request of a planned job, built by the `Transformer` of the SageMaker SDK where that is installed.

It is built once, by the driver: the ledger holds it, and whoever creates the job sends it as it is recorded, with the
SDK or without.
"""

from __future__ import annotations

import copy
import functools
import inspect
import logging
from typing import Any

from batch_transform.core.errors import ConfigurationError
from batch_transform.core.sending.job_request import MANIFEST, JobSettings, altered, transform_request
from batch_transform.core.service_shapes import TransformJobRequest

# The SDK's defaults files must not add to what a run file says. A session that is given an empty dict reads them; once
# it is there it takes one, as any other is checked against a schema at each look: a second for each job.
_NO_DEFAULTS = {"SchemaVersion": "1.0"}
# Beside other versions than it was made for its import fails in ways of its own: pydantic's PydanticUserError, as on
# Databricks 16.4 LTS, is a RuntimeError.
# With PYTHONWARNINGS=error a warning is one too, and a SyntaxWarning a SyntaxError.
_UNUSABLE = (ImportError, RuntimeError, TypeError, AttributeError, ValueError, SyntaxError, Warning)


def built_request(job: JobSettings, session: Any) -> TransformJobRequest:
    """Returns the CreateTransformJob request of a job; where the SDK cannot be imported, the equal one without it.

    Args:
        job: as it is planned.
        session: boto3's, of the run; nothing is asked of AWS.

    Raises:
        ConfigurationError: the SDK leaves out, alters or adds to what was asked for, as another version of it might.
    """
    plain = transform_request(job)
    try:
        # Imported where it is used: it takes ten times as long as boto3, and pulls scipy and paramiko.
        from sagemaker.core.helper.session_helper import Session
        from sagemaker.core.transformer import Transformer
    except _UNUSABLE:
        return plain
    more = {"transform_ami_version": job.transform_ami_version} if job.transform_ami_version is not None else {}
    if not more.keys() <= inspect.signature(Transformer).parameters.keys():
        return plain  # of a version before it
    logging.getLogger("sagemaker").setLevel(logging.WARNING)
    sdk = copy.copy(_session(Session, session))
    sdk.sagemaker_client = kept = _RequestKeeper()
    transformer = Transformer(
        model_name=job.model_name,
        instance_count=job.instance_count,
        instance_type=job.instance_type,
        strategy=job.strategy,
        assemble_with=job.assemble_with,
        output_path=job.output_path,
        output_kms_key=job.output_kms_key,
        accept=job.accept,
        max_concurrent_transforms=job.max_concurrent_transforms,
        max_payload=job.max_payload,
        tags=job.tag_list,
        env=dict(job.env) or None,
        volume_kms_key=job.volume_kms_key,
        sagemaker_session=sdk,
        **more,
    )
    transformer.transform(
        job.data,
        data_type=MANIFEST,
        content_type=job.content_type,
        compression_type=job.compression_type,
        split_type=job.split_type,
        job_name=job.name,
        input_filter=job.input_filter,
        output_filter=job.output_filter,
        join_source=job.join_source,
        model_client_config=job.model_client_config,
        wait=False,
        logs=False,
    )
    request: TransformJobRequest = kept.request
    if changed := altered(plain, request):
        raise ConfigurationError(
            f"sagemaker-core: its Transformer changed the request in {', '.join(changed)}; no job was created. Install "
            "a version that the extra `sagemaker` allows, or none: the request is then built without it"
        )
    return request


@functools.lru_cache(maxsize=1)
def _session(of_sdk: Any, session: Any) -> Any:
    """The session of the SDK over that of boto3, made once: its schemas and clients took 0.16 s of each job."""
    sdk = of_sdk(boto_session=session, sagemaker_client=_RequestKeeper(), sagemaker_config=_NO_DEFAULTS)
    sdk.sagemaker_config = {}
    return sdk


class _RequestKeeper:
    """The SageMaker client of a `Transformer` that is to build a request and to create nothing."""

    def __init__(self) -> None:
        self.request: Any = {}  # which the SDK has made; it is held against what was asked for

    def create_transform_job(self, **request: Any) -> None:
        """Keeps the request instead of sending it."""
        self.request = request

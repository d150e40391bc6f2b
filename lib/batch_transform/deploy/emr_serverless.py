"""A job run of an EMR Serverless application.

"Using Python libraries with EMR Serverless" names the settings by which an archive's interpreter is the driver's and
the workers'; "Spark jobs" what `entryPoint` and `sparkSubmitParameters` are.
"""

from __future__ import annotations

import re
import shlex
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from batch_transform.deploy.port import Keys, Need, ServiceTarget, Shipment

_NAME_CHARACTERS = 256  # botocore, String256
_DRIVER = "spark.emr-serverless.driverEnv"
_SETTINGS = {"--archives": "spark.archives", "--py-files": "spark.submit.pyFiles"}


class EmrServerless(ServiceTarget):
    """StartJobRun."""

    name = "emr-serverless"
    needs = (
        Need("application_id", "[0-9a-z]{1,64}", "the id of a Spark application, such as 00fabcdefghijk09"),
        Need(
            "execution_role_arn",
            r"arn:aws[a-z-]*:iam::\d{12}:role/.+",
            "the role of driver and workers, arn:aws:iam::ACCOUNT:role/NAME",
        ),
    )
    service = "emr-serverless"
    operation = "start_job_run"
    python_settings = (
        f"{_DRIVER}.PYSPARK_DRIVER_PYTHON",
        f"{_DRIVER}.PYSPARK_PYTHON",
        "spark.executorEnv.PYSPARK_PYTHON",
    )

    def request(self, keys: Keys, shipment: Shipment) -> dict[str, Any]:
        """Returns one job run; a request that is sent twice starts it once."""
        return {
            "applicationId": keys.application_id,
            "clientToken": shipment.token,
            "executionRoleArn": keys.execution_role_arn,
            "name": re.sub(r"[^A-Za-z0-9._/#-]", "-", shipment.name)[:_NAME_CHARACTERS],
            "jobDriver": {
                "sparkSubmit": {
                    "entryPoint": shipment.entry,
                    "entryPointArguments": list(shipment.arguments),
                    "sparkSubmitParameters": shlex.join(_as_settings(shipment.spark)),
                }
            },
        }

    def started(self, answer: Mapping[str, Any]) -> str:
        """Returns the job run's id."""
        return str(answer["jobRunId"])


def _as_settings(words: Sequence[str]) -> Iterator[str]:
    """The arguments with lists of files as the settings by which the service's documentation names them."""
    pending = iter(words)
    for word in pending:
        if word in _SETTINGS:
            yield from ("--conf", f"{_SETTINGS[word]}={next(pending)}")
        else:
            yield word


TARGET = EmrServerless()

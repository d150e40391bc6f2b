"""What `smoke` asks for to be refused."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from botocore.exceptions import BotoCoreError, ClientError

from batch_transform.core.smoke.experiments import UNKNOWN, Experiment
from batch_transform.core.smoke.findings import Refusal
from batch_transform.core.smoke.job_requests import Setting, job_request
from batch_transform.sagemaker.service_errors import failure_of


@dataclass
class Requests:
    """Requests that are sent once, over boto3's client; `found` is what the service said of each, by its name."""

    client: Any
    setting: Setting
    found: dict[str, Refusal] = field(default_factory=dict)

    def ask(self, name: str, experiment: Experiment) -> bool:
        """Sends the request of a job; returns whether it was created.

        Raises:
            ServiceFailure: no answer came.
        """
        self._note(name, "create_transform_job", **job_request(experiment, self.setting))
        return not self.found[name].code

    def ask_unknown(self) -> None:
        """Asks for a job that nobody has created.

        Raises:
            ServiceFailure: no answer came.
        """
        self._note(UNKNOWN, "describe_transform_job", TransformJobName=self.setting.job_name(UNKNOWN))

    def _note(self, name: str, operation: str, **request: Any) -> None:
        try:
            getattr(self.client, operation)(**request)
            self.found[name] = Refusal("")
        except ClientError as err:
            self.found[name] = Refusal(err.response["Error"]["Code"], err.response["Error"]["Message"])
        except BotoCoreError as err:
            raise failure_of(operation, name, err) from err

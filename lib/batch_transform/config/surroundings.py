"""The keys of a run file that say what the run talks to, and where it lies: aws, emulator, workspace, run_id."""

from __future__ import annotations

import re
from typing import Annotated

from batch_transform.config.identities import Identity, S3Access
from batch_transform.config.places import check_new_workspace, check_run_id
from batch_transform.config.typed_sections import Section, field_validator
from batch_transform.config.typed_values import AfterValidator, Field
from batch_transform.config.values import Names, ServedName, Shown, Text, Url, check_length
from batch_transform.core.limits import MAX_WORKSPACE_CHARACTERS
from batch_transform.core.object_names import run_folder
from batch_transform.core.run_layout import RunLayout
from batch_transform.core.secret_values import is_secret_name
from batch_transform.core.uris import S3Uri

VARIABLE = re.compile("[A-Za-z_][A-Za-z0-9_]*")
RunId = Annotated[str, AfterValidator(check_run_id)]
Workspace = Annotated[str, AfterValidator(check_length(MAX_WORKSPACE_CHARACTERS)), AfterValidator(check_new_workspace)]
# What the AWS SDK takes credentials from, or the place of some.
KEYS_OF_AWS = re.compile(
    "AWS_(ACCESS_KEY_ID|SECRET_ACCESS_KEY|SESSION_TOKEN|SECURITY_TOKEN|BEARER_TOKEN_.*|(DEFAULT_)?PROFILE"
    "|SHARED_CREDENTIALS_FILE|CONFIG_FILE|WEB_IDENTITY_TOKEN_FILE|CONTAINER_.*)",
    re.IGNORECASE,
)
# `--token=VALUE`, `--token VALUE`, `TOKEN=VALUE`; what follows a $ is the name of a variable.
_WORD = re.compile(r"""(?<!\S)["']?(?:--?([A-Za-z][\w.-]*)(?:=|\s+(?!-))|([A-Za-z_][\w.]*)=)(?=["']?[^\s"'$])""")
# boto3's names of the services that a run calls.
SERVICES = ("logs", "s3", "sagemaker", "sagemaker-runtime", "sts")


def check_no_secret_word(command: str) -> str:
    """Returns a command, or an address, in which no option and no variable has a secret's name and a value.

    Raises:
        ValueError: one has; the end of a sentence, which does not repeat it.
    """
    found = [first or second for first, second in _WORD.findall(command)]
    if names := [name for name in found if is_secret_name(name)]:
        raise ValueError(
            f"has {', '.join(dict.fromkeys(names))} in a command, which is stored and shown: give the secret as a "
            "variable of the environment that emulator.pass_env names, and let the model read that"
        )
    return command


class Aws(Section):
    """What wins over the default chain of the AWS SDKs; holds no secret but external ids.

    Attributes:
        profile: of whatever has no identity of its own, and of whoever assumes the others' roles.
        endpoint_url: one endpoint for all services.
        service_endpoints: boto3's service name to endpoint; wins over `endpoint_url`.
        s3: who reads and writes S3.
        sagemaker: who creates models and jobs, looks at images, and calls an endpoint to compare with.
        logs: who reads CloudWatch Logs; None: as `sagemaker`, in whose account jobs run.
    """

    region: Text | None = None
    profile: Text | None = None
    endpoint_url: Url | None = None
    service_endpoints: dict[str, Url] = Field(default_factory=dict)
    s3: S3Access | None = None
    sagemaker: Identity | None = None
    logs: Identity | None = None

    @field_validator("service_endpoints")
    @classmethod
    def _known_services(cls, endpoints: dict[str, str]) -> dict[str, str]:
        unknown = sorted(set(endpoints) - set(SERVICES))
        if unknown:
            raise ValueError(f"names {', '.join(unknown)}; valid: {', '.join(SERVICES)}")
        return endpoints

    def endpoint(self, service: str) -> str | None:
        """Returns the endpoint that was set for a service; None: AWS's own, or the environment's."""
        return self.service_endpoints.get(service, self.endpoint_url)


def url_of_server(served: str) -> str | None:
    """Returns the URL of a model's server that runs already; None for what the emulator starts itself."""
    place = served.strip()
    return place if place.startswith(("http://", "https://")) else None


class Emulator(Section):
    """The embedded emulator.

    Attributes:
        models: each model's name, or the image that it is made of, and the command or the URL of the server that is it,
            or the place of its script and artifact: a folder, a `model.tar.gz`, or `SCRIPT.py:ARTIFACT`, relative to
            where the driver runs.
        state: a folder in which it keeps its S3 and its jobs; None: they end with the driver, and so does the run.
        pass_env: variables of the driver's environment that its models get, beside those that say where programs are.
    """

    models: dict[ServedName, Annotated[Shown, AfterValidator(check_no_secret_word)]] = Field(default_factory=dict)
    state: Text | None = None
    pass_env: Names = ()

    @field_validator("pass_env")
    @classmethod
    def _passable(cls, names: tuple[str, ...]) -> tuple[str, ...]:
        odd = [name for name in names if not VARIABLE.fullmatch(name)]
        if odd:
            raise ValueError(f"names {', '.join(map(repr, odd))}; valid: letters, digits and _, no digit first")
        keys = [name for name in names if KEYS_OF_AWS.fullmatch(name)]
        if keys:
            raise ValueError(
                f"names {', '.join(keys)}; the driver's AWS keys stay with it, a model's own belong into "
                "transform.environment"
            )
        return names


class Surroundings(Section):
    """What a command must know to reach a run whose configuration it has yet to read."""

    aws: Aws = Aws()
    emulator: Emulator | None = None


class Whereabouts(Surroundings):
    """What of a run file says where its run is: whoever looks for one needs nothing else, so no secret either."""

    run_id: RunId | None = None
    workspace: Workspace

    @property
    def layout(self) -> RunLayout:
        """Where on S3 the run lies, if it begins now."""
        return layout_of(self.workspace, self.run_id)


def layout_of(workspace: str, run_id: str | None) -> RunLayout:
    """Returns where on S3 a run lies, if it begins now; one that has no id yet lies nowhere in its workspace."""
    return RunLayout(S3Uri.parse(workspace), run_folder(run_id) if run_id else "")

"""Models and buckets in moto's state, as jobs need them. With its neighbours all that knows moto's inside."""

import contextlib
import threading
from collections.abc import Iterable, Mapping
from datetime import timezone
from typing import Any

from moto.iam.models import get_account_id_from
from moto.s3.exceptions import S3ClientError
from moto.s3.models import s3_backends
from moto.sagemaker.models import Model, sagemaker_backends

from transform_emulator.control_plane.errors import validation
from transform_emulator.control_plane.jobs import Scope
from transform_emulator.control_plane.listing import ListedModel
from transform_emulator.endpoints.invocations import Served
from transform_emulator.moto.world import World, within
from transform_emulator.scripts.handler import ScriptError
from transform_emulator.scripts.serving import ModelContainer, Serving, serving

ROLE_NAME = "transform-emulator"
PARTITION = "aws"


def account_of(access_key: str) -> str:
    """Returns the account that an access key belongs to; moto's default account for a made-up key."""
    return str(get_account_id_from(access_key))


class ModelRegistry:
    """The models that can be served, made known to moto wherever somebody asks for them.

    Args:
        served: For each model name (or container image) the command, URL or script that serves it.
        world: Where moto knows models.
        inherited: The variables that every model server has, under the model's own.

    Raises:
        ScriptError: One of the scripts cannot be served.
    """

    def __init__(self, served: Mapping[str, str], world: World, inherited: Mapping[str, str]) -> None:
        self._world = world
        self._inherited = inherited
        self._served = {name: _serving(name, text) for name, text in served.items()}
        self._lock = threading.Lock()
        self._known: set[Scope] = set()
        self._own: list[Model] = []

    @within
    def ensure(self, scope: Scope) -> None:
        """Registers the served models in an account and region that was not seen before.

        Models belong to one account and region, but nobody wants to tell the emulator which ones clients will sign for.

        Raises:
            ApiError: There is no such region.
        """
        self.check_region(scope)
        with self._lock:
            if scope in self._known:
                return
            self._known.add(scope)
            backend = sagemaker_backends[scope.account][scope.region]
            for name in self._served:
                model = backend.create_model(
                    model_name=name,
                    execution_role_arn=f"arn:{scope.partition}:iam::{scope.account}:role/{ROLE_NAME}",
                    primary_container={"Image": f"transform-emulator/{name}"},
                    vpc_config=None,
                    containers=None,
                    tags=None,
                )
                self._own.append(model)

    @within
    def check_region(self, scope: Scope) -> None:
        """Raises ApiError for a region that AWS does not have: mistyped, it would have no host to ask."""
        if scope.region not in sagemaker_backends[scope.account].regions:
            raise validation(f"there is no region {scope.region}; is the client's region mistyped?")

    @within
    def create(self, scope: Scope, body: Mapping[str, Any]) -> str:
        """Creates the model of a CreateModel request, in place of a served one of its name; returns its ARN.

        Raises:
            ApiError: A client has created one of its name.
        """
        with self._lock:
            return self._create(scope, body)

    @within
    def models(self, scope: Scope) -> list[ListedModel]:
        """Returns all models, as ListModels tells of them."""
        found = sagemaker_backends[scope.account][scope.region].list_models()
        return [
            ListedModel(model.model_name, model.arn, model.creation_time.replace(tzinfo=timezone.utc))
            for model in list(found)
        ]

    def _create(self, scope: Scope, body: Mapping[str, Any]) -> str:
        backend: Any = sagemaker_backends[scope.account][scope.region]
        known = self._model(scope, body["ModelName"])
        if known is not None and not self.is_own(known):
            # The service's words, by which the SageMaker SDK knows that it may use that model (FACTS.md, 1).
            raise validation(f'Cannot create already existing model "{known.arn}".')
        model = backend.create_model(
            model_name=body["ModelName"],
            execution_role_arn=body.get("ExecutionRoleArn"),
            primary_container=body.get("PrimaryContainer"),
            vpc_config=body.get("VpcConfig"),
            containers=body.get("Containers"),
            tags=body.get("Tags"),
        )
        # What moto leaves out, or makes up where it is left out; DescribeModel shows each of these that is not None.
        model.execution_role_arn = body.get("ExecutionRoleArn")
        model.primary_container = body.get("PrimaryContainer")
        model.containers = body.get("Containers")
        model.vpc_config = body.get("VpcConfig")
        model.enable_network_isolation = body.get("EnableNetworkIsolation", False)
        model.inference_execution_config = body.get("InferenceExecutionConfig")
        return str(model.arn)

    def forget(self) -> None:
        """Makes the served models known to moto anew, which has forgotten all."""
        with self._lock:
            self._known.clear()
            self._own.clear()

    def is_own(self, model: object) -> bool:
        """Returns whether moto's model is one of the served ones, rather than one that a client created."""
        return any(model is own for own in self._own)

    def role_of_model(self, scope: Scope, name: str) -> str | None:
        """Returns the model's ExecutionRoleArn, or None if there is no such model."""
        model = self._model(scope, name)
        return None if model is None else str(model.execution_role_arn or "")

    def containers(self, scope: Scope, name: str) -> list[ModelContainer]:
        """Returns what a model is made of, in order; empty for a model that is not there.

        Each container is served under its image; a model of one container also under the model's own name.
        """
        self.ensure(scope)  # a job that goes on after a restart asks before any client does
        given = self._containers(scope, name)
        by_name = self._served.get(name) if len(given) == 1 else None
        return [
            ModelContainer(
                # Developer guide, logging-cloudwatch: what a pipeline's containers without a name are called.
                name=container.get("ContainerHostname") or f"container-{number}",
                serving=by_name or self._served.get(_image(container)),
                image=_image(container) or name,
                data_url=_data_url(container),
                environment=container.get("Environment") or {},
                inherited=self._inherited,
            )
            for number, container in enumerate(given, 1)
        ]

    def uses_model_data_source(self, scope: Scope, name: str) -> bool:
        """Returns whether one of the model's containers has its artifact from ModelDataSource."""
        return any(container.get("ModelDataSource") for container in self._containers(scope, name))

    def lacks_artifact(self, scope: Scope, name: str) -> bool:
        """Returns whether a script of the model has its artifact from a ModelDataSource that is not one archive."""
        pairs = zip(self._containers(scope, name), self.containers(scope, name), strict=True)
        return any(
            each.serving is not None
            and each.serving.takes_artifact
            and each.data_url is None
            and bool(given.get("ModelDataSource"))
            for given, each in pairs
        )

    @within
    def served_by_endpoint(self, scope: Scope, endpoint: str) -> Served | None:
        """Returns what serves the first variant of an endpoint; None for an endpoint or a model that is not there.

        Raises:
            ApiError: Nothing serves one of its containers.
        """
        backend = sagemaker_backends[scope.account][scope.region]
        known = backend.endpoints.get(endpoint)
        config = None if known is None else backend.endpoint_configs.get(known.endpoint_config_name)
        if config is None:
            return None
        variant = config.production_variants[0]
        name = str(variant["ModelName"])
        containers = self.containers(scope, name)
        unserved = [each.image for each in containers if each.serving is None]
        if unserved:
            missing = " and ".join(unserved)
            raise validation(f"Endpoint {endpoint}: the emulator serves no {missing}: name it with --model.")
        if not containers:
            return None
        return Served(tuple(containers), str(variant["VariantName"]))

    def _containers(self, scope: Scope, name: str) -> list[dict[str, Any]]:
        """The container definitions of a model; one that is empty for a model that was created without any."""
        model = self._model(scope, name)
        if model is None:
            return []
        return [each for each in (model.primary_container, *(model.containers or ())) if each] or [{}]

    @within
    def _model(self, scope: Scope, name: str) -> Model | None:
        models = sagemaker_backends[scope.account][scope.region].list_models()
        return next((model for model in models if model.model_name == name), None)


def ensure_buckets(world: World, account: str, region: str, names: Iterable[str]) -> None:
    """Creates those of the buckets that nobody has yet; an invalid name is left for S3 itself to refuse."""
    with world.inside():
        for name in names:
            if name in s3_backends.bucket_accounts:
                continue
            with contextlib.suppress(S3ClientError):
                # Of another partition than its region's it would be looked for, and not found, for ever.
                s3_backends[account][Scope(account, region, "").partition].create_bucket(name, region)


def _serving(name: str, text: str) -> Serving:
    try:
        return serving(text)
    except ScriptError as error:
        raise ScriptError(f"model {name}: {error}") from error


def _image(container: Mapping[str, Any]) -> str:
    return str(container.get("Image") or container.get("ModelPackageName") or "")


def _data_url(container: Mapping[str, Any]) -> str | None:
    """Where the artifact is, if that is one archive."""
    source = (container.get("ModelDataSource") or {}).get("S3DataSource", {})
    archive = source.get("S3DataType") == "S3Object" and source.get("CompressionType") == "Gzip"
    return container.get("ModelDataUrl") or (source["S3Uri"] if archive else None)

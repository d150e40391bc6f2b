"""The models, endpoint configurations and endpoints that clients created in moto, kept."""

import inspect
import json
import threading
from collections.abc import Mapping
from datetime import datetime
from typing import Any

from moto.sagemaker.models import FakeEndpoint, FakeEndpointConfig, Model, sagemaker_backends

from transform_emulator.control_plane.jobs import Scope
from transform_emulator.moto.registry import ModelRegistry
from transform_emulator.moto.world import World, within
from transform_emulator.state.database import Database

CLASSES: Mapping[str, type[Any]] = {"model": Model, "endpoint-config": FakeEndpointConfig, "endpoint": FakeEndpoint}
READING = ("Describe", "List", "Search", "Get")
OF_OWNER = "SELECT kind, name, document FROM resources WHERE account = ? AND region = ?"
TIME = "datetime"  # the one name in a document that stands for a time of Python's


class KeptModels:
    """What is on disk of them."""

    def __init__(self, database: Database, models: ModelRegistry, world: World) -> None:
        """Keeps nothing yet.

        Args:
            database: The index.
            models: The models of the command line, which are not kept.
            world: Where moto knows models.
        """
        self._world = world
        self._database = database
        self._models = models
        self._lock = threading.Lock()

    @within
    def sync(self, scope: Scope, operation: str) -> None:
        """Makes what is on disk what is in memory, once a call of SageMaker was answered by moto."""
        if operation.startswith(READING):
            return
        owner = (scope.account, scope.region)
        with self._lock:
            kept = set(self._database.rows(OF_OWNER, *owner))
            found = {
                (kind, name, _text(resource))
                for kind, store in _stores(scope).items()
                for name, resource in list(store.items())
                if not self._models.is_own(resource)
            }
            if found != kept:
                rows = [(*owner, *row) for row in found]
                with self._database.transaction() as connection:
                    connection.execute("DELETE FROM resources WHERE account = ? AND region = ?", owner)
                    connection.executemany("INSERT INTO resources VALUES (?, ?, ?, ?, ?)", rows)

    @within
    def load(self) -> None:
        """Gives moto what was kept, on top of the models of the command line."""
        for account, region, kind, name, text in self._database.rows("SELECT * FROM resources"):
            scope = Scope(account, region, access_key="")
            self._models.ensure(scope)
            _stores(scope)[kind][name] = _resource(CLASSES[kind], scope, json.loads(text, object_hook=_with_times))


def _stores(scope: Scope) -> dict[str, dict[str, Any]]:
    backend = sagemaker_backends[scope.account][scope.region]
    return {"model": backend._models, "endpoint-config": backend.endpoint_configs, "endpoint": backend.endpoints}


def _resource(kind: type[Any], scope: Scope, attributes: dict[str, Any]) -> Any:
    # By its constructor, so that what a later moto adds is there; then all that was kept.
    given = attributes | {"account_id": scope.account, "region_name": scope.region}
    names = list(inspect.signature(kind).parameters)
    resource = kind(**{name: given.get(name) for name in names})
    vars(resource).update(attributes)
    return resource


def _text(resource: object) -> str:
    return json.dumps(vars(resource), sort_keys=True, default=_time)


def _time(value: object) -> dict[str, str]:
    if not isinstance(value, datetime):
        raise TypeError(f"cannot keep {value!r}")
    return {TIME: value.isoformat()}


def _with_times(document: dict[str, Any]) -> Any:
    return datetime.fromisoformat(document[TIME]) if document.keys() == {TIME} else document

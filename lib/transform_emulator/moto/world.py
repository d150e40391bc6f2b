"""Moto's data once for each emulator.

Moto keeps what its services know in dictionaries of the process, by account and region, and every module of its own
holds them by name. So they stay where they are, and what they give depends on who asks: within a `World` they give that
world's data, outside of any what moto gives everybody else in the process. Two emulators share nothing, neither shares
anything with `mock_aws`, and to forget everything is to forget a world's dictionaries.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from functools import lru_cache, wraps
from typing import TYPE_CHECKING, Any, TypeVar, cast

from moto.backends import list_of_moto_modules
from moto.core.base_backend import AccountSpecificBackend, BackendDict, backend_lock
from moto.core.common_models import BaseModel
from moto.moto_server.werkzeug_app import DomainDispatcherApplication, create_backend_app
from moto.s3.models import FakeKey

from transform_emulator.moto.answers import answer_as_s3
from transform_emulator.moto.checksums import tell_checksums
from transform_emulator.moto.listing import list_below
from transform_emulator.moto.parts import read_parts
from transform_emulator.moto.resource_tags import keep_tags
from transform_emulator.moto.uploads import refuse_uploads

if TYPE_CHECKING:
    from _typeshed.wsgi import StartResponse, WSGIApplication, WSGIEnvironment

Method = TypeVar("Method", bound=Callable[..., Any])

_CURRENT: ContextVar[World | None] = ContextVar("world", default=None)

# What Python asks a type for rather than an object, so that `__getattribute__` is not asked.
BY_TYPE = ("__getitem__", "__setitem__", "__delitem__", "__iter__", "__len__", "__contains__")


class World:
    """What moto's services know in one emulator; entered by each thread for as long as it asks moto.

    Attributes:
        moto: Moto's server of all services, to be asked within the world.
    """

    def __init__(self) -> None:
        _divide()
        self._own: dict[int, BackendDict[Any]] = {}
        self._dispatcher = _Dispatcher()
        self.moto: WSGIApplication = self._dispatcher

    @contextmanager
    def inside(self) -> Iterator[None]:
        """Makes moto's data this world's within the block, for this thread."""
        token = _CURRENT.set(self)
        try:
            yield
        finally:
            _CURRENT.reset(token)

    def around(self, application: WSGIApplication) -> WSGIApplication:
        """Returns an application that answers within this world."""

        def answer(environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
            with self.inside():
                return application(environ, start_response)

        return answer

    def knows(self, environ: WSGIEnvironment) -> bool:
        """Returns whether there is a service for a request; moto prints on standard output that there is none."""
        host = self._dispatcher.infer_service_region_host(environ, environ["PATH_INFO"])
        return host is None or self._dispatcher.find_backend(host) is not None

    def forget(self) -> None:
        """Makes all as it was in the beginning."""
        with backend_lock:
            self._own = {}

    def own(self, shared: BackendDict[Any]) -> BackendDict[Any]:
        """Returns this world's data of a service, in place of those of the process."""
        with backend_lock:
            found = self._own.get(id(shared))
            if found is None:
                found = self._own[id(shared)] = _like(shared)
            return found


class _Dispatcher(DomainDispatcherApplication):
    """Moto's own, which looks through its folder of services for each request: for as long as all the rest takes."""

    def __init__(self) -> None:
        super().__init__(create_backend_app)
        self._modules = frozenset(list_of_moto_modules())
        self.find_backend = lru_cache(maxsize=256)(self._look_for_backend)

    def _look_for_backend(self, host: str) -> str | None:
        """The service that answers for a host, None for none."""
        if host in self._modules:
            return host
        return next((each for each, pattern in self.backend_url_patterns if pattern.match(f"http://{host}")), None)

    def get_backend_for_host(self, host: str | None) -> Any:
        """Returns what moto's does, with what was found before."""
        return (None if host is None else self.find_backend(host)) or super().get_backend_for_host(host)


class _Own(BackendDict[Any]):
    """A service's data in a world; moto's list of all data, which `mock_aws` empties, does not know it."""

    def _create_account_specific_backend(self, account_id: str) -> None:
        with backend_lock:
            if account_id not in dict.keys(self):
                self[account_id] = AccountSpecificBackend(
                    self.service_name, account_id, self.backend, self._use_boto3_regions, self._additional_regions
                )


def _like(shared: BackendDict[Any]) -> BackendDict[Any]:
    """An empty dictionary with what a service's own class adds to it, as S3's owners of buckets."""
    given = vars_of(shared)
    kind = type("Own", (_Own,) if type(shared) is BackendDict else (_Own, type(shared)), {})
    made: BackendDict[Any] = kind(
        given["backend"], given["service_name"], given["_use_boto3_regions"], given["_additional_regions"]
    )
    return made


def vars_of(shared: BackendDict[Any]) -> dict[str, Any]:
    """Returns the attributes of a dictionary itself, whoever asks."""
    found: dict[str, Any] = object.__getattribute__(shared, "__dict__")
    return found


def _seen(shared: BackendDict[Any]) -> BackendDict[Any]:
    """What a dictionary of moto's stands for in this thread."""
    world = _CURRENT.get()
    return shared if world is None or issubclass(type(shared), _Own) else world.own(shared)


def _divide() -> None:
    """Lets moto's dictionaries ask who is asking; once in a process."""
    if "__getattribute__" in vars(BackendDict):
        return
    for name in BY_TYPE:
        setattr(BackendDict, name, _redirected(getattr(BackendDict, name)))

    def attribute(self: BackendDict[Any], name: str) -> Any:
        return object.__getattribute__(_seen(self), name)

    def make(cls: type[BaseModel], *_: object, **__: object) -> BaseModel:
        # Moto lists every object ever made, and what is listed is never let go.
        instance = super(BaseModel, cls).__new__(cls)
        if _CURRENT.get() is None:
            cls.instances_tracked.append(instance)  # type: ignore[attr-defined]
        return instance

    answer_as_s3()
    list_below()
    tell_checksums()
    read_parts()
    keep_tags()
    refuse_uploads()
    setattr(BackendDict, "__getattribute__", attribute)  # noqa: B010
    # Moto's warns of each object that nobody closed by hand: here they end with the last who has them.
    setattr(FakeKey, "__del__", FakeKey.dispose)  # noqa: B010
    setattr(BaseModel, "__new__", staticmethod(make))  # noqa: B010


def within(method: Method) -> Method:
    """Returns a method that asks moto, of an object that has its world in `_world`; no generator."""

    @wraps(method)
    def asked(self: Any, *args: object) -> Any:
        with self._world.inside():
            return method(self, *args)

    return cast(Method, asked)


def _redirected(method: Callable[..., Any]) -> Callable[..., Any]:
    @wraps(method)
    def redirected(self: BackendDict[Any], *args: object) -> Any:
        return method(_seen(self), *args)

    return redirected

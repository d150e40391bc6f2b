"""Whether the servers that an emulator's models name by their URL are there: else jobs would wait for them in silence.

A job waits as the service does, up to half an hour, until GET /ping is answered with 200.
"""

from __future__ import annotations

import http.client
import socket
import ssl
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from urllib.parse import urlsplit

from batch_transform.config.runfile import RunConfig
from batch_transform.config.surroundings import url_of_server
from batch_transform.core.errors import ConfigurationError
from batch_transform.core.run_state import RunState
from batch_transform.pipeline.context import Clock

# Of a server that was started a moment ago.
GRACE_SECONDS = 5.0
_BETWEEN_SECONDS = 0.2
_ANSWER_SECONDS = 2.0
_OK, _CLIENT_ERRORS = 200, range(400, 500)


@dataclass(frozen=True)
class Pinged:
    """What came of GET /ping.

    Attributes:
        fault: why no job can use the server; '': nothing is known to be wrong with it.
        may_mend: whether it may be otherwise in a moment.
        note: what a person should know of a server that is there, but not ready; '': it is ready.
    """

    fault: str = ""
    may_mend: bool = False
    note: str = ""


def needs_model(recorded: RunState | None, *, retry_dead: bool) -> bool:
    """Returns whether a run may yet send records: once all is scored the model may be gone.

    Args:
        recorded: the run; None: it has not begun.
        retry_dead: whether its dead rows are to be sent again, which those of a published run are not.
    """
    return recorded is None or recorded.gate is None or (retry_dead and recorded.report is None)


def check_model_servers(
    config: RunConfig,
    clock: Clock,
    tell: Callable[[str], None] | None = None,
    ping: Callable[[str], Pinged] | None = None,
    *,
    waits: bool = True,
) -> None:
    """Asks the servers of the run's model that run already, and waits a moment for one that is not there.

    Args:
        config: of the run.
        clock: to wait by.
        tell: is told of a server that is there and not ready; None: nobody is.
        ping: asks the server at a URL; None: over the network.
        waits: whether for one that is not there; else it is told as it is.

    Raises:
        ConfigurationError: nobody is there, or it is no model's server; names every one.
    """
    until, faults = clock.monotonic() + (GRACE_SECONDS if waits else 0.0), []
    for name, url in _urls(config).items():
        found = (ping or pinged)(url)
        while found.fault and found.may_mend and clock.monotonic() < until:
            clock.sleep(_BETWEEN_SECONDS)
            found = (ping or pinged)(url)
        if found.fault:
            faults.append(f"emulator.models.{name}: {url}: {found.fault}")
        elif found.note and tell is not None:
            tell(f"emulator.models.{name}: {url}: {found.note}")
    if faults:
        raise ConfigurationError(faults)


def pinged(url: str) -> Pinged:
    """Returns what comes of GET /ping of a model's server."""
    parts = urlsplit(url)
    host, is_tls = parts.hostname or "", parts.scheme == "https"
    kind = http.client.HTTPSConnection if is_tls else http.client.HTTPConnection
    connection = kind(host, parts.port, timeout=_ANSWER_SECONDS)
    try:
        connection.connect()
    except ssl.SSLCertVerificationError as err:
        return Pinged(f"its certificate is not trusted here: {err.verify_message}")
    except (ssl.SSLError, ConnectionResetError):
        return Pinged("whoever listens there speaks no TLS; write http://")
    except socket.gaierror as err:
        return Pinged(f"no host {host} is known here ({err.strerror}); check the name")
    except OSError as err:
        why = "nobody listens there" if isinstance(err, ConnectionRefusedError) else f"cannot be reached ({err})"
        return Pinged(
            f"{why}. Start the model's server first, or give the port that it listens on, or a command that starts it: "
            "NAME=COMMAND",
            may_mend=True,
        )
    try:
        connection.request("GET", parts.path.rstrip("/") + "/ping")
        return _answered(connection.getresponse().status)
    except TimeoutError:
        return Pinged(note=f"has not answered GET /ping within {_ANSWER_SECONDS:g} s; {_WAITS}")
    except (http.client.HTTPException, OSError):
        tls = "" if is_tls else ", or write https:// if it speaks TLS"
        return Pinged(f"whoever listens there answers GET /ping with no HTTP; check the port{tls}", may_mend=True)
    finally:
        connection.close()


_WAITS = "a job waits until it answers 200, at most 30 minutes, as one of the service does"


def _answered(status: int) -> Pinged:
    if status == _OK:
        return Pinged()
    if status in _CLIENT_ERRORS:
        return Pinged(
            f"answers GET /ping with {status}. A model's server answers it with 200 and takes records at POST "
            "/invocations; if these have a path before them, give it with the URL",
            may_mend=True,
        )
    return Pinged(note=f"answers GET /ping with {status}; {_WAITS}")


def _urls(config: RunConfig) -> dict[str, str]:
    """The servers of the run's model by the names that the emulator knows them by: the model's, or its images'."""
    models: Mapping[str, str] = config.emulator.models if config.emulator is not None else {}
    parts = config.model.parts
    names = {config.model.name, *((part.image or part.package for part in parts.each) if parts is not None else ())}
    return {name: url for name in models if name in names and (url := url_of_server(models[name]))}

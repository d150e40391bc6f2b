"""Who may talk to a server on this machine: no web page of another origin, and no name that somebody points here.

A browser on this machine reaches 127.0.0.1 for whatever page it shows. What gives a page away is `Host` (the name that
was asked for, also where an attacker's DNS points it here), `Origin`, and `Sec-Fetch-Site`, none of which a page can
set. Pure rules on a request's head, before anything of it is read or done.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

if TYPE_CHECKING:
    from _typeshed.wsgi import StartResponse, WSGIApplication, WSGIEnvironment

LOOPBACK_NAMES = frozenset({"127.0.0.1", "localhost", "[::1]"})
NAME = r"(?:[a-z0-9_](?:[a-z0-9_-]*[a-z0-9_])?\.)*[a-z0-9_](?:[a-z0-9_-]*[a-z0-9_])?"
HOST = re.compile(rf"({NAME}|\[[0-9a-f:.]+\])(?::([0-9]{{1,5}}))?")
ALLOWED_NAME = re.compile(rf"(?:\*\.)?{NAME}|\[[0-9a-f:.]+\]")
ORIGIN = re.compile(rf"(https?)://({NAME}|\[[0-9a-f:.]+\])(?::([0-9]{{1,5}}))?")
DEFAULT_PORTS = {"http": "80", "https": "443"}
# What proxies say of the name that was asked for; of `Forwarded` the part host=.
PROXIES_NAMES = ("x-forwarded-host", "x-original-host")
FORWARDED_HOST = re.compile(r'host\s*=\s*"?([^;,"\s]+)', re.IGNORECASE)
PREFLIGHT_SECONDS = "600"

Head = Iterable[tuple[str, str]]


class DoorError(Exception):
    """A name or an origin that cannot be let in; the text says why."""


@dataclass(frozen=True)
class Doors:
    """What is let in besides this machine's own names and pages; made by `doors_for`.

    Attributes:
        hosts: Names, in lower case, without a port; `*.name` for all names below one.
        origins: Origins of pages, as browsers write them.
    """

    hosts: frozenset[str] = frozenset()
    origins: frozenset[str] = frozenset()

    def refusal(self, target: str, head: Head) -> str | None:
        """Returns why a request is refused, and what lets it in; None for one that is let in.

        Args:
            target: What the request line asks for: a path, or a whole URL.
            head: Its headers, each as often as it was sent.
        """
        named = _by_name(head)
        hosts = named.get("host", [])
        if len(hosts) != 1:
            return f"a request has one Host header, this one has {len(hosts)}"
        host = hosts[0].lower()
        if not self._is_host(host):
            return _unknown_host("Host", host)
        if not target.startswith("/") and target != "*" and _authority(target) != host:
            return "the request line asks for another host than the Host header does"
        for name, forwarded in _forwarded(named):
            if not self._is_host(forwarded):
                return _unknown_host(name, forwarded)
        return self._refused_page(host, named)

    def cors(self, head: Head, answered: Iterable[str]) -> dict[str, str]:
        """Returns the headers that let a page of a named origin read an answer with these; none for anybody else."""
        origin = _one(_by_name(head), "origin") if self.origins else ""
        if origin not in self.origins:
            return {"Vary": "Origin"} if self.origins else {}
        exposed = ", ".join(sorted(set(answered)))
        return _granted(origin) | ({"Access-Control-Expose-Headers": exposed} if exposed else {})

    def preflight(self, method: str, head: Head) -> dict[str, str] | None:
        """Returns the headers that answer a browser's question before a request; None for a request that is none."""
        named = _by_name(head)
        asked, origin = _one(named, "access-control-request-method"), _one(named, "origin")
        if method != "OPTIONS" or not asked or origin not in self.origins:
            return None
        answer = _granted(origin) | {"Access-Control-Allow-Methods": asked, "Access-Control-Max-Age": PREFLIGHT_SECONDS}
        headers = ", ".join(named.get("access-control-request-headers", []))
        if headers:
            answer["Access-Control-Allow-Headers"] = headers
        if _one(named, "access-control-request-private-network") == "true":
            answer["Access-Control-Allow-Private-Network"] = "true"
        return answer

    def bucket_of(self, host: str) -> str | None:
        """Returns the bucket that a host names in virtual-host style: `data` for data.localhost:5000; None for none."""
        found = HOST.fullmatch(host.lower())
        above = None if found is None else self._name_above(found[1])
        return None if found is None or above is None else found[1].removesuffix(above)

    def _is_host(self, host: str) -> bool:
        found = HOST.fullmatch(host)
        if found is None:
            return False
        return found[1] in LOOPBACK_NAMES | self.hosts or self._name_above(found[1]) is not None

    def _name_above(self, name: str) -> str | None:
        """The end of a name below one all of whose names are let in, with its dot."""
        above = (".localhost", *(allowed[1:] for allowed in self.hosts if allowed.startswith("*.")))
        return next((end for end in above if name.endswith(end)), None)

    def _refused_page(self, host: str, named: Mapping[str, Sequence[str]]) -> str | None:
        origins = named.get("origin", [])
        if len(origins) > 1:
            return f"a request has one Origin header, this one has {len(origins)}"
        if origins and origins[0] in self.origins:
            return None
        own = _without_default_port("http", f"http://{host}")
        if origins and _without_default_port("http", origins[0].lower()) != own:
            return f"pages of {origins[0]!r} may not talk to the emulator; --allow-origin names those that may"
        if any(site.lower() == "cross-site" for site in named.get("sec-fetch-site", [])):
            return "a page of another site sent it (Sec-Fetch-Site); --allow-origin names those that may"
        return None


def doors_for(hosts: Iterable[str], origins: Iterable[str]) -> Doors:
    """Returns the doors for names and origins as a user writes them.

    Raises:
        DoorError: One of them is none.
    """
    return Doors(frozenset(map(_allowed_host, hosts)), frozenset(map(_allowed_origin, origins)))


def behind_doors(application: WSGIApplication) -> WSGIApplication:
    """Returns a model server's application, for which the emulator alone asks, by an address of this machine."""

    def answer(environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
        head = [(name[5:].replace("_", "-"), value) for name, value in environ.items() if name.startswith("HTTP_")]
        if Doors().refusal("/", head) is None:
            return application(environ, start_response)
        start_response("403 Forbidden", [("Content-Type", "text/plain; charset=utf-8")])
        return [b"only the emulator of this machine asks this model\n"]

    return answer


def _granted(origin: str) -> dict[str, str]:
    return {"Access-Control-Allow-Origin": origin, "Vary": "Origin"}


def _by_name(head: Head) -> dict[str, list[str]]:
    named: dict[str, list[str]] = {}
    for name, value in head:
        named.setdefault(name.strip().lower(), []).append(value.strip())
    return named


def _one(named: Mapping[str, Sequence[str]], name: str) -> str:
    values = named.get(name, [])
    return values[0] if len(values) == 1 else ""


def _authority(target: str) -> str:
    try:
        return urlsplit(target).netloc.lower()
    except ValueError:
        return ""


def _forwarded(named: Mapping[str, Sequence[str]]) -> Iterable[tuple[str, str]]:
    """What proxies on the way say that the client asked for, in lower case, with the header's name."""
    for name in PROXIES_NAMES:
        for value in named.get(name, []):
            yield from ((name, host.strip().lower()) for host in value.split(","))
    for value in named.get("forwarded", []):
        yield from (("forwarded", host.lower()) for host in FORWARDED_HOST.findall(value))


def _unknown_host(header: str, host: str) -> str:
    return f"the emulator does not answer to the name {host!r} ({header}); --allow-host names others than localhost"


def _without_default_port(scheme: str, origin: str) -> str:
    return origin.removesuffix(f":{DEFAULT_PORTS[scheme]}") if origin.startswith(f"{scheme}://") else origin


def _allowed_host(text: str) -> str:
    name = text.strip().lower()
    if not ALLOWED_NAME.fullmatch(name):
        raise DoorError(
            f"--allow-host {text!r} is not a name without a port, as emulator.internal or *.emulator.internal"
        )
    return name


def _allowed_origin(text: str) -> str:
    origin = text.strip().lower()
    found = ORIGIN.fullmatch(origin)
    if found is None:
        raise DoorError(
            f"--allow-origin {text!r} is not one origin, as http://localhost:3000: a scheme, a name, a port"
        )
    return _without_default_port(found[1], origin)

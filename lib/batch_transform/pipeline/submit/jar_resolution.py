"""Says in one line what Ivy says of jars in a hundred and more; a filter over what spark-submit writes.

Neither Ivy nor Spark has a setting with which they say less (`DefaultMessageLogger`; `MavenUtils` of Spark 3.5 and 4).
Only what is known is left out, and only if all is well: at a line that is unknown, or if spark-submit ends in the
middle of it, all of it is shown. What it says in the end of jars that are not to be had gets a remedy in place of its
stack of Java.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence
from itertools import chain

from batch_transform.core.amounts import counted
from batch_transform.core.progress.event_lines import plain
from batch_transform.outputs.registry import output_formats

_BEGIN = b":: loading settings ::"
RESOLVING = b":: resolving dependencies ::"  # which is said only where there are jars to be resolved
_EXPECTED = re.compile(
    b"|".join(
        [
            rb":: (loading settings|resolving dependencies|resolution report|retrieving) ::",
            rb"Ivy Default Cache set to: ",
            rb"The jars for the packages stored in: ",
            rb"\S+ added as a (dependency|remote repository with the name: )",
            rb"downloading https?:",
            rb"\tconfs: ",
            rb"\tfound \S+ in ",
            rb"\t\[SUCCESSFUL ",
            rb"\t:: (modules in use|evicted modules):",
            rb"\t\S+ (from|by) .*in \[",
            rb"\t(-+$|\|)",
        ]
    )
)
_DONE = re.compile(rb"\t(\d+) artifacts copied, (\d+) already retrieved")
_ADDED = re.compile(rb"(\S+)#(\S+) added as a dependency")
_LACKING = re.compile(rb'Exception in thread "main" java\.lang\.RuntimeException: \[((?:unresolved|download).*)\]')
_COORDINATE = re.compile(rb"([\w.-]+)#([\w.-]+);([\w.-]+\w)")


def told(lines: Iterable[bytes]) -> Iterator[bytes]:
    """Yields the lines of spark-submit, with one in place of those of a resolution that succeeds.

    The first time, when jars are fetched, another one says so before.
    """
    following = iter(lines)
    for line in following:
        if line.startswith(_BEGIN):
            yield from _explained(chain(_resolution(line, following), following))
            return
        yield line


def _resolution(first: bytes, following: Iterator[bytes]) -> Iterator[bytes]:
    kept, fetches = [first], False
    for line in following:
        if done := _DONE.match(line):
            yield _said(f"resolved {counted(sum(map(int, done.groups())), 'jar')} for {_purpose(kept)}")
            return
        kept.append(line)
        if not _EXPECTED.match(line):
            break
        if line.startswith(b"downloading ") and not fetches:
            fetches = True
            yield _said(f"fetching the jars for {_purpose(kept)}, which takes a while, once")
    yield from kept


def _explained(lines: Iterable[bytes]) -> Iterator[bytes]:
    """Yields the lines; behind the error that has ended a resolution its remedy, and no stack."""
    is_told = False
    for line in lines:
        is_told = is_told and line.startswith((b"\tat ", b"    at "))
        if not is_told:
            yield line
        if found := _LACKING.match(line):
            names = dict.fromkeys(b":".join(parts).decode() for parts in _COORDINATE.findall(found[1]))
            yield _said(f"not to be had: {', '.join(names)}; {_REMEDY}")
            is_told = True


_REMEDY = (
    "is Maven Central reached from here, and has it this version? If another spark-submit was fetching jars meanwhile, "
    "start again. Else give the jars as files, --jars; a folder of ~/.m2/repository that has a .pom without its .jar "
    "has to go"
)


def _purpose(lines: Sequence[bytes]) -> str:
    """What the jars are for, by those that were asked for."""
    added = [found.groups() for found in map(_ADDED.match, lines) if found]
    return ", ".join(dict.fromkeys(_name(group.decode(), module.decode()) for group, module in added))


def _name(group: str, module: str) -> str:
    for format in output_formats().values():
        if group in format.packages.groups:
            return format.can.title
    return "S3" if group in ("software.amazon.awssdk", "com.amazonaws") or module == "hadoop-aws" else module


def _said(text: str) -> bytes:
    return plain("jars", text).encode()

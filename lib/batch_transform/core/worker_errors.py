"""What is told of an error of Python's, as a user's function raises it in a worker: by its form, and never with a row.

Anybody may raise any class with any words. So of these only what has the form of the interpreter's own or of a
library's fixed words is told, and none of what was given to a call: a path, an URL, a parameter.
"""

from __future__ import annotations

import errno
import re

from batch_transform.core.aws_partitions import DOMAINS, DUAL_STACK_DOMAINS
from batch_transform.core.stack_traces import Link

LEFT_OUT = " (what it says may quote a row, and is left out)"
CONDITION = re.compile(r"\s*\[([A-Z][A-Z0-9_]*(?:\.[A-Z0-9_]+)*)\]")
_DOTTED = r"[^\W\d]\w*(?:\.[^\W\d]\w*)*"
_IMPORTS = re.compile(
    rf"No module named '{_DOTTED}'(?:; '{_DOTTED}' is not a package)?|cannot import name '[^\W\d]\w*' from "
    rf"(?:partially initialized module )?'{_DOTTED}'|lib[\w.+-]+\.so(?:\.\d+)*: cannot open shared object file"
)
_OF_AWS = re.compile(
    r"An error occurred \([\w.]+\) when calling the \w+ operation(?: \(reached max retries: \d+\))?"
    r"|Unable to locate credentials|You must specify a region|Could not connect to the endpoint URL"
    r"|(?:Connect|Read) timeout on endpoint URL|SSL validation failed"
    r"|Connection was closed before we received a valid response from endpoint URL"
)
# The service and the region, or the address, that an endpoint is set to; a bucket's name before it and a key are not.
_ENDPOINT = re.compile(
    r'"https?://(?:[^/"]*?\.)??((?:[a-z][a-z0-9-]*\.(?:dualstack\.)?[a-z]{2,4}(?:-[a-z]+)+-\d\.'
    rf"(?:{'|'.join(map(re.escape, (*DOMAINS, *DUAL_STACK_DOMAINS)))})|[\d.]+|localhost)"
    r'(?::\d+)?)[/"?]'
)
# Of the system, and no library's, as botocore's EndpointConnectionError is.
_OS_CLASSES = re.compile(r"(?:OSError|\w*(?:File|Directory|Connection|Pipe|Permission|Timeout|Process)\w*Error)$")
_ERRNO = re.compile(r"\[Errno (\d+)\]")
# As Linux says it; of any other number its name is told.
_OS_WORDS = {
    errno.EACCES: "Permission denied",
    errno.ECONNREFUSED: "Connection refused",
    errno.ECONNRESET: "Connection reset by peer",
    errno.EDQUOT: "Disk quota exceeded",
    errno.EEXIST: "File exists",
    errno.EHOSTUNREACH: "No route to host",
    errno.EIO: "Input/output error",
    errno.EISDIR: "Is a directory",
    errno.EMFILE: "Too many open files",
    errno.ENETUNREACH: "Network is unreachable",
    errno.ENOENT: "No such file or directory",
    errno.ENOMEM: "Cannot allocate memory",
    errno.ENOSPC: "No space left on device",
    errno.ENOTDIR: "Not a directory",
    errno.EPERM: "Operation not permitted",
    errno.EPIPE: "Broken pipe",
    errno.EROFS: "Read-only file system",
    errno.ETIMEDOUT: "Connection timed out",
}
# Of what no answer or no connection can be the reason; of others of these libraries what was given to a call is.
PASSING = (
    r"^batch_transform\.|^(?:\w*\.)?(?:MemoryError|OSError|IOError|ConnectionError|TimeoutError|BrokenPipeError"
    r"|ConnectionResetError|ConnectionRefusedError)$"
    r"|^botocore\.(?:errorfactory\.\w+|parsers\.ResponseParserError|exceptions\.(?:Client|HTTPClient|Connection"
    r"|EndpointConnection|ProxyConnection|ConnectionClosed|ConnectTimeout|ReadTimeout|SSL|ResponseStreaming|EventStream"
    r"|IncompleteRead|Checksum|FlexibleChecksum|MetadataRetrieval|CredentialRetrieval|TokenRetrieval|NoCredentials"
    r"|PartialCredentials|UnauthorizedSSOToken|SSOTokenLoad|Waiter)Error)$"
    r"|^urllib3\.exceptions\.(?:(?:MaxRetry|NewConnection|NameResolution|ConnectTimeout|ReadTimeout|Timeout|Protocol"
    r"|Proxy|SSL|HTTP|Pool|ClosedPool|EmptyPool|FullPool|Request|Response)Error|IncompleteRead|InvalidChunkLength)$"
)


def words_of(link: Link) -> str:
    """Returns what is told of an error of Python's: its class, its place, and of its words those that have no row."""
    if link.name.startswith("batch_transform."):  # of ours, which says where and why itself
        return link.text.strip()
    at = "" if link.place == "Python" else f" at {link.place}"
    told = simple(link.name)
    if known := _known(link):
        return f"{told}: {known}{at}"
    if link.name == "MemoryError" or _OS_CLASSES.match(link.name):  # which are their own reason
        return f"{told}{at}"
    condition = CONDITION.match(link.text) if link.name.startswith("pyspark.") else None
    return f"{told}{f' [{condition[1]}]' if condition else ''}{at}{LEFT_OUT}"


def _known(link: Link) -> str:
    """The words of an error that are of a form that has no row; "": there are none."""
    if link.name in ("ImportError", "ModuleNotFoundError") and link.is_imported:
        # Python says behind it in which file it looked.
        found = re.fullmatch(rf"({_IMPORTS.pattern})(?: \([^'\"]*\)|: No such file or directory)?", link.text.strip())
        return found[1] if found else ""
    if link.name.startswith("botocore."):
        said, endpoint = _OF_AWS.match(link.text), _ENDPOINT.search(link.text)
        of = f" of {endpoint[1]}" if endpoint and said and said[0].endswith("URL") else ""
        return f"{said[0]}{of}" if said else ""
    if link.name.startswith("urllib3.") or _OS_CLASSES.match(link.name):
        return _of_system(link)
    return ""


def _of_system(link: Link) -> str:
    """What the system says to the number of an error, which a library may have wrapped."""
    number = (_ERRNO.search if link.name.startswith("urllib3.") else _ERRNO.match)(link.text)
    code = int(number[1]) if number else 0
    if code not in errno.errorcode:
        return ""
    return f"[Errno {code}] {_OS_WORDS.get(code, errno.errorcode[code])}"


def simple(name: str) -> str:
    """Returns the name of a class without its package."""
    return name.rpartition(".")[2]

"""Where rows come from and where results go, as a run file names them."""

from __future__ import annotations

import re

from batch_transform.core.limits import MAX_RUN_ID_CHARACTERS
from batch_transform.core.object_names import is_mapped
from batch_transform.core.secret_values import is_secret_name
from batch_transform.core.uris import arn_fault, workspace_fault

_SCHEME = re.compile(r"([a-zA-Z][a-zA-Z0-9+.-]*):")
_BUCKET = re.compile(r"[a-z0-9][a-z0-9.-]{1,61}[a-z0-9]")  # S3 user guide, bucket naming rules
_S3_SCHEMES = ("s3", "s3a", "s3n")
# What stands before an @ in front of a host. A secret may have a slash in it (`s3a://KEY:SEC/RET@bucket`), but what
# follows a colon and is a number is a port; Oracle's form has no slashes before it.
_USER = re.compile(
    r"://(?:[^/?#@\s]*@|(?!\[)[^/?#@\s:]*:(?!\d*(?:[/?#\s]|$))[^@\s]*@)|jdbc:oracle:\w{1,64}:[^@/\s]{1,256}/[^@\s]*@"
    # Without a scheme it takes a password to tell a user from a folder's name.
    r"|(?<![^\s\"'`=(,;|])//(?!\[)[^/?#@\s:]+:(?!\d*(?:[/?#\s]|$))[^@\s]*@",
    re.IGNORECASE,
)
WITH_USER = "has a user, and perhaps a password, in front of an address's host (before the @)"
# In Azure's that is the container.
_CONTAINER = re.compile(r"\b((?:abfs|wasb)s?://)[^/?#@:\s]+@", re.IGNORECASE)
# Behind a #, a browser's answer has them.
_PARAMETER = re.compile(r"[?&;#]([^=?&;#\s]+)=[^&;#\s]")
# OAuth's name for it behind a #, by which even an address without a scheme is known as one.
_FRAGMENT = re.compile(r"[#&](\w*token)=[^&#\s]", re.IGNORECASE)
# An address within a text, up to the next one. A scheme has an end here, or each character of a long text would be
# looked at as the first of one that reaches to the text's end.
_WITHIN = re.compile(r"([a-zA-Z][a-zA-Z0-9+.-]{0,30})://(?:(?![a-zA-Z][a-zA-Z0-9+.-]{0,30}://)[^\s\"'`<>])*")
# Of schemes whose paths have no parameters; a `?` stands for any character in them.
_PLAIN = (*_S3_SCHEMES, "", "file", "hdfs", "dbfs", "package")


def scheme_of(location: str) -> str:
    """Returns the scheme of a location in lower case; '' for a plain path."""
    match = _SCHEME.match(location)
    return match.group(1).lower() if match else ""


def is_s3(location: str) -> bool:
    """Returns whether a location is on S3; an ARN is meant to be, and is refused as one."""
    return scheme_of(location) in (*_S3_SCHEMES, "arn")


def _check_no_arn(location: str) -> None:
    if (fault := arn_fault(location)) is not None:
        raise ValueError(fault)


def secret_in_url(url: str) -> str | None:
    """Returns which secret an address, or a text with addresses in it, has inside, in words that do not repeat it."""
    url = _CONTAINER.sub(r"\1", url)
    words = url.split()
    # What follows the last @ cannot make a user, and is not looked at, from each // anew.
    if any(_USER.search(word[: word.rfind("@") + 1]) for word in words if "@" in word):
        return WITH_USER
    whole = [] if scheme_of(url) in _PLAIN else [url]
    addresses = [found.group() for found in _WITHIN.finditer(url) if found.group(1).lower() not in _PLAIN]
    found = [name for text in (*whole, *addresses) for name in _PARAMETER.findall(text) if is_secret_name(name)]
    fragments = (word[word.index("#") :] for word in words if "#" in word)
    found += [name for fragment in fragments for name in _FRAGMENT.findall(fragment)]
    names = dict.fromkeys(found)
    return f"has a secret in an address: {', '.join(names)}" if names else None


def check_no_secret(url: str) -> str:
    """Returns an address, or a path, with no secret inside: it is stored, told and repeated in commands.

    Raises:
        ValueError: it has one; the end of a sentence, which does not repeat it.
    """
    if (found := secret_in_url(url)) is not None:
        raise ValueError(f"{found}, which would be stored and shown; leave it out, and give it where it is kept")
    return url


def check_location(location: str) -> str:
    """Returns a location that is not empty and has no control characters, and no secret inside."""
    check_no_secret(location)
    _check_no_arn(location)
    if not location.strip():
        raise ValueError("is empty; name a place")
    if any(ord(character) < 32 for character in location):
        raise ValueError(f"is {location!r}; it has control characters; name a place without")
    return location


def check_target(location: str) -> str:
    """Returns a location that can be written to."""
    check_location(location)
    if scheme_of(location) == "package":
        raise ValueError(f"is {location!r}; a Python package can only be read; name another place to write to")
    return as_hadoop(location).rstrip("/") or location


def as_hadoop(location: str) -> str:
    """Returns a location on S3 as Hadoop takes it, without empty and dot segments, so that who reads it finds it there.

    To S3 itself `a//b` is another key than `a/b`, and no path of Spark's leads to it. Any other stays as it is.
    """
    if not is_s3(location):
        return location
    scheme, separator, rest = location.partition("://")
    bucket, *names = rest.split("/")
    parts: list[str] = []
    for name in names:
        if name == "..":
            del parts[-1:]
        elif name not in ("", "."):
            parts.append(name)
    return f"{scheme}{separator}{'/'.join((bucket, *parts))}"


def check_run_id(run_id: str) -> str:
    """Returns a run id that a person can read, and that with a workspace before it still tells where the id begins."""
    if len(run_id) > MAX_RUN_ID_CHARACTERS:
        raise ValueError(f"has {len(run_id)} characters; the limit is {MAX_RUN_ID_CHARACTERS}")
    if not run_id or not run_id.isprintable() or "/" in run_id or run_id != run_id.strip():
        raise ValueError(f"is {run_id!r}; valid: printable characters, no '/', no blank at either end")
    if is_mapped(run_id):
        raise ValueError(
            f"is {run_id!r}, which is how the folder of a run is named; give the id that it was begun with"
        )
    return run_id


def check_run(run: str) -> str:
    """Returns a run's folder on S3, without a final slash, or a run id."""
    check_no_secret(run)
    if is_s3(run):
        folder = check_workspace(run)
        if "/" not in folder.removeprefix("s3://"):
            raise ValueError(f"is {run!r}; valid: a run's folder, s3://bucket/prefix/run_id")
        return folder
    if "/" in run or not run.strip():
        raise ValueError(f"is {run!r}; valid: a run id of this workspace, or a run's folder, s3://bucket/prefix/run_id")
    return run


def check_workspace(location: str) -> str:
    """Returns `s3://bucket[/prefix]` without a final slash; `s3a://` is taken for `s3://`.

    Raises:
        ValueError: it has a secret inside, it is not on S3, the bucket's name is invalid, or the prefix has empty or
            dot segments.
    """
    check_no_secret(location)
    _check_no_arn(location)
    scheme, _, rest = location.partition("://")
    bucket, _, prefix = rest.rstrip("/").partition("/")
    if scheme not in _S3_SCHEMES or not _BUCKET.fullmatch(bucket):
        raise ValueError(
            f"is {location!r}; valid: s3://BUCKET or s3://BUCKET/PREFIX, "
            "a bucket's name having 3 to 63 lower-case letters, digits, dots and hyphens"
        )
    if prefix and any(segment in ("", ".", "..") for segment in prefix.split("/")):
        raise ValueError(f"is {location!r}; the prefix has an empty, '.' or '..' segment; leave it out")
    return f"s3://{bucket}/{prefix}" if prefix else f"s3://{bucket}"


def check_new_workspace(location: str) -> str:
    """Returns what `check_workspace` does, of a bucket in which a run can be."""
    workspace = check_workspace(location)
    if (fault := workspace_fault(workspace)) is not None:
        raise ValueError(fault)
    return workspace

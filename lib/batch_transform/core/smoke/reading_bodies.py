"""What was sent of an object, and what became of an answer, read from outputs."""

from __future__ import annotations

from batch_transform.core.smoke import experiments as smoke
from batch_transform.core.smoke.findings import Findings, NotTold, Told, other, yes

_GZIP_MAGIC = b"\x1f\x8b"
_NEAR = 2 * 100  # a body ends with a whole line


def bytes_per_mb(found: Findings) -> Told:
    """By the first of the bodies that an object of 1.1 MB is cut into, in lines of 100 bytes."""
    sizes = [seen.bytes for seen in found.job(smoke.PAYLOAD).told("packed")]
    evidence = f"MaxPayloadInMB 1: an object of 1,100,000 bytes in lines of 100 was sent in bodies of {sizes} bytes"
    for size in (smoke.BINARY_MB, smoke.DECIMAL_MB):
        if len(sizes) > 1 and 0 <= size - sizes[0] < _NEAR:
            return Told(str(size), (evidence,))
    return other(evidence)


def payload_limit_inclusive(found: Findings) -> Told:
    """By a record of exactly one MB, as the service counts it."""
    per_mb = bytes_per_mb(found)
    if per_mb.value is None:
        raise NotTold("what MaxPayloadInMB counts in is not told, so no record is known to be of exactly one MB")
    name = "exact-binary" if per_mb.value == str(smoke.BINARY_MB) else "exact-decimal"
    job = found.job(smoke.PAYLOAD)
    is_scored = job.output(name) is not None
    how = "was scored" if is_scored else f"was not: {job.failure(name) or job.ending}"
    return yes(is_scored, f"MaxPayloadInMB 1: a record of {per_mb.value} bytes {how}")


def payload_zero(found: Findings) -> Told:
    """By the lines of the bodies of an object of three lines."""
    lines = [seen.lines for seen in found.job(smoke.ZERO).told("three")]
    evidence = f"MaxPayloadInMB 0, MultiRecord: an object of 3 lines was sent in bodies of {lines} lines"
    return yes(lines == [3], evidence) if lines in ([3], [1, 1, 1]) else other(evidence)


def absent_content_type(found: Findings) -> Told:
    """By the header of a job without ContentType."""
    kinds = {seen.content_type for seen in found.job(smoke.ZERO).told("three")}
    evidence = f"without ContentType the model saw a Content-Type of {', '.join(sorted(map(repr, kinds)))}"
    return yes(kinds == {""}, evidence) if kinds in ({""}, {None}) else other(evidence)


def blank_lines(found: Findings) -> Told:
    """By the requests for an object of two lines with a blank one between them."""
    heads = [seen.head for seen in found.job(smoke.RECORDS).told("blank")]
    evidence = f"SplitType Line, SingleRecord: 'first', a blank line and 'last' were sent as {heads}"
    told = [head.strip() for head in heads]
    return yes(len(told) == 3, evidence) if told in (["first", "last"], ["first", "", "last"]) else other(evidence)


def folder_markers(found: Findings) -> Told:
    """By the outputs of a prefix below which a key ends with a slash."""
    job = found.job(smoke.SHARDS)
    marked = [name for name in job.outputs if "marker" in name]
    is_scored = bool(marked) or bool(job.failure("marker/"))
    if not job.outputs:
        raise NotTold(f"{job.name}: nothing of it was scored: {job.ending}")
    return yes(is_scored, f"S3Prefix: the key marker/ has as outputs {marked}; the job is {job.ending}")


def manifest_folders(found: Findings) -> Told:
    """By the output of a manifest's entry with a slash."""
    job = found.job(smoke.ANSWERS)
    names = [name for name in job.outputs if "kept" in name]
    evidence = f"the manifest's entry folder/kept has as outputs {names}"
    if not names:
        raise NotTold(f"{job.name}: {evidence}; the job is {job.ending}")
    is_whole, is_base = names == ["folder/kept.out"], names == ["kept.out"]
    return yes(is_whole, evidence) if is_whole or is_base else other(evidence)


def empty_object(found: Findings) -> Told:
    """By the output of an object of no bytes."""
    job = found.job(smoke.ANSWERS)
    output, failure = job.output("empty"), job.failure("empty")
    if output is not None:
        evidence = f"an object of 0 bytes has an output of {len(output)} bytes"
        return yes(False, evidence) if not output.strip() else other(evidence, f"it begins with {output[:200]!r}")
    evidence = f"an object of 0 bytes has no output; the data log says of it: {failure or 'nothing'}"
    return yes(True, evidence) if failure else other(evidence, f"the job is {job.ending}")


def newline(found: Findings) -> Told:
    """By the end of the output of an answer that ends with a newline."""
    job = found.job(smoke.ANSWERS)
    job.told("newline")
    output = job.output("newline") or b""
    ends = len(output) - len(output.rstrip(b"\n"))
    evidence = f"AssembleWith Line: an answer that ends with one newline has an output that ends with {ends}"
    return yes(ends == 1, evidence) if ends in (1, 2) else other(evidence)


def gzip_answers(found: Findings) -> Told:
    """By the first bytes of the output of an answer in gzip."""
    job = found.job(smoke.ANSWERS)
    output = job.output("gzip")
    if output is None:
        raise NotTold(f"{job.name}: gzip was not scored: {job.failure('gzip') or job.ending}")
    if output.startswith(_GZIP_MAGIC):
        return yes(False, "an answer with Content-Encoding gzip is in its output as it was")
    asked = job.told("gzip")[0].zipped
    return yes(True, f"an answer with Content-Encoding gzip is in its output unpacked; gzip was asked for: {asked}")

"""Publishes files that Spark wrote elsewhere; every step may be repeated, so it resumes from anywhere.

Promised: once `publish` has returned, each row is in the output once, whatever was killed on the way, and `_SUCCESS` is
never there while a file is missing. Not promised: that a reader who ignores `_SUCCESS` sees all or nothing.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Mapping, Sequence

from batch_transform.core.amounts import counted
from batch_transform.core.errors import ConfigurationError, ServiceFailure
from batch_transform.core.object_names import is_data_file, is_leftover
from batch_transform.core.object_store import StoreFailure
from batch_transform.core.publishing.file_publication import (
    Kind,
    Mode,
    Publication,
    PublishedFile,
    TreeFile,
    lost_sources,
    plan_publication,
    refuse_target,
)
from batch_transform.core.publishing.other_tables import file_of_buckets, other_table
from batch_transform.outputs.claims import OWNER, claim, give_back, refuse_claim_of_others
from batch_transform.outputs.file_tree import TEMPORARY_SUFFIX, THREADS, Tree, in_threads
from batch_transform.outputs.registry import log_folders, output_formats

SUCCESS = "_SUCCESS"

Permit = Callable[[], None]


def _always() -> None:
    """Permits a copy without asking for a lease: a check changes nothing."""


def check_target(mode: Mode, target: Tree, partition_by: Sequence[str], run_id: str) -> None:
    """Checks an output before any work, as `check_held`, and that it can be written."""
    names = check_held(mode, target, partition_by, run_id)
    check_writable(target, removed=_deleted(mode, names))


def check_held(mode: Mode, target: Tree, partition_by: Sequence[str], run_id: str) -> list[str]:
    """Returns the names of the files in an output. Not for a run whose publication is recorded: its own are there.

    Raises:
        ConfigurationError: mode `error` and there are data files or the claim of a run of another `run_id`, other
            partition columns, a table that commits or one in buckets, something else beside or in place of a table,
            or it cannot be listed.
    """
    try:
        names = [file.name for file in target.list()]
        refuse_others(target.location, names)
        refuse_target(mode, target.location, names, partition_by)
        _refuse_buckets(target.location, names)
        if mode == "error" and OWNER in names:
            refuse_claim_of_others(target, run_id)
    except StoreFailure as err:
        raise _unwritable(f"output: {target.location}", err) from err
    return names


def _refuse_buckets(target: str, names: Iterable[str]) -> None:
    """Refuses the folder of a table in buckets: with any other file in it, nobody reads that by its name any more."""
    if (found := file_of_buckets(names)) is not None:
        raise ConfigurationError(
            f"output: {target} holds {found}, of a table in buckets (bucketBy), which a catalog reads by the names of "
            "its files and not at all with others there; write to another place"
        )


def _deleted(mode: Mode, names: Iterable[str]) -> list[str]:
    """What publishing will delete of what is there; which partitions are written is not known yet."""
    is_all = mode == "overwrite"
    return [name for name in names if name == SUCCESS or (is_all and (is_data_file(name) or is_leftover(name)))]


def check_writable(target: Tree, named: str = "", removed: Iterable[str] = ()) -> None:
    """Checks that a place can be written.

    Args:
        target: the place.
        named: its key and location, if it is no output.
        removed: files in it that are to be deleted.

    Raises:
        ConfigurationError: it cannot, or one of these could not be deleted.
    """
    try:
        target.check_writable(removed)
    except StoreFailure as err:
        raise _unwritable(named or f"output: {target.location}", err) from err


def _unwritable(named: str, why: StoreFailure) -> ConfigurationError:
    return ConfigurationError(f"{named} cannot be written: {why}; see that it may be, or name another place")


def _refuse_table(target: str, names: Sequence[str]) -> None:
    """Refuses a table of a format that commits: files put into it would be invisible or destroy it."""
    for folder, other in log_folders().items():
        if any(name.startswith(f"{folder}/") for name in names):
            remedy = f"set output.format: {other.name}" if other.name in output_formats() else "name another place"
            told = f"output: {target} is a {other.title} table; files put into it would be invisible or destroy it"
            raise ConfigurationError(f"{told} ({remedy})")


def refuse_others(target: str, names: Sequence[str]) -> None:
    """Raises ConfigurationError for a table that commits, and for others' things, which an overwrite would delete."""
    _refuse_table(target, names)
    found = other_table(names, output_formats(), log_folders())
    if found is not None:
        raise ConfigurationError(
            f"output: {target} holds {found}, which is of no table of files there: it would be read with this one, and "
            f"an overwrite would delete it; name a folder of its own, as {target.rstrip('/')}_scored, or move it away"
        )


def publication_of(
    kind: Kind,
    mode: Mode,
    source: Tree,
    target: Tree,
    merged: Iterable[TreeFile],
    run_id: str,
    nonce: str,
    merges_lost: int = 0,
) -> Publication:
    """Returns the publication to be recorded in the ledger before `publish`; in mode `error` the output is claimed.

    The claim comes before the listing, so that of two runs only one can find the output empty.

    Raises:
        ConfigurationError: the output cannot take the files, or another run has claimed it.
    """
    if mode == "error":
        claim(target, run_id, nonce)
    try:
        found = list(target.list())
        names = [file.name for file in found]
        # All is paid by now: what hinders nobody, as another writer's file where nothing is deleted, ends nothing.
        (_refuse_table if mode == "append" else refuse_others)(target.location, names)
        return plan_publication(kind, mode, source.location, target.location, run_id, nonce, merged, found, merges_lost)
    except ConfigurationError:
        give_back(mode, target)
        raise


def publish(
    publication: Publication, source: Tree, target: Tree, threads: int = THREADS, permit: Permit = _always
) -> None:
    """Carries out a recorded publication, or what is left of it, and deletes the sources.

    Args:
        publication: what to do.
        source: where the merged files lie.
        target: the output.
        threads: how many files are copied at once.
        permit: called before each change; raises if this driver may make none any more.

    Raises:
        ServiceFailure: a source is gone or another one, or the output is not what was written.
        LedgerFenced: as `permit` says.
    """
    _check_roots(source.location, target.location)

    def copy(file: PublishedFile) -> None:
        permit()
        target.copy_in(source, _listed(file), file.target)

    def put(name: str, body: bytes) -> None:
        permit()
        target.put(name, body)

    def delete(names: Iterable[str]) -> None:
        permit()
        target.delete(names)

    present = {file.name: file.size_bytes for file in target.list()}
    if not _is_complete(publication, present):
        delete([SUCCESS, *_abandoned(publication, present)])
        in_threads(copy, [file for file in publication.files if present.get(file.target) != file.size_bytes], threads)
        delete(publication.remove)
        _verify(publication, target)
        put(publication.marker, marker_document(publication))
        put(SUCCESS, b"")
    if publication.mode == "error":
        delete([OWNER])
    permit()
    source.clear()


def missing(publication: Publication, source: Tree, target: Tree) -> list[str]:
    """Returns the merged files without which a recorded publication cannot be carried out any more."""
    present = list(target.list())
    if _is_complete(publication, {file.name: file.size_bytes for file in present}):
        return []
    return lost_sources(publication, present, source.list())


def marker_document(publication: Publication) -> bytes:
    """Returns the JSON document that names the files of a publication, for people and for later runs."""
    files = [{"name": file.target, "size_bytes": file.size_bytes, "rows": file.rows} for file in publication.files]
    head = {name: getattr(publication, name) for name in ("kind", "mode", "run_id", "nonce", "rows")}
    return json.dumps(head | {"files": files}, sort_keys=True).encode()


def _listed(file: PublishedFile) -> TreeFile:
    return TreeFile(file.source, file.size_bytes, file.etag, file.rows)


def _check_roots(source: str, target: str) -> None:
    first, second = source.rstrip("/") + "/", target.rstrip("/") + "/"
    if first.startswith(second) or second.startswith(first):
        raise ValueError(f"{source}, which is to be copied, and the output {target} lie in one another")


def _is_complete(publication: Publication, present: Mapping[str, int]) -> bool:
    # Both: `_SUCCESS` alone may be an earlier publication's, the marker alone was put before what it promises.
    return SUCCESS in present and publication.marker in present and not _faults(publication, present)


def _abandoned(publication: Publication, present: Iterable[str]) -> list[str]:
    """Returns the temporary files of this publication that a killed process left behind."""
    own = (f".part-{publication.nonce}-", f".{publication.marker}.", f".{SUCCESS}.", f".{OWNER}.")
    hidden = [name for name in present if name.endswith(TEMPORARY_SUFFIX)]
    return [name for name in hidden if name.rpartition("/")[2].startswith(own)]


def _verify(publication: Publication, target: Tree) -> None:
    faults = _faults(publication, {file.name: file.size_bytes for file in target.list()})
    if faults:
        raise ServiceFailure(
            f"output: {target.location} is not as it was written: {'; '.join(faults[:5])} "
            f"({counted(len(faults), 'fault')} in all); did another writer change it? Start the run again, which "
            "copies once more"
        )


def _faults(publication: Publication, present: Mapping[str, int]) -> list[str]:
    wrong = [
        f"{file.target} has {present.get(file.target, 'no')} bytes, not {file.size_bytes}"
        for file in publication.files
        if present.get(file.target) != file.size_bytes
    ]
    return wrong + [f"{name} is still there" for name in publication.remove if name in present]

"""Removes what a run has left behind: what holds rows, or all but its ledger and its reports."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass

from batch_transform.config.loading import recorded_config
from batch_transform.config.places import is_s3
from batch_transform.config.runfile import RunConfig
from batch_transform.core.errors import BatchTransformError, ConfigurationError
from batch_transform.core.ledger import StepKind
from batch_transform.core.object_store import ObjectInfo, ObjectStore, StoreFailure
from batch_transform.core.publishing.file_publication import KINDS
from batch_transform.core.publishing.forgetting import Amount
from batch_transform.core.run_layout import ROWS, RunLayout, is_step
from batch_transform.core.run_state import RunState
from batch_transform.core.state.fold import advance
from batch_transform.core.uris import S3Uri
from batch_transform.outputs.claims import withdraw
from batch_transform.outputs.tree_of_location import open_tree
from batch_transform.pipeline.places import Places, Targets, places_of, targets_of
from batch_transform.s3.lease import RunLease
from batch_transform.s3.ledger import Ledger

# Without its ledger a run could be published twice, and reports are what people come back for.
_ALWAYS = ("the ledger", "the lease", "the reports")


@dataclass(frozen=True)
class Leftovers:
    """What is to be removed of a run.

    Attributes:
        state: what its ledger says.
        store: S3.
        places: of the run.
        targets: what it publishes, which stays.
        writers: its drivers.
        rows_only: whether only what holds rows goes. Of an earlier version's run the parts go as well: they may quote
            what the model said.
        before: its places and targets as they were given before, where a driver that died may have left something.
    """

    state: RunState
    store: ObjectStore
    places: Places
    targets: Targets
    writers: tuple[str, ...]
    rows_only: bool
    before: tuple[tuple[Places, Targets], ...] = ()

    @property
    def _removes_parts(self) -> bool:
        return not (self.rows_only and self.places.layout.rows_apart)

    @property
    def kept(self) -> list[str]:
        """What stays, in words."""
        listed = "" if self.state.publication is None else "the list of what was published"
        parts = [listed] if self._removes_parts else ["the parts"]
        manifests = ["the manifests"] if self.rows_only else []
        own = [place for place in self.targets.named().values() if self._is_own(place)]
        return [word for word in (*_ALWAYS, *manifests, *parts, *own) if word]

    def _is_own(self, place: str) -> bool:
        """Whether a published table lies among the run's rows, as one does that no output is named for."""
        return self.state.published is not None and place.startswith(self.places.result)

    def check(self) -> None:
        """Raises ConfigurationError where a folder of the run is another one's as well.

        What an earlier version's run keeps under the id `runs` or `rows` lies where runs of today have their folders,
        named by their ids: `runs/parts/` may be the parts of the one, or hold the ledger of the other.
        """
        layout = self.places.layout
        for folder in () if layout.rows_apart else self._folders:
            other = RunLayout(layout.workspace, folder.name)
            has_rows = layout.name == ROWS and self.store.head(other.step(0)) is not None
            if has_rows or any(is_step(found.key) for found in self.store.list(folder)):
                raise ConfigurationError(
                    f"{folder}: another run keeps its ledger or its rows there, and what is whose cannot be told; "
                    f"nothing of {layout.run} is removed; what you know to be its own, delete by hand"
                )

    @property
    def _folders(self) -> tuple[S3Uri, ...]:
        layout = self.places.layout
        return layout.row_folders + (() if self.rows_only else layout.other_folders) + self._parts

    def objects(self) -> Iterator[ObjectInfo]:
        """Yields what the run has written into its folders on S3, but for what is kept.

        Named one by one, not as all but those: another run's workspace may lie in this one's folder.
        """
        layout = self.places.layout
        kept = {layout.part(part.key).key for part in (self.state.publication.parts if self.state.publication else ())}
        # Without an output the result stays in the run's folder.
        published = tuple(S3Uri.parse(path).prefix for path in self.targets.named().values() if is_s3(path))
        for folder in self._folders:
            for found in self.store.list(folder):
                if not found.key.startswith(published) and found.key not in kept:
                    yield found

    @property
    def _parts(self) -> tuple[S3Uri, ...]:
        return (self.places.layout.parts,) if self._removes_parts else ()

    @property
    def _given(self) -> tuple[tuple[Places, Targets], ...]:
        """Places and targets of now, and of before."""
        return ((self.places, self.targets), *self.before)

    def folders(self) -> Iterator[str]:
        """Yields the folders outside the run's own: staging elsewhere, and merged files beside a local output."""
        found: list[str] = []
        for places, targets in self._given:
            found += [*staging_folders(places, self.writers), places.dead_letters]
            for path in targets.named().values():
                if not targets.format.can.commits and not is_s3(path):
                    found += [places.sibling(path, f"{writer}-{kind}") for writer in self.writers for kind in KINDS]
        yield from dict.fromkeys(found)

    def amount(self) -> Amount:
        """Returns how much it is, as far as it can be reached from here."""
        amount, counted = Amount(), [folder.prefix for folder in self.places.layout.row_folders]
        for info in self.objects():
            amount = amount.plus(info.size_bytes)
        for folder in self.folders():
            uri = S3Uri.parse(folder) if is_s3(folder) else None
            if uri is not None and uri.bucket == self.places.run.bucket and uri.prefix.startswith(tuple(counted)):
                continue  # staged rows that lie in the workspace
            with suppress(ConfigurationError):
                for file in open_tree(folder, self.store).list():
                    amount = amount.plus(file.size_bytes)
        return amount

    def remove(self, lease: RunLease) -> list[str]:
        """Returns the places that could not be cleaned from here, once all else is removed."""
        lease.require()
        bucket = self.places.run.bucket
        self.store.delete(S3Uri(bucket, found.key) for found in self.objects())
        self.store.delete([self.places.layout.stop_request])
        lease.require()
        self._withdraw_claims()
        self._end_uploads()
        left = [place for place in self.folders() if not _cleared(place, self.store)]
        with suppress(ConfigurationError):
            open_tree(self.places.scratch, self.store).drop_empty()
        return left

    def _withdraw_claims(self) -> None:
        """Gives back the outputs that a driver had claimed when it died: no other run may have them meanwhile."""
        if self.state.published:
            return
        of_files = [targets for _, targets in self._given if not targets.format.can.commits]
        for path in {path for targets in of_files for path in targets.named().values()}:
            with suppress(ConfigurationError, StoreFailure):  # whoever wants it is told what to delete
                withdraw(open_tree(path, self.store), self.state.run_id, self.state.nonce)

    def _end_uploads(self) -> None:
        """Ends what killed writers were uploading in parts, where this identity may and the store knows how.

        `s3:ListBucketMultipartUploads` is a permission on a whole bucket, which `iam` does not ask for: a lifecycle
        rule ends them as well.
        """
        elsewhere = [S3Uri.parse(folder) for folder in self.folders() if is_s3(folder)]
        with suppress(StoreFailure):  # the first refusal is that of all
            for folder in (*self.places.layout.row_folders, *elsewhere):
                self.store.end_uploads(folder)


def leftovers(
    config: RunConfig,
    layout: RunLayout,
    state: RunState,
    store: ObjectStore,
    ledger: Ledger,
    *,
    rows_only: bool = False,
) -> Leftovers:
    """Returns what is to be removed of a run."""
    places = places_of(config, layout, None)
    before = []
    for step in ledger.steps:
        if step.kind in (StepKind.OPENED, StepKind.RESUMED) and step.payload["config"] != state.config:
            with suppress(ConfigurationError):  # of another version, whose places are not known here
                then = recorded_config(step.payload["config"], is_of_frame=config.takes_frame)
                at = places_of(then, layout, None)
                before.append((at, targets_of(then, at)))
    return Leftovers(state, store, places, targets_of(config, places), ledger.writers, rows_only, tuple(before))


def clean(left: Leftovers, lease: RunLease, ledger: Ledger) -> tuple[RunState, list[str]]:
    """Returns the state, recorded as cleaned, and the places that could not be cleaned from here.

    It is recorded first: a run of which parts are gone must not be gone on with. Doing it again removes what a killed
    one has left. What tasks wrote that failed, and drivers that were killed, goes as well.

    Args:
        left: of the run.
        lease: of the run; held.
        ledger: of the run.

    Raises:
        ConfigurationError: it lies together with another run (`Leftovers.check`).
        LedgerFenced: another driver has taken over.
        ServiceFailure: S3 refused; what is left can be cleaned again.
    """
    left.check()
    lease.require()
    state = left.state
    if not state.cleaned and not (left.rows_only and state.forgotten):
        # A run that is not published can never be once its rows are gone, whatever else is kept.
        told = {"rows": True} if left.rows_only and state.report is not None else {}
        state = advance(state, ledger.append(StepKind.CLEANED, told))
    return state, left.remove(lease)


def _cleared(location: str, store: ObjectStore) -> bool:
    """Whether the folder is removed: a file system that only Spark reaches is out of reach."""
    with suppress(ConfigurationError):
        open_tree(location, store).clear()
        return True
    return False


def clean_after(left: Leftovers, lease: RunLease, ledger: Ledger) -> tuple[RunState, list[str]]:
    """Cleans a published run; that something could not be removed is no failure of the run, and is told as a place."""
    try:
        return clean(left, lease, ledger)
    except BatchTransformError as err:
        return left.state, [str(err)]


def staging_folders(places: Places, writers: tuple[str, ...]) -> list[str]:
    """Returns where the run's drivers staged rows, and no other run's: two may share a place for staging."""
    return [places.staging(writer) for writer in writers]

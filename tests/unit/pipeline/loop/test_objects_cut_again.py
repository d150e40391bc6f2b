"""Objects over copies are cut once more where estimates were wrong, by a driver alone that still has the run."""

from __future__ import annotations

from dataclasses import dataclass, field
from types import SimpleNamespace

import pyarrow as pa
import pytest

from batch_transform.core.errors import LedgerFenced, StopRequested
from batch_transform.core.framing import JSON_LINES
from batch_transform.core.object_store import StoreFailure
from batch_transform.core.run_settings import RunSettings
from batch_transform.core.sending.record_sizes import ExportedObjects
from batch_transform.core.spans import StagedFile
from batch_transform.core.staged_table import Staged
from batch_transform.core.uris import S3Uri
from batch_transform.pipeline.loop.handlers import stage
from support.memory_store import MemoryStore

MB = 1_000_000


@dataclass
class Context:
    """Exports, of which each has put an object and records of so many bytes."""

    put: int
    error: BaseException | None = None
    uneven: str = ""
    cut: list[int] = field(default_factory=list)
    store: MemoryStore = field(default_factory=MemoryStore)
    places = SimpleNamespace(layout=SimpleNamespace(input=S3Uri("bucket", "input")))

    @property
    def tables(self):
        return self

    lease = tables

    def export(self, staged, rules):
        self.cut.append(rules.object_bytes)
        name = f"object-{len(self.cut)}"
        self.store.put(self.places.layout.input.join(name), b"{}")
        return ExportedObjects(pa.table({"bytes": [self.put, 0], "object": [name, None]}), uneven=self.uneven)

    def tell(self, *words):
        pass

    def refuse_if_asked_to_stop(self):
        if isinstance(self.error, StopRequested):
            raise self.error

    def require(self):
        if self.error:
            raise self.error


class Keeping(MemoryStore):
    """Lets nobody remove an object."""

    def delete(self, uris):
        raise StoreFailure("delete", str(next(iter(uris))), "AccessDenied", "no")


def names(ctx):
    return [found.key.rpartition("/")[2] for found in ctx.store.list(ctx.places.layout.input)]


@pytest.fixture(autouse=True)
def _framing(monkeypatch):
    monkeypatch.setattr(stage, "run_framing", lambda state: JSON_LINES)


def exported(ctx, *, copied=True, estimated=10 * MB):
    staged = Staged("{}", (StagedFile("f", 1, 0, 0, estimated, 16_000),), is_copied=copied)
    return stage._exported(ctx, SimpleNamespace(settings=RunSettings()), staged)


@pytest.mark.parametrize(
    ("put", "copied", "times"), [(1_000 * MB, True, 2), (12 * MB, True, 1), (1_000 * MB, False, 1)]
)
def test_objects_of_copies_are_cut_again_where_records_are_of_other_sizes(put, copied, times):
    ctx = Context(put)
    found = exported(ctx, copied=copied).spans["object"].to_pylist()
    assert len(ctx.cut) == times
    assert times == 1 or ctx.cut[1] > 4 * ctx.cut[0]
    assert names(ctx) == found[:1] == [f"object-{times}"]  # those of the first time would be listed again and again


def test_objects_that_cannot_be_removed_are_left_to_clean():
    ctx = Context(1_000 * MB, store=Keeping())
    exported(ctx)
    assert names(ctx) == ["object-1", "object-2"]


@pytest.mark.parametrize("error", [StopRequested(), LedgerFenced("another driver")])
def test_whoever_has_the_run_no_more_cuts_nothing_again(error):
    ctx = Context(1_000 * MB, error)
    with pytest.raises(type(error)):
        exported(ctx)
    assert len(ctx.cut) == 1
    assert names(ctx) == ["object-1"]


@pytest.mark.parametrize(("put", "times"), [(50 * MB, None), (30 * MB, 1)])
def test_rows_are_written_where_a_plan_would_have_them_repartitioned(put, times):
    """Objects would be large enough, but one task would have written all of them, and would merge them."""
    ctx = Context(put, uneven="too few")
    assert (exported(ctx) is None) is (times is None)
    assert len(names(ctx)) == (times or 0)

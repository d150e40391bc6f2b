"""Publishing, where nobody kills it: what is refused, and what is not taken for a success."""

from __future__ import annotations

import json
from contextlib import suppress

import pytest

from batch_transform.core.errors import ConfigurationError, ServiceFailure
from batch_transform.core.object_store import PreconditionFailed, StoreFailure
from batch_transform.core.publishing.file_publication import TreeFile
from batch_transform.core.uris import S3Uri
from batch_transform.outputs.claims import claim
from batch_transform.outputs.copying import check_target, publication_of, publish
from batch_transform.outputs.local_tree import LocalTree
from batch_transform.outputs.s3_tree import S3Tree
from support.faults import Fate, Faults
from support.memory_store import MemoryStore, World

BUCKET = "bucket"


def trees(files=(), faults=None):
    """Returns the source (two files), and an output that holds `files`."""
    store = MemoryStore(World(), faults)
    for name in ("a.parquet", "b.parquet"):
        MemoryStore(store.world).put(S3Uri(BUCKET, f"work/{name}"), name.encode())
    for name in files:
        MemoryStore(store.world).put(S3Uri(BUCKET, f"out/{name}"), b"old")
    return S3Tree(store, S3Uri(BUCKET, "work")), S3Tree(store, S3Uri(BUCKET, "out"))


def planned(source, target, mode="append", nonce="n"):
    merged = [TreeFile(file.name, file.size_bytes, file.etag, 5) for file in source.list()]
    return publication_of("result", mode, source, target, merged, f"run of {nonce}", nonce)


def names(tree):
    return [file.name for file in tree.list()]


def test_the_marker_names_the_files_and_their_rows():
    source, target = trees()
    publish(planned(source, target), source, target)
    marker = json.loads(target.read("_batch_transform-n.json"))
    assert marker["rows"] == 10
    assert marker["files"][1] == {"name": "part-n-00001.parquet", "size_bytes": 9, "rows": 5}


def test_the_sources_are_gone_in_the_end():
    source, target = trees()
    publish(planned(source, target), source, target)
    assert names(source) == []


def looked_at(mode, target, partition_by=(), run_id=""):
    check_target(mode, target, partition_by, run_id)


@pytest.mark.parametrize("mode", ["append", "overwrite"])
def test_two_publications_into_one_output(mode):
    """Each has names of its own, so neither replaces a file of the other by accident."""
    source, target = trees()
    publish(planned(source, target, nonce="one"), source, target)
    again = S3Tree(source._store, S3Uri(BUCKET, "again"))
    again.put("a.parquet", b"x")
    publish(planned(again, target, mode, "two"), again, target)
    data = [name for name in names(target) if name.endswith(".parquet")]
    first = ["part-one-00000.parquet", "part-one-00001.parquet"] if mode == "append" else []
    assert data == [*first, "part-two-00000.parquet"]


@pytest.mark.parametrize("mode", ["error", "append", "overwrite", "overwrite_partitions"])
def test_files_are_never_put_into_a_table_that_commits(mode):
    source, target = trees(["_delta_log/00000000000000000000.json", "part-0.parquet"])
    before = names(target)
    with pytest.raises(ConfigurationError, match=r"out is a Delta table; .*set output\.format: delta"):
        looked_at(mode, target)
    with pytest.raises(ConfigurationError, match="Delta"):
        planned(source, target, mode)
    assert names(target) == before


def test_a_source_that_changed_is_not_published():
    source, target = trees()
    publication = planned(source, target)
    source.put("b.parquet", b"B.PARQUET")
    with pytest.raises(PreconditionFailed):
        publish(publication, source, target)
    assert "_SUCCESS" not in names(target)


def test_a_source_that_is_gone_is_an_error():
    source, target = trees()
    publication = planned(source, target)
    source.delete(["b.parquet"])
    with pytest.raises(ServiceFailure, match=r"work/b\.parquet"):
        publish(publication, source, target)


def test_a_torn_file_under_our_name_is_copied_again():
    source, target = trees()
    publication = planned(source, target)
    target.put("part-n-00000.parquet", b"torn")
    publish(publication, source, target)
    assert target.read("part-n-00000.parquet") == b"a.parquet"


class LyingStore(MemoryStore):
    """Says that it copied or deleted, and did not."""

    lies = ()

    def copy(self, source, etag, size_bytes, target):
        if "copy" not in self.lies:
            super().copy(source, etag, size_bytes, target)

    def delete(self, uris):
        if "delete" not in self.lies:
            super().delete(uris)


@pytest.mark.parametrize(("lie", "words"), [("copy", "has no bytes, not 9"), ("delete", "old.parquet is still there")])
def test_the_output_is_looked_at_before_success_is_said(lie, words):
    source, target = trees(["old.parquet"])
    publication = planned(source, target, "overwrite")
    store = LyingStore(source._store.world)
    store.lies = (lie,)
    with pytest.raises(ServiceFailure, match=words):
        publish(publication, S3Tree(store, source.root), S3Tree(store, target.root))
    assert "_SUCCESS" not in names(target)
    assert names(source) == ["a.parquet", "b.parquet"]


def test_an_earlier_success_is_not_taken_for_ours():
    source, target = trees(["_SUCCESS", "old.parquet"])
    publish(planned(source, target), source, target)
    assert "part-n-00000.parquet" in names(target)


@pytest.mark.parametrize(("source", "target"), [("a/b", "a/b"), ("a/b/c", "a/b"), ("a", "a/b")])
def test_an_output_around_its_own_source_is_refused(source, target):
    store = MemoryStore()
    one, other = S3Tree(store, S3Uri(BUCKET, source)), S3Tree(store, S3Uri(BUCKET, target))
    publication = planned(*trees())
    with pytest.raises(ValueError, match="lie in one another"):
        publish(publication, one, other)


def test_a_sibling_whose_name_begins_alike_is_no_child():
    source, target = trees()
    out2 = S3Tree(source._store, S3Uri(BUCKET, "work2"))
    publish(planned(source, out2), source, out2)
    assert "_SUCCESS" in names(out2)
    assert names(target) == []


def test_a_tree_of_another_kind_is_refused(tmp_path):
    source, _ = trees()
    target = LocalTree(str(tmp_path / "out"))
    with pytest.raises(TypeError, match="cannot copy"):
        publish(planned(source, target), source, target)


def test_of_two_runs_in_error_mode_one_gets_the_output():
    source, target = trees()
    claim(target, "first", "one")
    with pytest.raises(ConfigurationError, match=r"first.*delete s3://bucket/out/_owner"):
        planned(source, target, "error", "two")
    assert "_owner" in names(target)


def test_a_run_may_claim_its_output_again():
    _, target = trees()
    claim(target, "run", "one")
    claim(target, "run", "one")
    assert names(target) == ["_owner"]


def test_an_output_that_another_run_has_claimed_is_refused_before_anything_is_paid_for():
    _, target = trees()
    claim(target, 'of "one"', "one")
    looked_at("error", target, run_id='of "one"')  # it was killed before it had recorded that it publishes
    with pytest.raises(ConfigurationError, match=r"is being written by .*delete s3://bucket/out/_owner"):
        looked_at("error", target, run_id="one")


def test_a_claim_whose_response_was_lost_is_our_own():
    _, target = trees(faults=Faults({0: Fate.RESEND}))
    claim(target, "run", "one")
    assert names(target) == ["_owner"]


def test_the_output_is_listed_after_it_was_claimed():
    """Else a run that ends between the two would be overlooked."""

    class Racing(MemoryStore):
        def put_new(self, uri, body):
            MemoryStore(self.world).put(S3Uri(BUCKET, "out/rival.parquet"), b"x")
            return super().put_new(uri, body)

    source, target = trees()
    racing = Racing(source._store.world)
    with pytest.raises(ConfigurationError, match="1 data file already"):
        planned(source, S3Tree(racing, target.root), "error")
    assert names(target) == ["rival.parquet"]


def test_a_failed_copy_is_an_error_and_a_repetition_the_cure():
    faults = Faults({2: Fate.LOSE_RESPONSE})
    source, target = trees(faults=faults)
    publication = planned(source, target)
    with suppress(StoreFailure):
        publish(publication, source, target)
    publish(publication, source, target)
    assert len([name for name in names(target) if name.endswith(".parquet")]) == 2


@pytest.mark.parametrize("place", ["s3", "local"])
def test_preflight_leaves_no_trace(tmp_path, place):
    target = trees()[1] if place == "s3" else LocalTree(str(tmp_path / "out"))
    looked_at("error", target)
    assert names(target) == []
    assert not (tmp_path / "out").exists()


def test_preflight_refuses_an_output_that_exists():
    with pytest.raises(ConfigurationError, match="s3://bucket/out holds 2 data files"):
        looked_at("error", trees(["a.parquet", "b.parquet", "_SUCCESS"])[1])


def test_preflight_refuses_other_partition_columns():
    with pytest.raises(ConfigurationError, match="partition_by"):
        looked_at("append", trees(["a=1/x.parquet"])[1], ["b"])


def test_preflight_refuses_an_output_that_cannot_be_written():
    _, target = trees(faults=Faults({0: Fate.LOSE_REQUEST}))
    with pytest.raises(ConfigurationError, match="cannot be written"):
        looked_at("append", target)


def test_preflight_refuses_a_file_where_the_directory_belongs(tmp_path):
    (tmp_path / "out").write_text("a file")
    with pytest.raises(ConfigurationError, match="Not a directory"):
        looked_at("append", LocalTree(str(tmp_path / "out" / "deeper")))


@pytest.mark.parametrize("mode", ["error", "append", "overwrite", "overwrite_partitions"])
@pytest.mark.parametrize("other", ["flights/part-0.parquet", "flights/_delta_log/0.json", "check.py"])
def test_a_folder_that_holds_other_things_is_refused_before_anything_and_before_they_would_be_deleted(mode, other):
    """Each reader of an append would find them; yet all is paid once it is published, and nothing of them is hurt."""
    source, target = trees([other])
    found = "check.py" if other == "check.py" else "flights/"
    with pytest.raises(ConfigurationError, match=rf"out holds {found}, which is of no table .* as s3://bucket/out_sco"):
        looked_at(mode, target)
    if mode == "append":
        planned(source, target, mode)
        return
    with pytest.raises(ConfigurationError, match=f"holds {found}"):
        planned(source, target, mode)
    assert names(target) == [other]


@pytest.mark.parametrize("mode", ["append", "overwrite", "overwrite_partitions"])
@pytest.mark.parametrize("end", ["_00003.c000.snappy.parquet", "-c000.snappy.parquet"])
def test_files_are_never_put_into_a_table_in_buckets(mode, end):
    """Spark reads no row of one by its name in which a file has no number of a bucket (INVALID_BUCKET_FILE)."""
    _, target = trees([f"p=1/part-00000-f5a7d8c4-5a3b-4c2d-9e1f-0a1b2c3d4e5f{end}"])
    if not end.startswith("_"):
        check_target(mode, target, ("p",), "run")
        return
    with pytest.raises(
        ConfigurationError, match=r"out holds p=1/part-00000-\S+_00003.c000.snappy.parquet, of a table in bu"
    ):
        check_target(mode, target, ("p",), "run")


@pytest.mark.parametrize("mode", ["error", "append", "overwrite", "overwrite_partitions"])
def test_a_table_of_hudi_is_no_table_of_files(mode):
    """Its files end as Parquet's do, so an overwrite deleted all of it, and what was appended nobody saw."""
    _, target = trees([".hoodie/hoodie.properties", "p=1/.hoodie_partition_metadata", "p=1/a_0-1-0_2024.parquet"])
    with pytest.raises(ConfigurationError, match=r"out is a Hudi table; .* destroy it \(name another place\)"):
        check_target(mode, target, ("p",), "run")

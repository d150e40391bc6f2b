"""Folders that are no state, or a damaged one: refused at the start, with nothing of them changed."""

import sqlite3
from collections.abc import Callable, Iterator
from contextlib import closing
from pathlib import Path

import pytest

from support.emulator_aws import Aws, request
from support.scripted_model import ScriptedModel
from transform_emulator.emulator import Emulator
from transform_emulator.settings import Settings
from transform_emulator.state.errors import StateError

PAGE_BYTES = 4096
UNNAMED = "0" * 32
DOCUMENTS = ("buckets.document", "objects.document", "jobs.body", "jobs.life", "jobs.created", "resources.document")
NO_DOCUMENTS = ("no JSON", "[]", "null", '"x"', "")
Found = dict[str, tuple[int, bytes | None]]


@pytest.fixture
def state(tmp_path: Path, model: ScriptedModel) -> Iterator[Path]:
    """What an emulator has left: some of everything, and a file that it was writing when it was killed."""
    folder = tmp_path / "state"
    with Emulator(Settings({"scripted": model.url}, buckets=["data"], state=folder)) as emulator:
        aws = Aws.of(emulator.endpoint_url)
        aws.s3.put_object(Bucket="data", Key="in/a", Body=b"1\n")
        aws.sagemaker.create_transform_job(**request("job", "data"))
        aws.wait_until("job")
        container = {"Image": "scripted"}
        role = "arn:aws:iam::123456789012:role/r"
        aws.sagemaker.create_model(ModelName="mine", PrimaryContainer=container, ExecutionRoleArn=role)
    (folder / "objects" / UNNAMED).write_bytes(b"half")
    (folder / "objects" / UNNAMED).chmod(0o600)
    return folder


def all_of(folder: Path) -> Found:
    """Names, rights and bytes of a folder and all that is in it."""
    return {
        str(path.relative_to(folder)): (path.stat().st_mode, None if path.is_dir() else path.read_bytes())
        for path in [folder, *folder.rglob("*")]
    }


def refusal(folder: Path) -> str:
    """What is said at the start; it is no success, and no other error."""
    with (
        pytest.raises(StateError) as refused,
        Emulator(Settings({}, buckets=["data"], state=folder, state_wait_seconds=0)),
    ):
        pytest.fail("it began")
    assert "Errno" not in str(refused.value)
    assert "; " in str(refused.value)  # and what to do
    return str(refused.value)


def untouched(folder: Path) -> str:
    """A refusal that leaves all as it was."""
    before = all_of(folder)
    text = refusal(folder)
    assert all_of(folder) == before
    return text


def changed(folder: Path, *statements: str) -> None:
    with closing(sqlite3.connect(folder / "state.db")) as connection:
        for statement in statements:
            connection.execute(statement)
        connection.commit()


def without_tables(index: Path) -> None:
    """As a copy has it that was made without `state.db-wal` soon after the beginning."""
    index.unlink()
    with closing(sqlite3.connect(index)) as connection:
        connection.execute("PRAGMA journal_mode = WAL")
    assert index.stat().st_size == PAGE_BYTES


@pytest.mark.parametrize("lose", [Path.unlink, lambda index: index.write_bytes(b""), without_tables])
def test_an_index_that_is_gone_costs_no_object(state: Path, lose: Callable[[Path], object]) -> None:
    """Without an index all files are unnamed, and unnamed files are removed: an emulator that only looks would."""
    lose(state / "state.db")
    text = untouched(state)
    assert text.startswith(f"{state} holds 3 files of objects and no index: ")
    assert "put state.db back from a copy, or give an empty folder" in text


def test_what_an_index_had_yet_to_take_in_is_kept(tmp_path: Path) -> None:
    """SQLite drops the log of a database that is not there."""
    (tmp_path / "state.db-wal").write_bytes(b"jobs")
    assert f"{tmp_path} holds state.db-wal, a part of one, and no index: " in untouched(tmp_path)


def test_a_folder_in_which_nothing_was_kept_yet_is_taken(tmp_path: Path) -> None:
    """As one is that was killed before its index had a table."""
    (tmp_path / "objects").mkdir()
    (tmp_path / "lock").write_text("1 \n")
    (tmp_path / "state.db").write_bytes(b"")
    for _ in range(2):
        with Emulator(Settings({}, state=tmp_path)):
            pass


@pytest.mark.parametrize("mode", ["DELETE", "WAL"])
@pytest.mark.parametrize("version", [0, 1, 7])
@pytest.mark.parametrize("table", ["bookmarks", "jobs"])
def test_a_database_of_another_program_is_not_touched(tmp_path: Path, mode: str, version: int, table: str) -> None:
    """Whatever number it gives its own format, and whatever its tables are called; its rights stay too."""
    tmp_path.chmod(0o755)
    statements = (f"PRAGMA journal_mode = {mode}", f"CREATE TABLE {table} (a)", f"PRAGMA user_version = {version}")
    changed(tmp_path, *statements)
    (tmp_path / "state.db").chmod(0o644)
    assert str(tmp_path / "state.db") in untouched(tmp_path)


def test_a_database_that_another_program_has_open_is_not_touched(tmp_path: Path) -> None:
    """Its tables are in its log alone."""
    with closing(sqlite3.connect(tmp_path / "state.db")) as connection:
        connection.execute("PRAGMA journal_mode = WAL")
        connection.execute("CREATE TABLE bookmarks (a)")
        before = {name: mode for name, (mode, _) in all_of(tmp_path).items()}
        assert "is a database of another program, not an emulator's; " in refusal(tmp_path)
        assert {name: mode for name, (mode, _) in all_of(tmp_path).items()} == before
        assert connection.execute("SELECT name FROM sqlite_master").fetchall() == [("bookmarks",)]


@pytest.mark.parametrize("table", ["buckets", "objects", "jobs", "inputs", "log_lines", "resources"])
def test_a_table_that_is_gone(state: Path, table: str) -> None:
    """It is no empty one."""
    changed(state, f"DROP TABLE {table}")
    assert f"state.db is damaged (its table {table} is gone); put the folder back" in untouched(state)


def test_a_page_of_garbage(state: Path) -> None:
    """Whichever it is, also where nothing reads it before a job begins; objects stay."""
    index = state / "state.db"
    whole, objects = index.read_bytes(), all_of(state / "objects")
    for start in range(0, len(whole), PAGE_BYTES):
        index.write_bytes(whole[:start] + b"\xa5" * PAGE_BYTES + whole[start + PAGE_BYTES :])
        assert "state.db is damaged (" in refusal(state), start
        assert all_of(state / "objects") == objects
    assert len(whole) >= 8 * PAGE_BYTES


def test_a_cut_index(state: Path) -> None:
    """At the end of a page or within one."""
    index = state / "state.db"
    whole = index.read_bytes()
    for size in (10, PAGE_BYTES, PAGE_BYTES + 100, len(whole) - PAGE_BYTES):
        index.write_bytes(whole[:size])
        assert "state.db is damaged (" in refusal(state), size


@pytest.mark.parametrize(
    ("column", "text"),
    [(column, text) for column in DOCUMENTS for text in NO_DOCUMENTS]
    + [(column, "{}") for column in ("buckets.document", "objects.document", "jobs.life")],
)
def test_a_document_that_is_none(state: Path, column: str, text: str) -> None:
    """What it should have said is not taken for nothing; objects stay."""
    table, _, name = column.partition(".")
    changed(state, f"UPDATE {table} SET {name} = '{text}'")
    objects = all_of(state / "objects")
    assert "state.db is damaged (what it says of " in refusal(state)
    assert all_of(state / "objects") == objects


@pytest.mark.parametrize("size", [0, 1, 3])
def test_an_object_whose_bytes_are_not_all_there(state: Path, size: int) -> None:
    """Told at the start, as one that is gone, and not when a job reads it; nothing is removed by then."""
    file = next(path for path in (state / "objects").iterdir() if path.read_bytes() == b"1\n")
    file.write_bytes(b"1\n\n"[:size])
    objects = all_of(state / "objects")
    assert f"the file of an object is not as long as the index says, as {file}; put the folder" in refusal(state)
    assert all_of(state / "objects") == objects
    for path in (state / "objects").iterdir():
        path.write_bytes(b"")
    assert "2 files of objects are not as long as the index says, as " in refusal(state)


def test_paths_at_which_there_is_no_folder(tmp_path: Path) -> None:
    """In a sentence, without what Python calls it."""
    file = tmp_path / "afile"
    file.write_text("1")
    for path in (file, file / "below", file / "below" / "that"):
        assert refusal(path).startswith(f"{path if path == file else file}")
        assert "is no folder, or lies in none; give an empty folder" in refusal(path)
    (tmp_path / "one").mkdir()
    (tmp_path / "one" / "objects").write_text("1")
    assert "objects is no folder, or lies in none; give" in untouched(tmp_path / "one")
    (tmp_path / "two" / "state.db").mkdir(parents=True)
    assert "state.db cannot be used (unable to open database file); see that" in untouched(tmp_path / "two")
    too_long = tmp_path / ("x" * 300)
    assert f"nothing can be kept in {too_long}: File name too long; give" in refusal(too_long)

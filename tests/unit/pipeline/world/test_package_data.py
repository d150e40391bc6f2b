"""`package://NAME/inner/path`: found without an import, unpacked once, refused with the package's name."""

from __future__ import annotations

import io
import tarfile
import zipfile

import pytest

from batch_transform.config import RunConfig
from batch_transform.core.errors import ConfigurationError
from batch_transform.pipeline.world.package_data import resolve, resolve_input


@pytest.fixture
def package(tmp_path, monkeypatch):
    """A package that cannot be imported, with a table and archives."""
    folder = tmp_path / "site" / "shipped_tables"
    (folder / "data").mkdir(parents=True)
    (folder / "__init__.py").write_text("raise ImportError('pkg_resources is gone')\n")
    (folder / "data" / "plain.csv").write_text("a\n1\n")
    archive(folder / "data" / "one.csv.zip", {"inner/one.csv": "a\n2\n"})
    archive(folder / "data" / "two.zip", {"a.csv": "", "b.csv": ""})
    (folder / "data" / "broken.zip").write_text("no zip")
    with tarfile.open(folder / "tables.tar.gz", "w:gz") as opened:
        for name, text in {"rdata/movies.csv": b"a\n4\n", "rdata/other.csv": b""}.items():
            member = tarfile.TarInfo(name)
            member.size = len(text)
            opened.addfile(member, io.BytesIO(text))
    monkeypatch.syspath_prepend(str(folder.parent))
    return folder


def archive(path, members):
    with zipfile.ZipFile(path, "w") as opened:
        for name, text in members.items():
            opened.writestr(name, text)


def refusal(location, cache):
    with pytest.raises(ConfigurationError) as caught:
        resolve(location, cache)
    return str(caught.value)


def test_a_file_is_found_without_importing_its_package(package, tmp_path):
    assert resolve("package://shipped_tables/data/plain.csv", tmp_path) == package / "data" / "plain.csv"


def test_an_archives_member_is_unpacked_into_the_cache(package, tmp_path):
    path = resolve("package://shipped_tables/data/one.csv.zip", tmp_path / "cache")
    assert path.is_relative_to(tmp_path / "cache")
    assert (path.name, path.read_text()) == ("one.csv", "a\n2\n")
    assert [other.name for other in path.parent.iterdir()] == ["one.csv"]


def test_a_path_may_lead_into_a_tar_archive(package, tmp_path):
    path = resolve("package://shipped_tables/tables.tar.gz/rdata/movies.csv", tmp_path / "cache")
    assert path.is_relative_to(tmp_path / "cache")
    assert (path.name, path.read_text()) == ("movies.csv", "a\n4\n")
    assert resolve("package://shipped_tables/tables.tar.gz/rdata/movies.csv", tmp_path / "cache") == path


def test_an_archive_is_unpacked_once(package, tmp_path):
    first = resolve("package://shipped_tables/data/one.csv.zip", tmp_path)
    inode = first.stat().st_ino
    assert resolve("package://shipped_tables/data/one.csv.zip", tmp_path).stat().st_ino == inode


def test_another_version_of_the_archive_is_another_file(package, tmp_path):
    first = resolve("package://shipped_tables/data/one.csv.zip", tmp_path)
    archive(package / "data" / "one.csv.zip", {"one.csv": "a\n3\n"})
    second = resolve("package://shipped_tables/data/one.csv.zip", tmp_path)
    assert (first.read_text(), second.read_text()) == ("a\n2\n", "a\n3\n")


def test_a_relative_cache_gives_an_absolute_path(package, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    from pathlib import Path

    assert resolve("package://shipped_tables/data/one.csv.zip", Path("cache")).is_absolute()


@pytest.mark.parametrize(
    ("location", "expected"),
    [
        ("package://no_such_package/a.csv", "not installed: pip install no_such_package"),
        ("package://shipped_tables/data/none.csv", "names no file of the Python package shipped_tables"),
        ("package://shipped_tables/data", "names no file of the Python package shipped_tables"),
        ("package://shipped_tables/../../etc/passwd", "is not package://NAME/PATH/OF/A/FILE"),
        ("package://shipped_tables", "is not package://NAME/PATH/OF/A/FILE"),
        ("package://shipped_tables//etc/passwd", "is not package://NAME/PATH/OF/A/FILE"),
        ("package://shipped.tables/a", "is not package://NAME/PATH/OF/A/FILE"),
        ("package://shipped_tables/data/two.zip", "has 2 members; it must have one"),
        ("package://shipped_tables/data/broken.zip", "is no zip archive"),
        ("package://shipped_tables/tables.tar.gz/rdata/none.csv", "has no file rdata/none.csv"),
        ("package://shipped_tables/tables.tar.gz/rdata", "has no file rdata"),
        ("package://shipped_tables/data/plain.csv/a.csv", "is no tar archive"),
    ],
)
def test_what_cannot_be_resolved_is_refused_at_the_inputs_path(package, tmp_path, location, expected):
    message = refusal(location, tmp_path)
    assert message.startswith("input.path: ")
    assert expected in message


def test_only_a_package_path_of_the_input_is_replaced(package, tmp_path):
    def config(path):
        return RunConfig.from_document(
            {
                "run_id": "r",
                "workspace": "s3://bucket",
                "model": {"name": "m"},
                "input": {"path": path, "format": "csv"},
                "output": {"path": "out"},
            }
        )

    resolved = resolve_input(config("package://shipped_tables/data/plain.csv"), tmp_path)
    assert (resolved.input.path, resolved.input.format) == (str(package / "data" / "plain.csv"), "csv")
    assert resolve_input(config("data/plain.csv"), tmp_path) == config("data/plain.csv")

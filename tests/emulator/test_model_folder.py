"""Archives of models are unpacked below their folder, also by a Python whose `tarfile` has no filter for it."""

from __future__ import annotations

import io
import tarfile
from pathlib import Path

import pytest

from transform_emulator.scripts.handler import ScriptError
from transform_emulator.scripts.model_folder import unpack


@pytest.fixture(params=["this Python", "3.11.2"])
def _python(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    if request.param == "3.11.2":
        monkeypatch.delattr(tarfile, "data_filter", raising=False)


def archive(place: Path, name: str, link: str = "") -> Path:
    member = tarfile.TarInfo(name)
    member.size = 0 if link else 5
    member.type, member.linkname = (tarfile.SYMTYPE, link) if link else (tarfile.REGTYPE, "")
    with tarfile.open(place, "w:gz") as made:
        made.addfile(member, None if link else io.BytesIO(b"x = 1"))
    return place


@pytest.mark.usefixtures("_python")
def test_what_lies_in_folders_is_unpacked(tmp_path: Path) -> None:
    unpack(archive(tmp_path / "m.tar.gz", "code/inference.py"), tmp_path / "there")
    assert (tmp_path / "there" / "code" / "inference.py").read_text() == "x = 1"


@pytest.mark.usefixtures("_python")
@pytest.mark.parametrize(("name", "link"), [("../out", ""), ("code/../../out", ""), ("out", "/etc/passwd")])
def test_nothing_leaves_the_folder(tmp_path: Path, name: str, link: str) -> None:
    (tmp_path / "there").mkdir()
    with pytest.raises((ScriptError, tarfile.FilterError) if hasattr(tarfile, "FilterError") else ScriptError):
        unpack(archive(tmp_path / "m.tar.gz", name, link), tmp_path / "there")
    assert not (tmp_path / "out").exists()
    assert not list((tmp_path / "there").iterdir())

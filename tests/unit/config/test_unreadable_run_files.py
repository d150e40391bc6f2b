"""A name that is no run file's, and a file that is no text, are refused in words, with what to do."""

from __future__ import annotations

import pytest

from batch_transform.config import load
from batch_transform.core.errors import ConfigurationError

RUN = "run_id: r\nworkspace: s3://bucket/w\ninput: {path: in}\nmodel: {name: m}\noutput: {path: out}\n"
NOT_UTF8 = "is not text in UTF-8; save it as UTF-8"


@pytest.fixture(autouse=True)
def _here(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)


def refusal(name):
    with pytest.raises(ConfigurationError) as caught:
        load(name, environ={})
    (fault,) = caught.value.faults
    assert "Errno" not in fault
    assert "codec" not in fault
    return fault


@pytest.mark.parametrize("encoding", ["utf-16", "utf-16-le", "utf-16-be", "utf-32", "latin-1"])
def test_a_file_in_another_encoding_is_told_as_such(tmp_path, encoding):
    (tmp_path / "run.yml").write_bytes(f"# schön\n{RUN}".encode(encoding))
    assert refusal("run.yml") == f"run.yml: {NOT_UTF8}"


def test_a_byte_order_mark_of_utf_8_is_read(tmp_path):
    (tmp_path / "run.yml").write_text(RUN, encoding="utf-8-sig")
    assert load("run.yml", environ={}).run_id == "r"


def test_a_control_character_is_told_with_its_place(tmp_path):
    (tmp_path / "run.yml").write_bytes(b"run_id: r\nmerge: a\x07b\n")
    fault = "run.yml: line 2, column 9: has the control character #x0007; leave it out, or write it as an escape"
    assert refusal("run.yml") == f"{fault} in double quotes"


def test_a_folder_is_no_run_file(tmp_path):
    assert refusal(str(tmp_path)) == f"{tmp_path}: is a folder; name a run file in it"
    (tmp_path / "run.yml").write_text("extends: .\n")
    assert refusal("run.yml") == ".: is a folder; name a run file in it"


@pytest.mark.parametrize("name", ["", " "])
def test_an_empty_name_is_told_as_one(tmp_path, name):
    assert refusal(name) == "RUNFILE: its name is empty; is a variable of the shell not set?"
    (tmp_path / "run.yml").write_text(f"extends: '{name}'\n")
    assert refusal("run.yml") == "run.yml: extends: is empty; name a run file, or leave it out"


def test_a_name_that_no_file_can_have_is_told_where_it_stands(tmp_path):
    (tmp_path / "run.yml").write_text('extends: "a\\0b"\n')
    assert refusal("run.yml") == "run.yml: extends: has a control character, which no run file's name may have"
    assert refusal("a\0b") == "RUNFILE: its name has a control character, which no run file's name may have"


def test_a_link_to_nothing_and_one_to_itself_are_told_as_links(tmp_path):
    (tmp_path / "dang.yml").symlink_to("nowhere.yml")
    (tmp_path / "circle.yml").symlink_to("circle.yml")
    assert refusal("dang.yml") == "dang.yml: is a link to nowhere.yml, which is not there"
    assert refusal("circle.yml").startswith("circle.yml: is a link that leads back to itself; ")


def test_what_is_no_file_is_not_meant(tmp_path):
    (tmp_path / "chrun.yml").mkdir()
    (tmp_path / "churm.yml").symlink_to("nowhere.yml")
    assert refusal("churn.yml") == "churn.yml: no such file"


def test_whatever_the_system_says_is_told_without_its_number(tmp_path):
    (tmp_path / "run.yml").write_text(RUN)
    assert refusal("run.yml/other.yml") == "run.yml/other.yml: cannot be read: Not a directory"
    long = "a" * 300
    assert refusal(long) == f"{long}: cannot be read: File name too long"

"""What a run takes along to S3, each file under a hash of what is in it: what is there already is not sent again."""

from __future__ import annotations

import hashlib
import tempfile
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

from batch_transform.config.places import scheme_of
from batch_transform.core.amounts import size
from batch_transform.core.errors import ConfigurationError
from batch_transform.core.object_store import ObjectStore
from batch_transform.core.report_keys import Uploaded
from batch_transform.core.uris import S3Uri
from batch_transform.deploy.port import ENVIRONMENT, PYTHON, ServiceTarget
from batch_transform.pipeline.commands.command_line import CommandLine
from batch_transform.pipeline.commands.package import ENTRY, ENTRY_TEXT
from batch_transform.pipeline.commands.spark_submit_arguments import LISTS, SparkArguments
from batch_transform.pipeline.submit.archive import write_archive
from batch_transform.pipeline.submit.destination import has_environment, packaged_archive

_SOURCES = "lib.zip"


@dataclass
class Uploads:
    """The files of one run, in the order in which they are sent.

    Attributes:
        folder: on S3.
        files: what each is here, its bytes, and its place.
    """

    folder: S3Uri
    files: list[tuple[str, bytes, S3Uri]] = field(default_factory=list)

    def add(self, name: str, content: bytes, source: str = "") -> str:
        """Returns where a file will be; its name stays the last part of that."""
        target = self.folder.join(hashlib.sha256(content).hexdigest()[:16], name)
        self.files.append((source or name, content, target))
        return str(target)

    def told(self) -> list[Uploaded]:
        """Returns what is, or would be, uploaded where."""
        return [
            {"source": source, "bytes": len(content), "target": str(target)} for source, content, target in self.files
        ]

    def send(self, store: ObjectStore, tell: Callable[[str], None]) -> None:
        """Uploads what is not there yet."""
        for source, content, target in self.files:
            there = store.head(target)
            if there is None or there.size_bytes != len(content):
                tell(f"{source}: {size(len(content))} to {target}")
                store.put(target, content)


def shipped(asked: CommandLine, target: ServiceTarget, folder: S3Uri, lib: Path) -> tuple[Uploads, SparkArguments, str]:
    """Returns what a run takes along to a service, but for its run file, the arguments that name it, and its entry.

    Args:
        asked: the command line; what it gives holds.
        target: the service.
        folder: on S3.
        lib: the source root.

    Raises:
        ConfigurationError: a file is not there.
    """
    uploads, spark = Uploads(folder), SparkArguments(asked.spark, {})
    for key in LISTS:
        items = [item.strip() for item in (spark.setting(key) or "").split(",") if item.strip()]
        if items:
            spark = spark.with_instead(key, [_placed(item, uploads) for item in items])
    if not has_environment(spark):
        archive = packaged_archive(asked, target)
        place = uploads.add(archive.name, archive.read_bytes(), str(archive))
        others = [spark.setting("spark.archives") or ""]
        spark = spark.with_instead("spark.archives", [*filter(None, others), f"{place}#{ENVIRONMENT}"])
    with tempfile.TemporaryDirectory() as work:
        sources = write_archive(lib, Path(work, _SOURCES)).read_bytes()
    spark = spark.with_added("spark.submit.pyFiles", [uploads.add(_SOURCES, sources)])
    for key, value in {**target.settings, **dict.fromkeys(target.python_settings, PYTHON)}.items():
        spark = spark.with_default(key, value)
    return uploads, spark, uploads.add(ENTRY, ENTRY_TEXT.encode("utf-8"))


def _placed(item: str, uploads: Uploads) -> str:
    """A file of this machine on S3; any other as it is."""
    location, mark, name = item.partition("#")
    if scheme_of(location):
        return item
    path = Path(location)
    if not path.is_file():
        raise ConfigurationError(
            f"{location}: there is no such file, and spark-submit was given it; name one that there is"
        )
    return f"{uploads.add(path.name, path.read_bytes(), location)}{mark}{name}"

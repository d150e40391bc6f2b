"""What the files of a cluster's Hadoop say, which a session takes up below what is set in it, and tells nobody."""

from __future__ import annotations

import os
from pathlib import Path
from xml.etree import ElementTree

_FOLDER = "HADOOP_CONF_DIR"
_EMRFS = Path("/usr/share/aws/emr/emrfs/conf/emrfs-site.xml")  # beside Hadoop's own on EMR's class path


def hadoop_settings_of_files() -> dict[str, str]:
    """Returns the settings of this machine's Hadoop, by name; none where it has no files, or nobody can read them."""
    folder, found = os.environ.get(_FOLDER), dict[str, str]()
    for path in (*([Path(folder, "core-site.xml")] if folder else ()), _EMRFS):
        try:
            told = ElementTree.parse(path)
        except (OSError, ElementTree.ParseError, ValueError, LookupError):  # the last two of an encoding
            continue
        for each in told.iter("property"):
            found[(each.findtext("name") or "").strip()] = (each.findtext("value") or "").strip()
    return found

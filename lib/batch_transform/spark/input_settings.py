"""Options of an input's reader for which Spark has only a setting of the session: held while the input is read.

`binaryAsString` and the like are one table's, and not the session's: whoever reads two tables in it wants them for the
one. So `input.options` may name them as if they were options; they are set around the jobs that read the input, and
put back. The expressions of `input.where` are evaluated by the same jobs, so only settings of readers are taken.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager

from pyspark.errors import PySparkException
from pyspark.sql import SparkSession

from batch_transform.core.errors import ConfigurationError
from batch_transform.core.near_names import meant
from batch_transform.spark.setting_classes import user_settings
from batch_transform.spark.settings import effective, session_settings

_FORMATS = ("avro", "csv", "json", "orc", "parquet", "xml")
# Below it two settings, which all begin alike, are alike by chance.
_ALIKE = 0.8
_OF_ANY = ("spark.sql.files.", "spark.sql.sources.")
# Options of Spark's own readers, which win over the setting of the same name.
_OPTIONS = frozenset({"mergeschema", "ignorecorruptfiles", "ignoremissingfiles", "ignorevariantannotation"})


def reader_options(format: str, options: Mapping[str, str]) -> dict[str, str]:
    """Returns the options that the reader itself takes."""
    names = _names(format)
    return {name: value for name, value in options.items() if name.lower() not in names}


@contextmanager
def input_session(spark: SparkSession, format: str, options: Mapping[str, str]) -> Iterator[None]:
    """Holds the settings that an input's options name, and puts those of the session back, whatever happens.

    Args:
        spark: the session.
        format: of the input.
        options: of the input; those that its reader takes are left to it.

    Raises:
        ConfigurationError: no setting of a reader, not a value of it, or the session does not let it be set.
    """
    names = _names(format)
    told = {names[name.lower()]: name for name in options if name.lower() in names}
    wanted = {key: options[name] for key, name in told.items()}
    for name in options:
        if name.lower().startswith("spark.") and name not in told.values():
            raise ConfigurationError(_is_none(name))
    with ExitStack() as held:
        try:
            held.enter_context(session_settings(spark, wanted))
        except PySparkException as err:
            raise ConfigurationError(_refused(", ".join(told.values()), ", ".join(wanted))) from err
        for key, value in wanted.items():  # a platform may keep a setting from its users
            if (effective(spark, key) or "").lower() != value.lower():
                raise ConfigurationError(_refused(told[key], key))
        yield


def _names(format: str) -> dict[str, str]:
    """The settings of a format's reader, by each name that an option may have, in lower case."""
    own = (f"spark.sql.{format.lower()}.", f"spark.sql.legacy.{format.lower()}.", *_OF_ANY)
    found = {key.lower(): key for key in _settings()}
    for key in _settings():
        for prefix in own:
            short = key.removeprefix(prefix).removesuffix(".enabled").lower()
            if key.startswith(prefix) and short not in _OPTIONS:
                found[short] = key
    return found


def _settings() -> list[str]:
    """The user's settings that say how files are read."""
    prefixes = tuple(f"spark.sql.{place}{name}." for name in _FORMATS for place in ("", "legacy.")) + _OF_ANY
    return sorted(key for key in user_settings() if key.startswith(prefixes))


def _is_none(name: str) -> str:
    return (
        f"input.options: {name} is no setting of a reader of files{meant(name, _settings(), _ALIKE)}; others hold for "
        f"the whole session: give it as --conf {name}=..."
    )


def _refused(names: str, keys: str) -> str:
    return (
        f"input.options: {names}: for it Spark has a setting alone, {keys}, and this session does not take it with "
        "that value; leave it out, or use a session in which it may be set (Databricks' serverless compute lets few be)"
    )

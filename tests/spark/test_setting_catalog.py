"""Every setting that Spark knows is classed: an entry that a new version brings fails here until it is read."""

from __future__ import annotations

import pytest

from batch_transform.spark.setting_classes import setting_classes, user_settings

pytestmark = pytest.mark.spark

# Spark registers an entry when the object that declares it is loaded.
DECLARED_IN = (
    "org.apache.spark.sql.internal.StaticSQLConf$",
    "org.apache.spark.sql.hive.HiveUtils$",
    "org.apache.spark.sql.connect.config.Connect$",
    "org.apache.spark.sql.pipelines.graph.FlowResolver$FlowConf$",
    "org.apache.spark.sql.delta.sources.DeltaSQLConf$",
)


def sql_conf(spark):
    """Spark's registry of SQL settings."""
    return getattr(getattr(spark._jvm.org.apache.spark.sql.internal, "SQLConf$"), "MODULE$")


@pytest.fixture(scope="module")
def registered(spark):
    """All entries that this Spark has registered, by key; `True`: static, which nothing changes in a session."""
    loader = spark._jvm.java.lang.Thread.currentThread().getContextClassLoader()
    for name in DECLARED_IN:
        spark._jvm.java.lang.Class.forName(name, True, loader)
    conf = sql_conf(spark)
    keys = [entry.key() for entry in conf.getConfigEntries().toArray()]
    return {key: conf.isStaticConfigKey(key) for key in keys}


def test_every_registered_setting_is_classed(registered):
    assert len(registered) > 1100
    assert sorted(key for key in registered if key not in setting_classes()) == []


def test_every_setting_of_the_users_can_be_set_in_a_session(registered):
    assert sorted(key for key in user_settings() if registered.get(key)) == []

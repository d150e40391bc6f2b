"""Runs on a YARN of one node, client and cluster mode, from what `package` makes alone."""

from __future__ import annotations

import json

import pytest

from support.bare_workers import console
from support.drivers import IDENTITY, Scene
from support.emulated import emulated
from support.shipped import Place, check_published_once, kill, kill_driver, shipped_run
from support.watching_proxy import watching
from support.yarn import SPARK, await_no_containers, containers, yarn

pytestmark = [pytest.mark.spark, pytest.mark.long, pytest.mark.timeout(1800)]
MASTER, LAUNCHER = "org.apache.spark.deploy.yarn.ApplicationMaster", "org.apache.spark.deploy.yarn.ExecutorLauncher"
# Of containers, whose environment is their own; on EMR it is the instance profile that they are known by.
KNOWN = {f"spark.{place}.{key}": IDENTITY[key] for place in ("yarn.appMasterEnv", "executorEnv") for key in IDENTITY}


@pytest.fixture(scope="module")
def cluster(tmp_path_factory):
    with yarn(tmp_path_factory.mktemp("yarn")) as running:
        yield running


@pytest.fixture(scope="module")
def scene(tmp_path_factory):
    with emulated() as world, watching(world.url, ask_who=False) as proxy:
        yield Scene(world, proxy, tmp_path_factory.mktemp("scene"))


@pytest.fixture(scope="module")
def place(cluster, tmp_path_factory):
    folder = tmp_path_factory.mktemp("shipped")
    print(console("package", "--target", "yarn", cwd=folder).stdout)
    settings = {
        "spark.yarn.jars": f"local:{SPARK}/jars/*",  # Spark lies on the nodes, as on EMR's
        "spark.yarn.stagingDir": str(folder),
        "spark.executor.instances": "1",
        "spark.executor.memory": "700m",
        **KNOWN,
    }
    words = ("--target", "yarn")
    return Place(folder, words, settings, {"HADOOP_CONF_DIR": str(cluster.configuration)})


# Of a driver elsewhere YARN knows no end but that it has let go: what it calls that is no success of the run.
CALLED = {"driver": "SUCCEEDED", "application master": "FAILED"}


@pytest.mark.parametrize("victim", CALLED)
def test_killed_in_client_mode_and_called_again_a_run_is_published_once(cluster, scene, place, tmp_path, victim):
    client = place.with_words(spark_driver_host="127.0.0.1")
    run = shipped_run(scene, tmp_path)
    by_name = {"driver": kill_driver, "application master": lambda: kill(java_of(cluster, LAUNCHER))}
    code, report = client.struck(run, by_name[victim])
    assert (code, report["status"]) == (4, "failed"), report
    if victim != "driver":  # whose end no report of its own tells
        assert "the application ended" in json.dumps(report["error"]), report
    assert cluster.ended()["finalStatus"] == CALLED[victim]
    await_no_containers(cluster, cluster.ended()["id"])

    code, report = client.start(run)
    assert code == 0, report
    check_published_once(run, report)
    assert cluster.ended()["finalStatus"] == "SUCCEEDED"
    assert cluster.ended()["name"] == f"batch-transform {run.run_id}"


def test_in_client_mode_the_exit_code_of_dead_letters_reaches_the_caller(cluster, scene, place, tmp_path):
    run = shipped_run(scene, tmp_path)
    words = ("--set", "errors.max_rows=0", "--name", "nightly")
    code, report = place.with_words(spark_driver_host="127.0.0.1").start(run, *words)
    assert (code, report["rows_dead_letter"]) == (3, 2), report
    assert cluster.ended()["name"] == "nightly"


def test_killed_in_cluster_mode_and_called_again_a_run_is_published_once(cluster, scene, place, tmp_path):
    afar = place.with_words("--deploy-mode", "cluster")
    run = shipped_run(scene, tmp_path)
    code, report = afar.struck(run, lambda: kill(java_of(cluster, MASTER)))
    assert (code, report["status"]) == (4, "submitted"), report
    killed = cluster.ended()
    assert killed["finalStatus"] == "FAILED"
    await_no_containers(cluster, killed["id"])

    code, report = afar.start(run)
    assert (code, report["status"]) == (0, "submitted")
    ended = cluster.ended()
    assert (ended["finalStatus"], ended["name"]) == ("SUCCEEDED", f"batch-transform {run.run_id}")
    assert "[batch-transform] publish" in cluster.log(ended["id"])
    check_published_once(run, status(scene, report))


def test_in_cluster_mode_a_refused_run_is_tried_once_and_its_status_says_why(cluster, scene, place, tmp_path):
    run = shipped_run(scene, tmp_path)
    before = len(cluster.applications())
    code, report = place.with_words("--deploy-mode", "cluster").start(run, "--set", "errors.max_rows=0")
    ended = cluster.ended()
    assert (code, ended["finalStatus"]) == (4, "FAILED")
    assert len(cluster.applications()) == before + 1
    assert not list(cluster.logs.glob(f"{ended['id']}/*_02_000001"))  # no second attempt
    said = status(scene, report)
    assert (said["status"], said["rows_dead_letter"]) == ("over_budget", 2)
    assert "more than `errors` accepts" in cluster.log(ended["id"])


def java_of(cluster, main):
    return [process for process in containers(cluster, main) if process.name() == "java"]


def status(scene, report):
    return json.loads(scene.world.body(report["report"].partition("//")[2].partition("/")[2]))

"""A real Spark cluster of two executors: the same bytes as one machine, lost executors included."""

import json
import os
import signal
import sys
import threading
import time
from pathlib import Path

import pytest
from batch_runs import ASKED, DAY, FIRMS, MALFORMED, MODEL, as_parquet, contents, rows_of, run

from api.cli import main
from recommender.batch import spark
from recommender.batch.jobs import OtherVersions
from recommender.batch.spark import NoSpark, SparkFailed
from recommender.errors import UnreadableFile
from recommender.simulation import companies
from recommender.texts import LANGUAGES, error_text

pytestmark = pytest.mark.java
MASTER = "local-cluster[2,1,1024]"
SOON_READY = "-XX:TieredStopAtLevel=1 -XX:+UseSerialGC"  # Java that is not going to run for long
ROWS = [*rows_of(FIRMS), *((name, raw) for name, raw, _ in MALFORMED)]


@pytest.fixture(scope="module")
def cluster():
    with pytest.MonkeyPatch.context() as environment:
        environment.setenv("JAVA_TOOL_OPTIONS", SOON_READY)
        with spark.session(MASTER) as running:
            yield running


@pytest.fixture(scope="module")
def source(tmp_path_factory):
    return as_parquet(ROWS, tmp_path_factory.mktemp("in") / "firms.parquet")


@pytest.fixture(scope="module")
def whole(source, tmp_path_factory):
    out = tmp_path_factory.mktemp("whole") / "out"
    return out, run(source, out)


def on(cluster):
    return lambda job, parts, told: spark.records(job, parts, cluster, told)


def test_a_cluster_writes_the_same_bytes_as_one_machine(cluster, source, whole, tmp_path):
    assert cluster.sparkContext.master == MASTER
    assert run(source, tmp_path / "out", share=on(cluster), shared=True) == whole[1]
    assert contents(tmp_path / "out") == contents(whole[0])


def test_nothing_is_written_below_the_installed_spark(cluster):
    import pyspark

    home = Path(pyspark.__file__).parent
    ours = cluster.sparkContext.applicationId
    assert not (home / spark.WORK / ours).exists()
    assert (Path(spark._lent(home).name) / spark.WORK / ours).is_dir()


def test_the_command_goes_on_with_what_one_machine_began(cluster, source, whole, tmp_path, capsys):
    out = tmp_path / "out"
    run(source, out)
    (out / "manifest.json").unlink()
    kept = out / "matches" / "part-00001.parquet"
    before = kept.stat().st_mtime_ns
    (out / "_partitions" / "00003.json").unlink()
    flags = ["--in", str(source), "--out", f"file://{out}", "--engine", "spark"]
    more = ["--partition", "10", "--as-of", str(DAY), "--models", str(tmp_path / "models")]
    assert main(["batch", *flags, *more, "--language", "en"]) == 0
    assert whole[1]["run_id"] in capsys.readouterr().out
    assert kept.stat().st_mtime_ns == before
    assert contents(out) == contents(whole[0])


def test_what_stops_a_partition_is_told_in_the_words_of_the_project(cluster, source, tmp_path):
    def share(job, parts, told):
        changed = {**json.loads(job), "source": str(tmp_path / "gone.parquet")}
        return spark.records(json.dumps(changed), parts, cluster, told)

    with pytest.raises(UnreadableFile) as caught:
        run(source, tmp_path / "out", share=share)
    assert "gone.parquet" in caught.value.params["file"]


def test_an_executor_with_other_versions_does_nothing(cluster, source, tmp_path):
    def share(job, parts, told):
        changed = json.loads(job)
        changed["identity"]["parameters_version"] = "0" * 12
        return spark.records(json.dumps(changed), parts, cluster, told)

    with pytest.raises(OtherVersions) as caught:
        run(source, tmp_path / "out", share=share)
    assert [problem.field for problem in caught.value.problems] == ["parameters_version"]
    assert not list((tmp_path / "out").rglob("*.parquet"))


def test_what_spark_gives_up_is_a_clear_error(cluster, source, tmp_path):
    def share(job, parts, told):
        return spark.records("no JSON", parts[:1], cluster, told)

    with pytest.raises(SparkFailed) as caught:
        run(source, tmp_path / "out", share=share)
    assert "JSONDecodeError" in error_text(caught.value, "en")


def executors():
    """The processes in which executors run, and the Python processes that they started."""
    found = [os.getpid()]
    for one in found:
        for task in Path(f"/proc/{one}/task").glob("*/children"):
            try:
                found += [int(word) for word in task.read_text("utf-8").split()]
            except OSError:
                continue
    said = {pid: cmdline(pid) for pid in found}
    jvms = [pid for pid, line in said.items() if b"CoarseGrainedExecutorBackend" in line]
    pythons = [pid for pid, line in said.items() if b"pyspark" in line and b"daemon" in line]
    return jvms, [pid for pid in pythons if pid not in jvms]


def cmdline(pid):
    try:
        return Path(f"/proc/{pid}/cmdline").read_bytes()
    except OSError:
        return b""


def test_a_run_survives_the_loss_of_executors(cluster, tmp_path):
    many = as_parquet(rows_of(companies(150, 5, 0.3)), tmp_path / "firms.parquet")
    out = tmp_path / "out"
    killed = []

    def kill():
        for which in (1, 0):  # a Python process first, then the whole of an executor
            done = len(killed)
            while len(list((out / "_partitions").glob("*.json"))) < 2 + 2 * done:
                time.sleep(0.02)
            os.kill(executors()[which][0], signal.SIGKILL)
            killed.append(which)

    thread = threading.Thread(target=kill, daemon=True)
    thread.start()
    manifest = run(many, out, share=on(cluster))
    thread.join()
    assert killed == [1, 0]
    assert manifest["companies"] == 150
    assert run(many, tmp_path / "whole", MODEL, ASKED) == manifest
    assert contents(out) == contents(tmp_path / "whole")


def test_progress_is_told_and_nothing_left_to_do_is_nothing_to_run(cluster, source, tmp_path):
    told = []
    run(source, tmp_path / "out", share=on(cluster), begin=lambda total: told.append)
    assert told[-1] == 7
    assert list(spark.records("{}", [], cluster)) == []


def test_the_environment_is_left_as_it_was(cluster):
    assert cluster.sparkContext.pythonExec == sys.executable
    with spark.session() as same:
        assert same is cluster
    assert not cluster.sparkContext._jsc.sc().isStopped()


@pytest.mark.parametrize(
    ("hide", "reason"), [("pyspark.sql", "corridor-match[spark]"), ("java", "JAVA_HOME")]
)
def test_a_machine_without_spark_or_java_is_told_what_to_install(monkeypatch, hide, reason):
    if hide == "java":
        monkeypatch.setattr("pyspark.sql.SparkSession.getActiveSession", lambda: None)
        monkeypatch.setenv("PATH", "")
        monkeypatch.delenv("JAVA_HOME", raising=False)
    else:
        monkeypatch.setitem(sys.modules, hide, None)
    with pytest.raises(NoSpark) as caught, spark.session():
        pass
    assert all(reason in error_text(caught.value, language) for language in LANGUAGES)

"""What the help of every command says: how a run is named, and how a command ends."""

from __future__ import annotations

WAYS = """\
WORKSPACE is the folder of the runs, s3://bucket/prefix, or the run file of one.
RUN is a run's folder, s3://bucket/prefix/run_id (its id, or its folder's name), or its run file (with --var and --set
as it was begun).
spark-submit.sh passes on what spark-submit knows (--master, --conf, ...), where a command begins Spark, and whatever
stands after --."""
ENDS = """\
The one line on standard output is the report, in JSON; everything else goes to standard error, at its end what became
of it in a sentence. What list, show, errors, logs and report print is for a person; with -o json it is JSON.
Exit codes: 0 published, or done; 2 run file or arguments are wrong, nothing was done; 3 more dead letters than `errors`
accepts, or compare found other predictions; 4 the service, S3 or the cluster failed, the same again resumes;
130, 143 interrupted, jobs were stopped."""

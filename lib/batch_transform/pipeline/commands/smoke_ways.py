"""The options of `smoke`, and what its help says besides. Needs nothing that is not Python's own, as all help."""

from __future__ import annotations

# The field of the command line, the name of its value (None: a switch), and what is said of it.
SMOKE_OPTIONS: dict[str, tuple[str, str | None, str]] = {
    "--bucket": ("bucket", "NAME", "where model and rows are put; s3://NAME/PREFIX for below a prefix"),
    "--role": ("role", "ARN", "as which the model runs; it must be allowed to read and write there"),
    "--image": ("image", "URI", "of the model's container; default: AWS's scikit-learn of the region"),
    "--instance-type": ("instance_type", "TYPE", "of the jobs; default: ml.m5.large"),
    "--price-per-hour": ("price_per_hour", "USD", "of one instance, by which the cost is told"),
    "--only": ("only", "SWITCH", "asks for this switch of the emulator alone, and scores no rows"),
    "--keep": ("keep", None, "leaves models and objects, which are else removed, also on Ctrl-C"),
}
SMOKE_WAYS = """\
AWS is reached as by any AWS client (AWS_PROFILE, AWS_REGION; --set aws.profile=NAME). The caller must be allowed
  s3:ListBucket, GetObject, PutObject, DeleteObject     on the bucket, below batch-transform-smoke/
  sagemaker:CreateModel, DescribeModel, DeleteModel     on batch-transform-*
  sagemaker:CreateTransformJob, DescribeTransformJob, StopTransformJob     the same
  logs:DescribeLogStreams, GetLogEvents                 on /aws/sagemaker/TransformJobs
  iam:PassRole                                          on the role
and the role s3:ListBucket, GetObject and PutObject there, the writing of that log group, and the pull of the image.

Up to twelve small jobs run side by side, or one after the other where the quota allows no more; each takes minutes, of
which its start is most. With --only, which may be given several times, no more is run than tells those switches.

The report has, for each switch of the emulator (transform-emulator --list-switches), what the service did and from what
that is told. It names no account, no bucket and no role, and can be attached to an issue."""

"""The points at which AWS's behaviour could not be confirmed, each with the reading taken and why."""

from dataclasses import dataclass
from enum import Enum

from transform_emulator.service.limits import BYTES_PER_MB


class Sharding(Enum):
    """How input objects are mapped to instances."""

    HASH_OF_KEY = "hash_of_key"
    CONTIGUOUS_RANGES = "contiguous_ranges"
    ALL_TO_ONE = "all_to_one"


class AnswerType(Enum):
    """What comes first of the two that may say how an answer is to be read."""

    ACCEPT = "accept"
    CONTENT_TYPE = "content_type"


class InnerAccept(Enum):
    """The Accept header of a pipeline's containers before the last."""

    ABSENT = "absent"
    ANY = "any"
    JOBS = "jobs"


class JobEnvironment(Enum):
    """Which containers of a pipeline have the job's variables."""

    ALL = "all"
    FIRST = "first"


@dataclass(frozen=True)
class Switches:
    """One field for each unconfirmed point; the defaults are what the emulator does unless told otherwise.

    Attributes:
        bytes_per_mb: What MaxPayloadInMB counts in. Default 2**20: only so does the log of a job with 25,000 records of
            10,000 bytes add up.
        payload_limit_inclusive: A body of exactly MaxPayloadInMB is sent. Default yes, as AWS's XGBoost server refuses
            only what is larger; the SDK's local mode sends only what is smaller.
        payload_zero_sends_whole_objects: With MaxPayloadInMB=0 and MultiRecord an object is one body rather than one
            for each record. Default yes, as the SDK's local mode does.
        blank_lines_are_records: SplitType=Line sends blank lines too. Default yes: models of real jobs got bodies
            without content (gluonts#927).
        folder_markers_are_objects: A key that ends with a slash is an input object like any other. Default yes, as
            "all objects" below a prefix are (TransformS3DataSource).
        manifest_entries_keep_folders: The output of a manifest's entry `x/a` is `x/a.out` rather than `a.out`. Default
            yes, as for a prefix.
        absent_content_type_is_empty: Without ContentType the header is there, and empty. Default no, as for Accept,
            which "is not specified in the header" (sagemaker-xgboost-container#122).
        empty_object_fails: A zero-byte input object fails. Default: no request and an empty `.out`, since an object
            without records has nothing to send.
        newline_only_if_missing: AssembleWith=Line adds a newline only to a response that has none at its end.
            Default: always, as the SDK's local mode does.
        retried_statuses_from: The lowest HTTP status that is retried up to InvocationsMaxRetries. Default 500: AWS
            calls a 4xx a ClientError, which suggests that it is final.
        no_answer_is_retried: A request without an answer, or not in time, is retried. Default yes: it may pass.
        retry_pause_seconds: How long the service waits before it retries. Default 0: data-logs of real jobs show
            failures within half a second of the start.
        success_statuses_to: The highest HTTP status that counts as scored. Default 299; only 200 was ever seen, and
            AWS's XGBoost container answers an empty body with 204.
        sharding: How objects reach instances. "Partitions the Amazon S3 objects in the input by key" is all that the
            developer guide says; default: a stable hash of the key, modulo the number of instances. `contiguous_ranges`
            cuts the sorted keys; `all_to_one` is the worst that a map by key can do.
        instance_start_seconds: How long an instance takes from its start until its containers are pinged. Default 0,
            at once; jobs of the service take minutes, of which no source tells the parts.
        milliseconds_per_request: What a request costs beside the model server's own time. Default 0.
        nanoseconds_per_byte: What each byte of a request's body costs. Default 0.
        start_is_billed: TransformStartTime, from which instances are billed, comes before instance_start_seconds.
            Default yes: it "indicates when the transform job starts on ML instances".
        files_in_parallel: Several objects are in flight at once on one instance, within MaxConcurrentTransforms.
            Default yes: logs of real jobs show it within one file, and likely between small files.
        stop_keeps_outputs: `.out` objects that were complete when the job was stopped stay. Default no: "doesn't
            store the job's output in S3" (StopTransformJob).
        missing_manifest_key_fails: A manifest entry that names no object fails the job. Default no: a job whose
            manifest matched nothing ended Completed without output (boto3#2044).
        model_data_source_refused: A model whose container uses ModelDataSource is refused. Default yes, in the words of
            sagemaker-python-sdk#4777; nobody has written since 2024 that it changed.
        failed_file_sends_rest: After the first failed request of a file its remaining mini-batches are still sent, for
            nothing. Default no: their answers could not be used.
        slice_end_inclusive: The filter `$[1:4]` reaches to index 4. Default yes: "`$[1:4]` specifies the second through
            fifth columns" (developer guide), against what JSONPath's own slice does.
        answer_type: What an answer that is filtered is read by where both are known formats: the job's `accept`, or the
            answer's own `content_type`. Default accept: an algorithm that answers JSON failed as CSV, and the advice
            was to look at Accept (amazon-sagemaker-examples#821).
        inner_accept: The Accept header of a pipeline's containers before the last: `absent`, `any` (*/*) or the
            `jobs`. Default absent: an Accept of text/csv did not keep a first container from its default, JSON
            (amazon-sagemaker-examples#729).
        inner_input_object: Whether all containers of a pipeline are told the input object and asked for gzip, not the
            first alone. Default true: the request is handed on, and no source shows its headers.
        gzip_answers_are_unpacked: Whether an answer with Content-Encoding gzip is unpacked before anything is made of
            it. Default true: jobs ask for gzip in the words of Go's client, which unpacks what it asked for.
        inner_payload_limit_mb: The most that one container of a pipeline may hand on to the next one; 0 for no limit.
            Default 0: the 5 MB of the developer guide are of endpoints.
        job_environment: Which containers of a pipeline have the job's Environment, `all` or the `first`. Default all:
            the developer guide knows of one container only, whose variables they are.
        join_mismatch_headline: The data-log headline where a join finds another number of records in the response than
            in the request; the wording was never found.
        join_settings_message: The text that refuses a join whose Accept and ContentType, or AssembleWith and SplitType,
            differ; that it is refused at once, and the words, were never found.
        too_large_headline: The data-log headline of a record over MaxPayloadInMB; the wording was never found.
        unknown_job_code: The error code of Describe and Stop for a job that does not exist. Default
            ValidationException, as seen in production code; botocore's model declares ResourceNotFound.
        duplicate_name_message: The text that goes with ResourceInUse, which botocore's model declares; never found.
        payload_product_message: The text that refuses MaxConcurrentTransforms * MaxPayloadInMB > 100; never found.
    """

    bytes_per_mb: int = BYTES_PER_MB
    payload_limit_inclusive: bool = True
    payload_zero_sends_whole_objects: bool = True
    blank_lines_are_records: bool = True
    folder_markers_are_objects: bool = True
    manifest_entries_keep_folders: bool = True
    absent_content_type_is_empty: bool = False
    empty_object_fails: bool = False
    newline_only_if_missing: bool = False
    retried_statuses_from: int = 500
    no_answer_is_retried: bool = True
    retry_pause_seconds: int = 0
    success_statuses_to: int = 299
    sharding: Sharding = Sharding.HASH_OF_KEY
    instance_start_seconds: int = 0
    milliseconds_per_request: int = 0
    nanoseconds_per_byte: int = 0
    start_is_billed: bool = True
    files_in_parallel: bool = True
    stop_keeps_outputs: bool = False
    missing_manifest_key_fails: bool = False
    model_data_source_refused: bool = True
    failed_file_sends_rest: bool = False
    slice_end_inclusive: bool = True
    answer_type: AnswerType = AnswerType.ACCEPT
    inner_accept: InnerAccept = InnerAccept.ABSENT
    inner_input_object: bool = True
    gzip_answers_are_unpacked: bool = True
    inner_payload_limit_mb: int = 0
    job_environment: JobEnvironment = JobEnvironment.ALL
    join_mismatch_headline: str = "Fail to join data: mismatched line count between the input and the output"
    join_settings_message: str = (
        "JoinSource Input requires Accept to be the same as ContentType and AssembleWith to be the same as SplitType."
    )
    too_large_headline: str = "Too much data for max payload size"
    unknown_job_code: str = "ValidationException"
    duplicate_name_message: str = (
        "Job name must be unique within an AWS account and region, and a job with this name already exists ({arn})"
    )
    payload_product_message: str = (
        "MaxConcurrentTransforms ({concurrent}) multiplied by MaxPayloadInMB ({payload}) must not exceed 100."
    )

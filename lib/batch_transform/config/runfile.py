"""The run file as a whole: its sections, and what must hold between two of them."""

from __future__ import annotations

import uuid
from typing import TYPE_CHECKING, Annotated, Any, ClassVar, Literal

from batch_transform.config import places
from batch_transform.config.faults import told_first
from batch_transform.config.joining import check_joined, check_processing
from batch_transform.config.model import Model
from batch_transform.config.prediction import Prediction
from batch_transform.config.record import Record
from batch_transform.config.requests import check_key, settled
from batch_transform.config.result import DeadLetter, Errors, Expect, Output, check_reached, dead_letter_beside
from batch_transform.config.sections import Deploy, Input
from batch_transform.config.surroundings import Aws, Emulator, RunId, Workspace, layout_of
from batch_transform.config.transform import Transform
from batch_transform.config.typed_sections import Section, ValidationInfo, field_validator
from batch_transform.config.typed_values import AfterValidator, Field, PlainValidator, Refused
from batch_transform.config.values import Names, Number, WholeNumber, one_of
from batch_transform.core.errors import ConfigurationError
from batch_transform.core.excerpts import excerpt
from batch_transform.core.ledger import JsonObject
from batch_transform.core.near_names import no_such
from batch_transform.core.object_names import run_folder
from batch_transform.core.predictions.answer_form import AnswerForm, answer_form
from batch_transform.core.run_layout import RunLayout, layouts_named, layouts_of
from batch_transform.core.run_settings import RunSettings
from batch_transform.core.uris import S3Uri
from batch_transform.exports.export_ways import names
from batch_transform.outputs.registry import format_named
from batch_transform.spark.merge_way import DEFAULT, merge_ways

if TYPE_CHECKING:
    from typing_extensions import Self

POLL_SECONDS, EMULATOR_POLL_SECONDS = 30.0, 0.3
# An emulated S3 ends with the run, and Spark needs further jars to reach it; a laptop's disk is nearer.
EMULATOR_STAGING = ".batch_transform/staging"


class RunConfig(Section):
    """A checked run file. `input` and `output` are None only in a `FrameConfig`, `run_id` only with an emulator."""

    takes_frame: ClassVar[bool] = False

    # A rule that spans sections stands at the later of its fields, which sees the earlier ones: keep the order.
    secrets: Names = ()  # keys whose values are secrets although their names do not say so
    secret_variables: dict[str, str] = Field(default_factory=dict)  # filled in: whence such a key has its value
    limit: Annotated[WholeNumber, Field(ge=1)] | None = None  # filled in: so many rows, for `run --limit`
    emulator: Emulator | None = None
    run_id: RunId | None = Field(default=None, validate_default=True)
    workspace: Workspace
    staging: Annotated[str, AfterValidator(places.check_target)] | None = None
    input: Input | None = Field(default=None, validate_default=True)
    record: Record = Record()
    model: Model
    transform: Transform = Field(default=Transform(), validate_default=True)
    prediction: Prediction = Field(default=Prediction(), validate_default=True)
    errors: Errors = Errors()
    output: Output | None = Field(default=None, validate_default=True)
    dead_letter: DeadLetter | None = Field(default=None, validate_default=True)
    aws: Aws = Aws()
    deploy: Deploy = Deploy()
    export: Annotated[str, PlainValidator(one_of(*names()))] = "arrow"
    merge: Annotated[str, PlainValidator(one_of(*merge_ways()))] = DEFAULT
    # Another driver waits this long before it takes a silent run over.
    lease_seconds: Annotated[Number, Field(ge=1, le=3600, allow_inf_nan=False)] = RunSettings.lease_seconds
    # What the jobs may cost. A run that is estimated to pass it is refused, and beyond it no job is created.
    budget_usd: Annotated[Number, Field(gt=0, allow_inf_nan=False)] | None = None
    expect: Expect = ()  # aggregates in SQL, checked before anything is published
    # What becomes of the run's folder, but for its ledger and reports, once the result is published.
    workspace_retention: Annotated[Literal["keep", "delete"], PlainValidator(one_of("keep", "delete"))] = "keep"

    @property
    def row_expressions(self) -> str:
        """The user's own that are computed over the input's rows, in brackets; Spark does not always say which."""
        given = (("input.where", self.input.where if self.input else None), ("record.sql", self.record.sql))
        told = "; ".join(f"{key}: {excerpt(sql)}" for key, sql in given if sql)
        return f" ({told})" if told else ""

    @field_validator("run_id")
    @classmethod
    def _named_outside_the_emulator(cls, run_id: str | None, info: ValidationInfo) -> str | None:
        if run_id is None and "emulator" in info.data and info.data["emulator"] is None:
            raise ValueError("is required; the run is resumed and published once under this name")
        return run_id

    @field_validator("input", "output")
    @classmethod
    def _given_in_a_run_file(cls, section: Input | Output | None, info: ValidationInfo) -> Input | Output | None:
        if isinstance(section, Output) and info.data.get("limit") is not None:
            return None  # into the run's own folder only
        if section is None and not cls.takes_frame and info.data.get("limit") is None:
            raise ValueError("is required, with path or table")
        return section

    @field_validator("input")
    @classmethod
    def _names_another_run(cls, section: Input | None, info: ValidationInfo) -> Input | None:
        own = info.data.get("run_id")
        if section is not None and own is not None:
            workspace, told = S3Uri.parse(info.data.get("workspace", "s3://none")), section.dead_letters or ""
            named = layouts_named(S3Uri.parse(told)) if places.is_s3(told) else layouts_of(workspace, told)
            if told and RunLayout(workspace, run_folder(own)) in named:
                raise ValueError(
                    "names this run itself in dead_letters; a run of its own scores them: give it a run_id of its own"
                )
        return section

    @field_validator("output")
    @classmethod
    def _adds_what_is_scored_again(cls, output: Output | None, info: ValidationInfo) -> Output | None:
        given = info.data.get("input")
        if output is None or given is None or given.dead_letters is None:
            return output
        if "mode" not in output.model_fields_set:
            return output.model_copy(update={"mode": "append"})
        if output.mode.startswith("overwrite"):
            raise ValueError(
                f"has mode: {output.mode}, which would put the rows of input.dead_letters in the place of those that "
                "are scored; give mode: append"
            )
        return output

    @field_validator("model")
    @classmethod
    def _named_and_known_to_the_emulator(cls, model: Model, info: ValidationInfo) -> Model:
        model, emulator = model.named(info.data.get("secrets", ())), info.data.get("emulator")
        unknown = [] if emulator is None else [name for name in model.served_as if name not in emulator.models]
        if emulator is not None and unknown:
            raise ValueError(no_such("model", unknown, "emulator.models", sorted(emulator.models)))
        return model

    @field_validator("transform")
    @classmethod
    def _goes_with_the_record(cls, transform: Transform, info: ValidationInfo) -> Transform:
        record = info.data.get("record")
        if record is None:
            return transform
        transform = settled(transform, record)
        if transform.processes_data:
            check_processing(transform, record.media_type)
        return transform

    @field_validator("prediction")
    @classmethod
    def _goes_with_what_is_sent(cls, prediction: Prediction, info: ValidationInfo) -> Prediction:
        record, transform = info.data.get("record"), info.data.get("transform")
        if record is not None:
            check_key(prediction, record)
        if record is not None and transform is not None and transform.join_source == "input":
            check_joined(prediction, transform, record.media_type)
        return prediction

    @field_validator("dead_letter")
    @classmethod
    def _published_like_the_output(cls, dead_letter: DeadLetter | None, info: ValidationInfo) -> DeadLetter | None:
        output = info.data.get("output")
        if dead_letter is None or output is None:
            return dead_letter
        can = format_named(output.format).can
        if not can.takes_tables and dead_letter.table is not None:
            raise ValueError(
                f"is a table, but output.format is {can.name}, which is published into a path; give dead_letter.path"
            )
        if dead_letter.path is not None:
            check_reached(can, dead_letter.path)
        if (dead_letter.path, dead_letter.table) == (output.path, output.table):
            raise ValueError("is the same place as output; name another one")
        return dead_letter

    @classmethod
    def from_document(cls, document: JsonObject) -> Self:
        """Returns the configuration that `to_document` wrote.

        Raises:
            ConfigurationError: a version wrote it whose run files are others, or a record format's module is not here.
        """
        try:
            return cls.model_validate(document)
        except Refused as err:
            told = told_first(err, cls, document)
            raise ConfigurationError(
                f"was begun by another version, or where other modules are: {told}; go on there"
            ) from None

    def to_document(self) -> dict[str, Any]:
        """Returns plain maps and scalars, defaults and secrets in clear written out; a ledger may have it `sealed`."""
        return self.model_dump()

    @property
    def settings(self) -> RunSettings:
        """What the run is asked for, as the core decides by it."""
        return RunSettings.of(self.to_document())

    def named(self) -> Self:
        """Returns the configuration with a run id: a run against the emulator needs none, and is given one."""
        return self if self.run_id is not None else self.model_copy(update={"run_id": f"run-{uuid.uuid4().hex[:12]}"})

    def limited(self, rows: int) -> Self:
        """Returns the configuration of a run of its own that scores so many rows, into its own folder only.

        What is expected of all predictions is not expected of some.
        """
        name = f"{self.named().run_id}-limit-{rows}"
        nowhere = {"output": None, "dead_letter": None}
        return self.model_copy(update={"run_id": name, "limit": rows, "expect": (), **nowhere})

    @property
    def layout(self) -> RunLayout:
        """Where on S3 the run lies, if it begins now; one that has no id yet lies nowhere in its workspace."""
        return layout_of(self.workspace, self.run_id)

    @property
    def answer_form(self) -> AnswerForm:
        """How predictions lie in an output."""
        return answer_form(self.settings)

    @property
    def emulated(self) -> bool:
        """Whether the run goes against the embedded emulator."""
        return self.emulator is not None

    @property
    def ephemeral(self) -> bool:
        """Whether everything that the run has on S3 ends with its driver."""
        return self.emulator is not None and self.emulator.state is None

    def poll_seconds(self, *, emulated: bool) -> float:
        """Returns the seconds between two looks at the jobs, as given or else by whether an emulator is looked at."""
        return self.transform.poll_seconds or (EMULATOR_POLL_SECONDS if emulated else POLL_SECONDS)

    @property
    def staging_place(self) -> str:
        """Where the runs' folders of staged files lie: as given, else the workspace, else the laptop's disk."""
        return self.staging or (EMULATOR_STAGING if self.emulated else self.workspace)

    @property
    def dead_letter_place(self) -> DeadLetter | None:
        """Where dead letters go: as given, else beside the output; None: neither is given."""
        given = self.dead_letter
        if self.output is None or (given is not None and (given.path or given.table)):
            return given
        return dead_letter_beside(self.output, given.column if given is not None else None)

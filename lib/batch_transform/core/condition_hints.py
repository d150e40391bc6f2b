"""What a condition of Spark's means for whoever reads of it, where Spark's own words quote a row."""

from __future__ import annotations

HINTS = {
    "CANNOT_MERGE_SCHEMAS": "files have a column of one name in types that do not go together",
    "CANNOT_PARSE_TIMESTAMP": "a text is no timestamp of that format",
    "CAST_INVALID_INPUT": "a value cannot be cast; try_cast makes it null",
    "CAST_OVERFLOW": "a value is beyond the type that it is cast to; try_cast makes it null",
    "CODEC_NOT_AVAILABLE": "Spark knows no such compression",
    "COLUMN_ALREADY_EXISTS": "two columns have one name, or one but for upper and lower case, which "
    "spark.sql.caseSensitive=true tells apart; of CSV: is the first line of each file its header?",
    "DECIMAL_PRECISION_EXCEEDS_MAX_PRECISION": "a decimal has at most 38 digits",
    "DELTA_VERSION_NOT_FOUND": "the table has no such version (versionAsOf)",
    "DIVIDE_BY_ZERO": "division by zero; try_divide makes it null",
    "DUPLICATED_MAP_KEY": "a map has a key twice",
    "INVALID_ARRAY_INDEX": "an array has no such element",
    "INVALID_FORMAT": "a text does not match the format",
    "INVALID_PARAMETER_VALUE": "a function or an option is given a value that it does not take",
    "INVALID_TIMEZONE": "there is no such time zone",
    "MALFORMED_RECORD_IN_PARSING": "a record cannot be parsed, and the mode is FAILFAST",
    "OPTION_VALUE_EXCEEDS_ONE_CHARACTER": "an option of one character is given more",
    "USER_RAISED_EXCEPTION": "an expression raised an error of its own",
}

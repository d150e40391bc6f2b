"""Which plans give the same rows, in the same order in each partition, whenever a task of them is tried again. Pure.

Told by names that are known, and nothing else: a copy of a table is all that a name costs that is not among them, and
rows that are staged twice or lost are what one would cost that is forgotten in a list of those that may not be. So what
a person or a library has added, and what a later Spark adds, is not firm before somebody has decided it.

Spark's own word for it (`Expression.deterministic`) has `aes_encrypt` with its random vectors and whatever Java method
is named among what is the same each time, and is of an expression alone: a limit takes whichever rows come first, and a
join or a sort gives them in the order in which a shuffle's blocks arrive.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

# A scan and what takes, drops or computes its rows one by one. A branch, a subquery's too, begins with a colon.
_ROW_BY_ROW = re.compile(r" *(\+- )?(Filter|Project|Relation|SubqueryAlias|View)\b")
_BRANCH = re.compile(r" *:")
# A literal is printed as it is: one that looks like a call makes a plan less firm, and none hides another's name.
# A word is looked through from its beginning alone, or one of a megabyte (an encoded text, a pattern of a thousand
# alternatives) would be once for each of its characters.
_CALL = re.compile(r"(?<![^\s(),\[\]])([^\s(),\[\]]+)\(")
_CALLED_BY_PYTHON = re.compile(r"\)#\d+")  # a Python function shows as its name, its arguments and an id
# Spark's functions of which the answer follows from their arguments; or from the task, whose split is its own (where a
# row lies, `monotonically_increasing_id`); or is one for a query, which is told of time, user and place before it runs.
# Those of many rows are among them: what they stand in is not row by row. What is not is in the test of this module.
_NAMES = """
abs acos acosh add_months aes_decrypt aggregate and any any_value approx_count_distinct approx_percentile approx_top_k
approx_top_k_accumulate approx_top_k_combine approx_top_k_estimate array array<decimal array_agg array_append
array_compact array_contains array_distinct array_except array_insert array_intersect array_join array_max array_min
array_position array_prepend array_remove array_repeat array_size array_sort array_union arrays_overlap arrays_zip ascii
asin asinh assert_true atan atan2 atanh atleastnnonnulls avg base64 between bigint bin binary bit_and bit_count bit_get
bit_length bit_or bit_xor bitmap_and_agg bitmap_bit_position bitmap_bucket_number bitmap_construct_agg bitmap_count
bitmap_or_agg bool_and bool_or boolean bround btrim cardinality case cast cbrt ceil ceiling char char_length
character_length chr coalesce collate collation collations collect_list collect_set concat concat_ws contains conv
convert_timezone corr cos cosh cot count count_if count_min_sketch covar_pop covar_samp crc32 csc cume_dist curdate
current_catalog current_database current_date current_path current_schema current_time current_timestamp
current_timezone current_user date date_add date_diff date_format date_from_unix_date date_part date_sub date_trunc
dateadd datediff datepart day dayname dayofmonth dayofweek dayofyear decimal decimaltype decode degrees dense_rank div
double dropfield e element_at elt encode endswith equal_null every exists exp explode explode_outer expm1 extract
extractansiintervaldays factorial filter find_in_set first first_value flatten float floor forall format_number
format_string from_avro from_csv from_json from_protobuf from_unixtime from_utc_timestamp from_xml geography geometry
get get_json_object getbit greatest grouping grouping_id hash hex histogram_numeric hll_sketch_agg hll_sketch_estimate
hll_union hll_union_agg hour hypot if ifnull ilike in initcap inline inline_outer input_file_block_length
input_file_block_start input_file_name instr int is_valid_utf8 is_valid_variant is_variant_null isnan isnotnull isnull
json_array_length json_object_keys json_tuple kll_sketch_get_n_bigint kll_sketch_get_n_double kll_sketch_get_n_float
kll_sketch_get_quantile_bigint kll_sketch_get_quantile_double kll_sketch_get_quantile_float kll_sketch_get_rank_bigint
kll_sketch_get_rank_double kll_sketch_get_rank_float kll_sketch_to_string_bigint kll_sketch_to_string_double
kll_sketch_to_string_float knownnullable kurtosis lag lambdafunction last last_day last_value lcase lead least left len
length levenshtein like likeall likeany listagg ln localtimestamp locate log log10 log1p log2 lower lpad ltrim
luhn_check make_date make_dt_interval make_interval make_time make_timestamp make_timestamp_ltz make_timestamp_ntz
make_valid_utf8 make_ym_interval map map_concat map_contains_key map_entries map_filter map_from_arrays map_from_entries
map_keys map_values map_zip_with mask max max_by md5 mean measure median min min_by minute mod mode
monotonically_increasing_id month monthname months_between named_struct nanvl negative next_day not notlikeall
notlikeany now nth_value ntile nullif nullifzero nvl nvl2 octet_length or overlay parse_json parse_url percent_rank
percentile percentile_approx percentile_cont percentile_disc pi pmod posexplode posexplode_outer position positive pow
power precisetimestampconversion printf quarter quote radians raise_error range rank reduce regexp regexp_count
regexp_extract regexp_extract_all regexp_instr regexp_like regexp_replace regexp_substr regr_avgx regr_avgy regr_count
regr_intercept regr_r2 regr_slope regr_sxx regr_sxy regr_syy repeat replace reverse right rint rlike round row_number
rpad rtrim schema_of_avro schema_of_csv schema_of_json schema_of_variant schema_of_variant_agg schema_of_xml sec second
sentences sequence session_user session_window sha sha1 sha2 shiftleft shiftright shiftrightunsigned sign signum sin
sinh size skewness slice smallint some sort_array soundex space spark_partition_id specifiedwindowframe split split_part
sql_keywords sqrt st_asbinary st_geogfromwkb st_geomfromwkb st_setsrid st_srid stack startswith std stddev stddev_pop
stddev_samp str_to_map string string_agg struct structfield substr substring substring_index sum tan tanh
theta_difference theta_intersection theta_intersection_agg theta_sketch_agg theta_sketch_estimate theta_union
theta_union_agg time time_bucket time_diff time_from_micros time_from_millis time_from_seconds time_to_micros
time_to_millis time_to_seconds time_trunc timestamp timestamp_micros timestamp_millis timestamp_seconds timestampadd
timestampdiff tinyint to_avro to_binary to_char to_csv to_date to_json to_number to_protobuf to_time to_timestamp
to_timestamp_ltz to_timestamp_ntz to_unix_timestamp to_utc_timestamp to_varchar to_variant_object to_xml transform
transform_keys transform_values translate trim trunc try_add try_aes_decrypt try_avg try_cast try_divide try_element_at
try_make_interval try_make_timestamp try_make_timestamp_ltz try_make_timestamp_ntz try_mod try_multiply try_parse_json
try_parse_url try_subtract try_sum try_to_binary try_to_date try_to_number try_to_time try_to_timestamp try_url_decode
try_validate_utf8 try_variant_get tuple_difference_double tuple_difference_integer tuple_difference_theta_double
tuple_difference_theta_integer tuple_intersection_agg_double tuple_intersection_agg_integer tuple_intersection_double
tuple_intersection_integer tuple_intersection_theta_double tuple_intersection_theta_integer tuple_sketch_agg_double
tuple_sketch_agg_integer tuple_sketch_estimate_double tuple_sketch_estimate_integer tuple_sketch_summary_double
tuple_sketch_summary_integer tuple_sketch_theta_double tuple_sketch_theta_integer tuple_union_agg_double
tuple_union_agg_integer tuple_union_double tuple_union_integer tuple_union_theta_double tuple_union_theta_integer typeof
ucase unbase64 unhex unix_date unix_micros unix_millis unix_seconds unix_timestamp update_fields upper url_decode
url_encode user validate_utf8 var_pop var_samp varchar variance variant_explode variant_explode_outer variant_get
vector_avg vector_cosine_similarity vector_inner_product vector_l2_distance vector_norm vector_normalize vector_sum
version weekday weekofyear when width_bucket window window_time windowspecdefinition withfield xpath xpath_boolean
xpath_double xpath_float xpath_int xpath_long xpath_number xpath_short xpath_string xxhash64 year zeroifnull zip_with
"""
_FIRM = frozenset(_NAMES.split())
# Of these the answer is another one in another query: of its time, its user, its tasks and files.
_TOLD_A_QUERY = """
curdate current_catalog current_database current_date current_path current_schema current_time
current_timestamp current_user input_file_block_length input_file_block_start input_file_name localtimestamp
monotonically_increasing_id now session_user spark_partition_id user version
"""
_OF_A_QUERY = frozenset(_TOLD_A_QUERY.split())
# Spark takes these texts for days where they are compared with one; a plan may have the day alone.
_OF_TODAY = re.compile(r"""['"]\s*(?:now|today|tomorrow|yesterday)\b""", re.IGNORECASE)


def is_firm(plan: str) -> bool:
    """Returns whether an analysed plan gives the same rows in the same order, as far as names tell it.

    Args:
        plan: as `explain` prints it; its first line has the columns.
    """
    lines = _lines(plan)
    chain = bool(lines) and all(_ROW_BY_ROW.match(line) for line in lines)
    return chain and not calls_python(plan) and not calls_unknown(plan)


def is_of_one_scan(plan: str) -> bool:
    """Returns whether all rows of an analysed plan are made of those of one scan of files: it has no branch.

    A join or a union has several sources, whatever they are, and so has a condition with a query in it.
    """
    lines = _lines(plan)
    return bool(lines) and not any(map(_BRANCH.match, lines)) and lines[-1].lstrip(" +-").startswith("Relation")


def is_by_values(plan: str, condition: str) -> bool:
    """Returns whether a condition holds for the same rows of a table in each query: by their values alone.

    Args:
        plan: of the rows for which it holds.
        condition: as it was written.
    """
    is_of_a_query = any(name in _OF_A_QUERY for name in _called(plan)) or _OF_TODAY.search(condition)
    has_query = any(map(_BRANCH.match, _lines(plan)))
    return not (is_of_a_query or has_query or calls_python(plan) or calls_unknown(plan))


def calls_python(plan: str) -> bool:
    """Returns whether a plan may call Python functions."""
    return _CALLED_BY_PYTHON.search(plan) is not None


def calls_unknown(plan: str) -> bool:
    """Returns whether a plan may call a function that is not known to give the same answer each time."""
    return any(name and name not in _FIRM for name in _called(plan))


def _called(plan: str) -> Iterator[str]:
    """The names of what looks like a call."""
    return (name.lstrip("-~").lower() for line in _lines(plan) for name in _CALL.findall(line))


def _lines(plan: str) -> list[str]:
    """The lines of operators."""
    return plan.strip().split("\n")[1:]

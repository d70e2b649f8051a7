/* SPDX-License-Identifier: BSD-3-Clause */
/* Tests of the report's JSON against a golden file that was checked with design 4 by hand. */
#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <jansson.h>

#include "stats.h"
#include "stats_sample.h"
#include "unit.h"

static json_t *golden(void)
{
	json_error_t error;
	json_t *json = json_load_file(STATS_GOLDEN, 0, &error);

	if (json == NULL)
		fail_msg("%s:%d: %s", STATS_GOLDEN, error.line, error.text);
	return json;
}

/* Keys in order, values and types: all of it. */
static bool is_same(const json_t *a, const json_t *b)
{
	char *x = json_dumps(a, JSON_COMPACT), *y = json_dumps(b, JSON_COMPACT);
	bool is_equal = strcmp(x, y) == 0;

	free(x);
	free(y);
	return is_equal;
}

static void the_report_is_exactly_the_golden_one(void **state)
{
	struct stats_report *report = stats_sample_create();
	json_t *json = stats_json(report), *want = golden();

	assert_true(is_same(json, want));
	json_decref(want);
	json_decref(json);
	stats_report_destroy(report);
}

static void a_key_more_or_less_or_elsewhere_is_noticed(void **state)
{
	struct stats_report *report = stats_sample_create();
	json_t *json = stats_json(report), *want = golden();
	json_t *version = json_incref(json_object_get(want, "version"));

	json_object_del(want, "version");
	assert_false(is_same(json, want));
	json_object_set_new(want, "version", version);
	assert_false(is_same(json, want)); /* at the end now */
	json_decref(want);

	want = golden();
	json_object_set_new(want, "more", json_null());
	assert_false(is_same(json, want));
	json_decref(want);
	json_decref(json);
	stats_report_destroy(report);
}

static void what_is_written_reads_back_the_same(void **state)
{
	struct stats_report *report = stats_sample_create();
	json_t *want = golden(), *read;
	size_t size = 0;
	char *text = NULL;
	FILE *file = open_memstream(&text, &size);

	assert_int_equal(stats_json_write(report, file), 0);
	fclose(file);
	assert_ptr_equal(strchr(text, '\n'), text + size - 1); /* one line */
	read = json_loads(text, 0, NULL);
	assert_non_null(read);
	assert_true(is_same(read, want));
	json_decref(read);
	json_decref(want);
	free(text);
	stats_report_destroy(report);
}

static void figures_past_signed_integers_do_not_turn_negative(void **state)
{
	const struct {
		uint64_t value;
		json_int_t shown;
	} cases[] = {
		{0, 0},
		{(uint64_t)UINT32_MAX + 1, (json_int_t)UINT32_MAX + 1},
		{LLONG_MAX, LLONG_MAX},
		{(uint64_t)LLONG_MAX + 1, LLONG_MAX},
		{UINT64_MAX - 1, LLONG_MAX},
	};

	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		json_t *json = stats_json_u64(cases[i].value);

		assert_true(json_is_integer(json));
		assert_int_equal(json_integer_value(json), cases[i].shown);
		json_decref(json);
	}
}

static void what_does_not_apply_is_null(void **state)
{
	json_t *json = stats_json_u64(STATS_NA);

	assert_true(json_is_null(json));
	json_decref(json);
}

static void a_name_that_is_no_utf8_is_still_reported(void **state)
{
	struct stats_replay replay = {.file = "caf\xe9.pcap"};
	json_t *json = stats_json_replay(&replay);

	assert_non_null(json);
	assert_string_equal(json_string_value(json_object_get(json, "file")), "caf?.pcap");
	json_decref(json);
	strcpy(replay.file, "caf\xc3\xa9.pcap");
	json = stats_json_replay(&replay);
	assert_string_equal(json_string_value(json_object_get(json, "file")), replay.file);
	json_decref(json);
}

static void a_full_disk_is_an_error(void **state)
{
	struct stats_report *report = stats_sample_create();
	FILE *file = fopen("/dev/full", "w");

	assert_non_null(file);
	assert_int_equal(stats_json_write(report, file), -ENOSPC);
	fclose(file);
	stats_report_destroy(report);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(the_report_is_exactly_the_golden_one),
		cmocka_unit_test(a_key_more_or_less_or_elsewhere_is_noticed),
		cmocka_unit_test(what_is_written_reads_back_the_same),
		cmocka_unit_test(figures_past_signed_integers_do_not_turn_negative),
		cmocka_unit_test(what_does_not_apply_is_null),
		cmocka_unit_test(a_name_that_is_no_utf8_is_still_reported),
		cmocka_unit_test(a_full_disk_is_an_error),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

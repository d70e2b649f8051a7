/* SPDX-License-Identifier: BSD-3-Clause */
/* Tests of the tables: they say what the JSON says, and their columns stand. */
#include <ctype.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <jansson.h>

#include "stats.h"
#include "stats_sample.h"
#include "stats_table.h"
#include "unit.h"

static char *text_of(const struct stats_report *report)
{
	size_t size = 0;
	char *text = NULL;
	FILE *file = open_memstream(&text, &size);

	stats_text(report, file);
	fclose(file);
	return text;
}

static bool ends_word(char c)
{
	return c == '\0' || isspace((unsigned char)c) || c == ',' || c == ':';
}

/* True when it stands in the text as a word of its own; a queue has its direction before it. */
static bool has_word(const char *text, const char *word)
{
	const char *at = text;

	for (; (at = strstr(at, word)) != NULL; at++) {
		bool starts = at == text || ends_word(at[-1]) || at[-1] == 'x';

		if (starts && ends_word(at[strlen(word)]))
			return true;
	}
	return false;
}

static void expect_on_screen(const char *text, const json_t *json)
{
	const char *key;
	json_t *value;
	char word[64];
	size_t i;

	if (json_is_integer(json)) {
		snprintf(word, sizeof(word), "%" JSON_INTEGER_FORMAT, json_integer_value(json));
		if (!has_word(text, word))
			fail_msg("%s is not on the screen", word);
	} else if (json_is_real(json)) {
		snprintf(word, sizeof(word), "%.6f", json_real_value(json));
		if (!has_word(text, word))
			fail_msg("%s is not on the screen", word);
	} else if (json_is_string(json)) {
		if (!has_word(text, json_string_value(json)))
			fail_msg("\"%s\" is not on the screen", json_string_value(json));
	} else if (json_is_array(json)) {
		json_array_foreach(json, i, value)
			expect_on_screen(text, value);
	} else if (json_is_object(json)) {
		json_object_foreach((json_t *)(uintptr_t)json, key, value)
			expect_on_screen(text, value);
	} else if (json_is_null(json)) {
		assert_true(has_word(text, "n/a"));
	} else {
		assert_true(json_is_boolean(json)); /* has no word: see rings below */
	}
}

static void every_figure_of_the_json_is_on_the_screen(void **state)
{
	struct stats_report *report = stats_sample_create();
	json_t *json = stats_json(report);
	char *text = text_of(report);

	json_object_del(json, "version"); /* of the file's form */
	expect_on_screen(text, json);
	free(text);
	json_decref(json);
	stats_report_destroy(report);
}

static void a_figure_that_is_not_in_the_report_is_not_found(void **state)
{
	struct stats_report *report = stats_sample_create();
	char *text = text_of(report);

	assert_true(has_word(text, "1000"));
	assert_false(has_word(text, "999"));
	assert_false(has_word(text, "100"));
	free(text);
	stats_report_destroy(report);
}

static void a_port_without_a_domain_shows_n_a_and_not_0(void **state)
{
	struct stats_report *report = stats_sample_create();
	size_t size = 0;
	char *text = NULL;
	FILE *file = open_memstream(&text, &size);

	stats_text_iotlb(report, stats_report_port(report, 7), -1, file);
	fclose(file);
	assert_non_null(strstr(text, "n/a"));
	assert_null(strstr(strchr(strchr(text, '\n') + 1, '\n') + 1, " 0"));
	free(text);
	stats_report_destroy(report);
}

static void faults_out_of_the_kernel_s_log_are_at_least_so_many(void **state)
{
	struct stats_report *report = stats_sample_create();
	unsigned int domain_count = report->domain_count;
	char *text = text_of(report);

	assert_non_null(strstr(text, "domain 4: at least 1 of reason 6"));
	assert_non_null(strstr(text, "domain 5: n/a, the kernel's log is not read"));
	assert_non_null(strstr(text, "domain 6: n/a, nothing refuses an access there"));
	assert_non_null(strstr(text, "domain 6 is UNPROTECTED"));
	assert_null(strstr(text, "domain 5 is UNPROTECTED"));
	assert_non_null(strstr(text, "it left out 51 lines"));
	assert_non_null(strstr(text, ">=2\n"));
	/* what a software unit counts is all there is */
	assert_null(strstr(text, "domain 0: at least"));
	assert_null(strstr(text, ">=3"));
	free(text);
	report->kernel.has_log = false;
	report->domain_count = 1;
	text = text_of(report);
	assert_null(strstr(text, "at least"));
	assert_null(strstr(text, "left out"));
	free(text);
	report->domain_count = domain_count;
	stats_report_destroy(report);
}

/* Inlined, gcc 12 takes the text for a local. */
__attribute__((noinline)) static char *text_of_queue(const struct stats_report *report, int queue)
{
	size_t size = 0;
	char *text = NULL;
	FILE *file = open_memstream(&text, &size);

	stats_text_iotlb(report, stats_report_port(report, 0), queue, file);
	fclose(file);
	return text;
}

static void rings_that_are_not_found_are_told_once(void **state)
{
	struct stats_report *report = stats_sample_create();
	char *text = text_of_queue(report, 0), *at = strstr(text, "rings: not known");

	assert_non_null(at);
	assert_true(has_word(at, "tx0"));
	assert_null(strstr(at + 1, "rings: not known"));
	free(text);
	text = text_of_queue(report, 1);
	assert_null(strstr(text, "rings"));
	free(text);
	stats_report_destroy(report);
}

static void what_is_estimated_stands_under_the_word_model_and_apart(void **state)
{
	struct stats_report *report = stats_sample_create();
	char *text = text_of_queue(report, 1), *model = strstr(text, "IOTLB model");
	char word[24];

	assert_non_null(model);
	assert_true(has_word(model, "model"));
	snprintf(word, sizeof(word), "%" PRIu64,
		 report->ports[0].rx_queues[1].iotlb.model.predicted_misses);
	assert_true(has_word(model, word));
	*model = '\0';
	assert_false(has_word(text, word));
	assert_true(has_word(text, "exact"));
	free(text);
	/* without estimates there is no table of them */
	report->ports[0].rx_queues[1].iotlb.model.is_tracked = false;
	text = text_of_queue(report, 1);
	assert_null(strstr(text, "model"));
	free(text);
	stats_report_destroy(report);
}

/* Inlined, gcc 12 takes the text for a local. */
__attribute__((noinline)) static char *text_of_pmu(const struct stats_pmu *pmu, int port,
						   bool is_summary)
{
	size_t size = 0;
	char *text = NULL;
	FILE *file = open_memstream(&text, &size);

	if (is_summary)
		stats_text_pmu_summary(pmu, port, file);
	else
		stats_text_pmu(pmu, port, file);
	fclose(file);
	return text;
}

static void expect_text_of_pmu(const struct stats_pmu *pmu, int port, bool is_summary,
			       const char *words)
{
	char *text = text_of_pmu(pmu, port, is_summary);

	if (strstr(text, words) == NULL)
		fail_msg("\"%s\" does not say \"%s\"", text, words);
	free(text);
}

static void hardware_counters_tell_their_source_and_scope(void **state)
{
	struct stats_report *report = stats_sample_create();

	expect_text_of_pmu(&report->pmu, -1, false, "requester");
	expect_text_of_pmu(&report->pmu, 7, true,
			   "(hw): dmar0, requester 0000:18:00.1, lookups 1166, hits 1167, misses "
			   "1168\n");
	expect_text_of_pmu(&report->pmu, 7, true,
			   "(hw): dmar0, unit as a whole, lookups 1171, hits 1172, misses 1173 "
			   "(scaled)\n");
	report->pmu.units[0].hits = STATS_NA;
	expect_text_of_pmu(&report->pmu, 7, true, "hits n/a, misses");
	stats_report_destroy(report);
}

static void hardware_counters_that_are_not_there_are_n_a_with_the_reason(void **state)
{
	struct stats_report *report = stats_sample_create();

	expect_text_of_pmu(&report->pmu, 0, false, "n/a (net_dmanic0 is no PCI device)");
	expect_text_of_pmu(&report->pmu, 0, true, "n/a (net_dmanic0 is no PCI device)");
	strcpy(report->pmu.reason, "dmar1 has no PMU");
	expect_text_of_pmu(&report->pmu, -1, false, "not all is counted: dmar1 has no PMU");
	report->pmu.reasons[0].port = 7;
	strcpy(report->pmu.reasons[0].text, "no event iotlb_hit");
	expect_text_of_pmu(&report->pmu, 7, false, "not all is counted: no event iotlb_hit");
	stats_report_destroy(report);
}

static void a_plot_has_a_bar_for_each_size(void **state)
{
	struct stats_report *report = stats_sample_create();
	size_t size = 0;
	char *text = NULL;
	FILE *file = open_memstream(&text, &size);

	report->units[0].curve_ppm[0] = 1000000;
	report->units[0].curve_ppm[6] = 1;
	report->units[0].curve_ppm[7] = 0;
	stats_text_curves(report, NULL, -1, true, file);
	fclose(file);
	assert_non_null(strstr(
		text, "    32 |##################################################| 100.0 %\n"));
	assert_non_null(strstr(
		text, "  2048 |#                                                 |   0.0 %\n"));
	assert_non_null(strstr(
		text, "  4096 |                                                  |   0.0 %\n"));
	free(text);
	stats_report_destroy(report);
}

static void a_queue_that_is_asked_for_comes_alone(void **state)
{
	struct stats_report *report = stats_sample_create();
	size_t size = 0;
	char *text = NULL;
	FILE *file = open_memstream(&text, &size);

	stats_text_iotlb(report, stats_report_port(report, 0), 1, file);
	stats_text_dma(report, stats_report_port(report, 0), 1, file);
	fclose(file);
	assert_true(has_word(text, "rx1"));
	assert_false(has_word(text, "rx0"));
	assert_false(has_word(text, "tx0"));
	free(text);
	stats_report_destroy(report);
}

static void numbers_stand_right_and_words_left_without_blanks_at_the_end(void **state)
{
	static const char *const titles[] = {"id", "name", "bytes", "note", NULL};
	static const char want[] = "  id  name   bytes  note\n"
				   "   7  a        n/a\n"
				   "  10  bcdef   0x1f  x y\n";
	struct stats_table *table = stats_table_create(titles);
	size_t size = 0;
	char *text = NULL;
	FILE *file = open_memstream(&text, &size);

	stats_table_add_u64(table, 7);
	stats_table_add(table, "a");
	stats_table_add_u64(table, STATS_NA);
	stats_table_add(table, "%s", "");
	stats_table_add_u64(table, 10);
	stats_table_add(table, "bcdef");
	stats_table_add(table, "0x%x", 31);
	stats_table_add(table, "x y");
	stats_table_print(table, file);
	fclose(file);
	assert_string_equal(text, want);
	free(text);
	stats_table_destroy(table);
}

static void an_empty_report_has_tables_without_rows(void **state)
{
	struct stats_report report = {.duration_ns = 5};
	char *text = text_of(&report);

	assert_non_null(strstr(text, "Report over 5 ns"));
	assert_non_null(strstr(text, "Ports\n  port  name"));
	free(text);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(every_figure_of_the_json_is_on_the_screen),
		cmocka_unit_test(a_figure_that_is_not_in_the_report_is_not_found),
		cmocka_unit_test(a_port_without_a_domain_shows_n_a_and_not_0),
		cmocka_unit_test(faults_out_of_the_kernel_s_log_are_at_least_so_many),
		cmocka_unit_test(rings_that_are_not_found_are_told_once),
		cmocka_unit_test(what_is_estimated_stands_under_the_word_model_and_apart),
		cmocka_unit_test(hardware_counters_tell_their_source_and_scope),
		cmocka_unit_test(hardware_counters_that_are_not_there_are_n_a_with_the_reason),
		cmocka_unit_test(a_plot_has_a_bar_for_each_size),
		cmocka_unit_test(a_queue_that_is_asked_for_comes_alone),
		cmocka_unit_test(numbers_stand_right_and_words_left_without_blanks_at_the_end),
		cmocka_unit_test(an_empty_report_has_tables_without_rows),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

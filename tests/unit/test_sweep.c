/* SPDX-License-Identifier: BSD-3-Clause */
/* Sweeps: files into points, reports into rows, rows into tables, and the scale of a plot. */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "sweep.h"

static char path[] = "/tmp/ioplane-sweep-XXXXXX";

static int load(const char *text, struct sweep_plan *plan, struct base_error *err)
{
	FILE *file = fopen(path, "w");

	assert_non_null(file);
	fputs(text, file);
	assert_int_equal(fclose(file), 0);
	return sweep_plan_load(path, plan, err);
}

static void load_well(const char *text, struct sweep_plan *plan)
{
	struct base_error err = {0};

	if (load(text, plan, &err) != 0)
		fail_msg("%s", err.text);
}

static int make_file(void **state)
{
	int fd = mkstemp(path);

	(void)state;
	if (fd < 0)
		return -1;
	close(fd);
	return 0;
}

static int remove_file(void **state)
{
	(void)state;
	return unlink(path);
}

static void points_are_the_product_and_the_last_axis_varies_fastest(void **state)
{
	struct sweep_plan plan;

	(void)state;
	load_well("[sweep]\nloss = 0 3\npage-size = 4k 2m\nqueues = 1 2 4\n", &plan);
	assert_int_equal(sweep_plan_points(&plan), 12);
	for (unsigned int n = 0; n < 12; n++) {
		struct sweep_point point = sweep_plan_point(&plan, n);

		assert_int_equal(point.value[SWEEP_LOSS], n % 2);
		assert_int_equal(point.value[SWEEP_QUEUES], n / 2 % 3);
		assert_int_equal(point.value[SWEEP_PAGE_SIZE], n / 6);
		assert_int_equal(point.value[SWEEP_RING], 0);
	}
}

static void more_points_than_can_be_run_are_refused(void **state)
{
	static const char lists[] =
		"[sweep]\n"
		"queues = 1 2 3 4 5 6 7 8 9 10 11 12 13 14 15 16\n"
		"ring = 64 96 128 160 192 224 256 288 320 352 384 416 448 480 512 544\n"
		"loss = 0 1 2 3 4 5 6 7 8 9 10 11 12 13 14 15\n";
	struct base_error err = {0};
	struct sweep_plan plan;
	char text[512];

	(void)state;
	load_well(lists, &plan);
	assert_int_equal(sweep_plan_points(&plan), SWEEP_POINTS_MAX);
	snprintf(text, sizeof(text), "%spage-size = 4k 2m\n", lists);
	assert_int_not_equal(load(text, &plan, &err), 0);
	assert_non_null(strstr(err.text, "8192 points"));
}

static void a_list_of_too_many_values_is_refused(void **state)
{
	struct base_error err = {0};
	struct sweep_plan plan;

	(void)state;
	assert_int_not_equal(
		load("[sweep]\nqueues = 1 2 3 4 5 6 7 8 9 10 11 12 13 14 15 16 17\n", &plan, &err),
		0);
	assert_non_null(strstr(err.text, "queues: at most 16 values"));
}

/* Of a receiver with two queues; each has "misses" and "count" maps of "p50". */
static const char report[] =
	"{\"duration_ns\":1000000,\"ports\":[{\"rx_queues\":[]},{\"rx_queues\":["
	"{\"packets\":1000,\"bytes\":1048576,\"iotlb\":{\"source\":\"%s\",\"lookups\":2000,"
	"\"misses\":500,\"walk_reads\":600,\"faults\":0,\"model\":{\"predicted_misses\":%s}},"
	"\"dma\":{\"maps\":1000,\"unmaps\":900,\"invalidations\":900,"
	"\"map_ns\":{\"count\":1000,\"p50\":70},\"unmap_ns\":{\"count\":0,\"p50\":null}}},"
	"{\"packets\":3000,\"bytes\":3145728,\"iotlb\":{\"source\":\"exact\",\"lookups\":6000,"
	"\"misses\":1500,\"walk_reads\":1500,\"faults\":1,\"model\":{\"predicted_misses\":1490}},"
	"\"dma\":{\"maps\":3000,\"unmaps\":2900,\"invalidations\":2900,"
	"\"map_ns\":{\"count\":3000,\"p50\":90},\"unmap_ns\":{\"count\":0,\"p50\":null}}}]}]}";

static void read_report(const struct sweep_plan *plan, struct sweep_row *row, const char *source,
			const char *model)
{
	char text[2048];
	int length = snprintf(text, sizeof(text), report, source, model);

	*row = (struct sweep_row){.is_done = true};
	for (unsigned int i = 0; i < SWEEP_COLUMNS; i++)
		row->value[i] = NAN;
	sweep_point_read(plan, row, text, (size_t)length);
}

static void a_row_sums_the_queues_of_the_side_that_is_tabled(void **state)
{
	struct sweep_plan plan;
	struct sweep_row row;

	(void)state;
	load_well("[sweep]\nqueues = 2\n", &plan);
	read_report(&plan, &row, "exact", "510");
	assert_string_equal(row.error, "");
	assert_true(row.value[SWEEP_PACKETS] == 4000);
	assert_true(row.value[SWEEP_MPPS] == 4);
	assert_true(row.value[SWEEP_MISSES_PER_PACKET] == 0.5);
	assert_true(row.value[SWEEP_MISSES_PER_MIB] == 500);
	assert_true(row.value[SWEEP_WALK_READS_PER_MIB] == 525);
	assert_true(row.value[SWEEP_FAULTS] == 1);
	assert_true(row.value[SWEEP_MAPS] == 4000);
	/* three quarters of the maps are the second queue's */
	assert_true(row.value[SWEEP_MAP_NS] == 90);
	assert_true(isnan(row.value[SWEEP_UNMAP_NS]));
	assert_true(row.value[SWEEP_MODEL_MISSES] == 2000);
}

static void what_a_queue_does_not_tell_is_no_figure_of_the_row(void **state)
{
	struct sweep_plan plan;
	struct sweep_row row;

	(void)state;
	load_well("[sweep]\nqueues = 2\n", &plan);
	read_report(&plan, &row, "exact", "null");
	assert_string_equal(row.error, "");
	assert_true(isnan(row.value[SWEEP_MODEL_MISSES]));
	assert_true(row.value[SWEEP_MISSES] == 2000);
}

static void figures_that_are_not_exact_are_not_tabled(void **state)
{
	struct sweep_plan plan;
	struct sweep_row row;

	(void)state;
	load_well("[sweep]\nqueues = 2\n", &plan);
	read_report(&plan, &row, "model", "510");
	assert_non_null(strstr(row.error, "no exact"));
	assert_true(isnan(row.value[SWEEP_MISSES]));
}

static void a_mib_is_counted_without_the_headers(void **state)
{
	struct sweep_plan plan;
	struct sweep_row row;

	(void)state;
	load_well("[sweep]\nqueues = 2\nheaders = 48\n", &plan);
	read_report(&plan, &row, "exact", "510");
	/* 4 MiB less 4000 headers of 48 bytes */
	assert_true(fabs(row.value[SWEEP_MISSES_PER_MIB] - 2000 / (4 - 192000 / 1048576.0)) < 0.05);
}

static void csv_quotes_what_holds_commas(void **state)
{
	struct sweep_plan plan;
	struct sweep_row row = {.is_done = true, .error = "it said \"no\""};
	char *text = NULL;
	size_t size = 0;
	FILE *file = open_memstream(&text, &size);

	(void)state;
	load_well("[sweep]\npolicy = deferred,batch=64\n", &plan);
	for (unsigned int i = 0; i < SWEEP_COLUMNS; i++)
		row.value[i] = NAN;
	assert_int_equal(sweep_table_csv(&plan, &row, 1, file), 0);
	fclose(file);
	assert_non_null(strstr(text, "\n2m,1,1024,\"deferred,batch=64\",64,0,,,"));
	assert_non_null(strstr(text, ",\"it said \"\"no\"\"\"\n"));
	free(text);
}

static void scales_end_at_round_numbers(void **state)
{
	static const double expected[][2] = {{0, 1},	     {0.3, 0.5}, {0.5, 0.5}, {0.51, 1},
					     {1.01, 2},	     {2.2, 2.5}, {3, 5},     {420, 500},
					     {0.002, 0.002}, {7e6, 1e7}};

	(void)state;
	for (unsigned int i = 0; i < sizeof(expected) / sizeof(expected[0]); i++)
		assert_true(fabs(sweep_plot_round_up(expected[i][0]) / expected[i][1] - 1) < 1e-9);
	assert_true(sweep_plot_round_up(NAN) == 1);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(points_are_the_product_and_the_last_axis_varies_fastest),
		cmocka_unit_test(more_points_than_can_be_run_are_refused),
		cmocka_unit_test(a_list_of_too_many_values_is_refused),
		cmocka_unit_test(a_row_sums_the_queues_of_the_side_that_is_tabled),
		cmocka_unit_test(what_a_queue_does_not_tell_is_no_figure_of_the_row),
		cmocka_unit_test(figures_that_are_not_exact_are_not_tabled),
		cmocka_unit_test(a_mib_is_counted_without_the_headers),
		cmocka_unit_test(csv_quotes_what_holds_commas),
		cmocka_unit_test(scales_end_at_round_numbers),
	};

	return cmocka_run_group_tests(tests, make_file, remove_file);
}

/* SPDX-License-Identifier: BSD-3-Clause */
/* A sweep from its file to its table: points in turn, progress, and an orderly end at any time. */
#include "sweep.h"

#include <errno.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include <rte_common.h>

#include "options.h"

#define EXIT_USAGE 2

static volatile int is_stopping;

static void on_signal(int number __rte_unused)
{
	is_stopping = 1;
}

static void catch_signals(void)
{
	struct sigaction action = {.sa_handler = on_signal};

	sigaction(SIGINT, &action, NULL);
	sigaction(SIGTERM, &action, NULL);
	signal(SIGPIPE, SIG_IGN);
}

/* --- outputs -------------------------------------------------------------------------------- */

typedef int write_function(const struct sweep_plan *plan, const struct sweep_row *rows,
			   unsigned int count, FILE *file);

static const struct {
	const char *ending;
	write_function *write;
} outputs[] = {
	{"csv", sweep_table_csv},
	{"json", sweep_table_json},
	{"svg", sweep_plot_svg},
};

struct outputs {
	const char *prefix;
	FILE *file[RTE_DIM(outputs)];
};

static int output_error(const struct outputs *out, unsigned int i, int code, struct base_error *err)
{
	return base_error_set(err, code,
			      "cannot write %s.%s: %s; --sweep-out PREFIX names another place",
			      out->prefix, outputs[i].ending, strerror(-code));
}

/* Before the first point, which may be hours before the last. */
static int open_outputs(struct outputs *out, struct base_error *err)
{
	for (unsigned int i = 0; i < RTE_DIM(outputs); i++) {
		char path[SWEEP_PATH_SIZE];

		if (snprintf(path, sizeof(path), "%s.%s", out->prefix, outputs[i].ending) >=
		    (int)sizeof(path))
			return output_error(out, i, -ENAMETOOLONG, err);
		out->file[i] = fopen(path, "we");
		if (out->file[i] == NULL)
			return output_error(out, i, -errno, err);
	}
	return 0;
}

static void close_outputs(struct outputs *out)
{
	for (unsigned int i = 0; i < RTE_DIM(outputs); i++)
		if (out->file[i] != NULL)
			fclose(out->file[i]);
}

static int write_outputs(const struct sweep_plan *plan, const struct sweep_row *rows,
			 unsigned int count, struct outputs *out, struct base_error *err)
{
	int ret = 0;

	for (unsigned int i = 0; i < RTE_DIM(outputs); i++) {
		int written = outputs[i].write(plan, rows, count, out->file[i]);

		if (fclose(out->file[i]) != 0 && written == 0)
			written = -errno;
		out->file[i] = NULL;
		if (written != 0)
			ret = output_error(out, i, written, err);
	}
	return ret;
}

/* --- progress ------------------------------------------------------------------------------- */

static uint64_t now_ms(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return (uint64_t)now.tv_sec * 1000u + (uint64_t)now.tv_nsec / 1000000u;
}

struct progress {
	bool is_terminal;
	unsigned int count;
	uint64_t start_ms;
};

static void clear_line(const struct progress *progress)
{
	if (progress->is_terminal)
		fprintf(stderr, "\r\033[K");
}

static void tell_begin(const struct progress *progress, unsigned int n, const char *text)
{
	uint64_t spent_ms = now_ms() - progress->start_ms;

	if (!progress->is_terminal)
		return;
	clear_line(progress);
	fprintf(stderr, "%u of %u", n + 1, progress->count);
	if (n > 0)
		fprintf(stderr, ", %u s left",
			(unsigned int)(spent_ms * (progress->count - n) / n / 1000));
	fprintf(stderr, ": %s", text);
}

static void tell_end(const struct progress *progress, unsigned int n, const struct sweep_row *row,
		     const char *text)
{
	clear_line(progress);
	fprintf(stderr, "%u of %u: %s: ", n + 1, progress->count, text);
	if (row->error[0] != '\0')
		fprintf(stderr, "failed: %s\n", row->error);
	else
		fprintf(stderr, "%.4f misses a packet, %.1f a MiB, %.3f Mpps\n",
			row->value[SWEEP_MISSES_PER_PACKET], row->value[SWEEP_MISSES_PER_MIB],
			row->value[SWEEP_MPPS]);
}

/* --- the run -------------------------------------------------------------------------------- */

static void list_points(const struct sweep_plan *plan, unsigned int count)
{
	for (unsigned int i = 0; i < count; i++) {
		struct sweep_point point = sweep_plan_point(plan, i);
		char text[256];

		sweep_point_text(plan, &point, text, sizeof(text));
		printf("%u: %s\n", i + 1, text);
	}
	printf("%u points of %g s each; nothing was run.\n", count,
	       plan->warm_up_s + plan->duration_s);
}

/* Points that failed; *done: those that were run. */
static unsigned int run_points(const struct sweep_plan *plan, struct sweep_row *rows,
			       unsigned int count, unsigned int *done)
{
	struct progress progress = {isatty(STDERR_FILENO), count, now_ms()};
	unsigned int failed = 0;

	for (*done = 0; *done < count && !is_stopping; (*done)++) {
		struct sweep_row *row = &rows[*done];
		char text[256];

		row->point = sweep_plan_point(plan, *done);
		sweep_point_text(plan, &row->point, text, sizeof(text));
		tell_begin(&progress, *done, text);
		if (sweep_point_run(plan, row, &is_stopping) != 0)
			break;
		tell_end(&progress, *done, row, text);
		failed += row->error[0] != '\0';
	}
	if (is_stopping)
		clear_line(&progress);
	return failed;
}

static int run_plan(const struct sweep_plan *plan, struct outputs *out, struct base_error *err)
{
	unsigned int count = sweep_plan_points(plan), done, failed;
	struct sweep_row *rows = calloc(count, sizeof(*rows));
	int ret;

	if (rows == NULL)
		return base_error_set(err, -ENOMEM, "out of memory");
	ret = open_outputs(out, err);
	if (ret != 0)
		goto free_rows;
	catch_signals();
	failed = run_points(plan, rows, count, &done);
	ret = write_outputs(plan, rows, done, out, err);
	if (ret == 0)
		printf("%u of %u points are in %s.csv, %s.json and %s.svg\n", done, count,
		       out->prefix, out->prefix, out->prefix);
	if (ret == 0 && done < count)
		ret = base_error_set(err, -EINTR, "stopped after %u of %u points", done, count);
	if (ret == 0 && failed > 0)
		ret = base_error_set(err, -EIO,
				     "%u of %u points failed: the column \"error\" "
				     "says why",
				     failed, count);

free_rows:
	free(rows);
	close_outputs(out);
	return ret;
}

int sweep_run(void)
{
	const struct options *options = options_get();
	struct base_error err = {0};
	struct sweep_plan plan;
	struct outputs out = {.prefix = options->sweep_out};
	int status = EXIT_SUCCESS;

	if (sweep_plan_load(options->sweep_file, &plan, &err) != 0)
		status = EXIT_USAGE;
	else if (options->is_dry_run)
		list_points(&plan, sweep_plan_points(&plan));
	else {
		if (out.prefix == NULL)
			out.prefix = plan.name;
		if (run_plan(&plan, &out, &err) != 0)
			status = EXIT_FAILURE;
	}
	if (err.code != 0) {
		fflush(stdout);
		fprintf(stderr, "ioplane: %s\n", err.text);
	}
	return status;
}

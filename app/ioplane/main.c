/* SPDX-License-Identifier: BSD-3-Clause */
/* The program: options, EAL, ports, then commands or forwarding until the end. */
#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <rte_eal.h>
#include <rte_version.h>

#include "budget.h"
#include "cli/cli.h"
#include "eal.h"
#include "hugemem.h"
#include "kernel_watch.h"
#include "options.h"
#include "pmu_watch.h"
#include "port.h"
#include "port_tracker.h"
#include "run.h"
#include "stream.h"
#include "sweep.h"

#define EXIT_USAGE 2

static void on_signal(int number __rte_unused)
{
	cli_quit();
}

static void catch_signals(void)
{
	/* no SA_RESTART: a read of commands must end */
	struct sigaction action = {.sa_handler = on_signal};

	sigaction(SIGINT, &action, NULL);
	sigaction(SIGTERM, &action, NULL);
	/* a reader of our output that goes away must not end us before the report is written */
	signal(SIGPIPE, SIG_IGN);
}

/* The only place that prints an error; libraries return it. */
static int fail(const struct base_error *err, int status)
{
	fflush(stdout);
	fprintf(stderr, "ioplane: %s\n", err->text);
	return status;
}

static int run(struct eal_args *args)
{
	struct base_error err = {0};
	struct eal_memory memory;
	bool is_failed;
	int ret;

	/* --no-huge means DMA memory too, unless --page-size says more */
	if (args->has_no_huge && options_get()->page_size == 0)
		options_edit()->page_size = HUGEMEM_4K;
	eal_choose_memory(args, budget_eal_memory(args), &memory);
	ret = budget_check_memory(args, &memory, &err);
	if (ret == 0)
		ret = eal_start(args, &memory, &err);
	if (ret != 0)
		return fail(&err, ret == -EINVAL ? EXIT_USAGE : EXIT_FAILURE);
	catch_signals();
	ret = run_prepare(args, &memory, &err);
	if (ret == 0)
		ret = run_all(&err);
	is_failed = ret != 0;
	/* -ECANCELED: a script has said its own line */
	if (is_failed && ret != -ECANCELED)
		fail(&err, EXIT_FAILURE);
	err = (struct base_error){0};
	if (run_finish(&err) != 0) {
		is_failed = true;
		fail(&err, EXIT_FAILURE);
	}
	port_tracker_stop();
	port_cleanup();
	kernel_watch_stop();
	pmu_watch_stop();
	rte_eal_cleanup();
	return is_failed ? EXIT_FAILURE : EXIT_SUCCESS;
}

/* Exit status of what the command line asks for. */
static int start(struct eal_args *args)
{
	struct base_error err = {0};

	if (args->asks_version) {
		printf("ioplane %s (%s)\n", IOPLANE_VERSION, rte_version());
		return EXIT_SUCCESS;
	}
	if (args->asks_help) {
		options_print_help();
		return EXIT_SUCCESS;
	}
	if (options_parse(args->option_argc, args->option_argv, &err) != 0)
		return fail(&err, EXIT_USAGE);
	if (options_get()->sweep_file != NULL)
		return sweep_run();
	if (options_get()->is_dry_run)
		return budget_check(args, &err) == 0 ? EXIT_SUCCESS : fail(&err, EXIT_FAILURE);
	if (run_check_outputs(&err) != 0)
		return fail(&err, EXIT_FAILURE);
	/* lines come out in order with what goes to the terminal unbuffered */
	setvbuf(stdout, NULL, _IOLBF, 0);
	return run(args);
}

int main(int argc, char **argv)
{
	struct base_error err = {0};
	struct eal_args args;
	int status;

	if (eal_args_split(argc, argv, &args, &err) == 0)
		status = start(&args);
	else
		status = fail(&err, EXIT_USAGE);
	eal_args_free(&args);
	return status;
}

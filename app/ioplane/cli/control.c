/* SPDX-License-Identifier: BSD-3-Clause */
/* Commands that control the program: start, stop, quit, help, load. */
#include "cli_commands.h"

#include <stdio.h>
#include <string.h>

#include "stream.h"

static void start(unsigned int tx_first)
{
	struct base_error err = {0};

	if (forward_start(tx_first, &err) != 0)
		cli_fail("%s", err.text);
}

static void run_start(const struct cli_args *args __rte_unused)
{
	start(0);
}

static void run_start_tx_first(const struct cli_args *args __rte_unused)
{
	start(1);
}

static void run_start_tx_first_n(const struct cli_args *args)
{
	if (cli_check("start tx_first", args->word[2].number, 1, 1u << 20))
		start((unsigned int)args->word[2].number);
}

static void run_stop(const struct cli_args *args __rte_unused)
{
	struct base_error err = {0};

	if (forward_stop(&err) != 0)
		cli_fail("%s", err.text);
}

static void run_quit(const struct cli_args *args __rte_unused)
{
	cli_quit();
}

static void print_help(const char *section)
{
	for (const struct cli_command *const *table = cli_tables; *table != NULL; table++)
		for (const struct cli_command *c = *table; c->grammar != NULL; c++)
			if (strcmp(section, "all") == 0 || strcmp(section, c->section) == 0)
				printf("  %s\n      %s\n", c->grammar, c->help);
}

static void run_help(const struct cli_args *args __rte_unused)
{
	printf("Help is available for the following sections:\n\n"
	       "    help control  : Start and stop forwarding.\n"
	       "    help display  : Displaying port, stats and config information.\n"
	       "    help config   : Configuration information.\n"
	       "    help ports    : Configuring ports.\n"
	       "    help all      : All of the above sections.\n\n");
}

static void run_help_section(const struct cli_args *args)
{
	print_help(args->word[1].text);
}

static void run_load(const char *path)
{
	if (cli_run_file(path) != 0)
		cli_fail("%s", ""); /* the script has said why */
}

const struct cli_command cli_control[] = {
	{"control", "start", "start forwarding", .run = run_start},
	{"control", "start tx_first", "send a burst on each port, then start",
	 .run = run_start_tx_first},
	{"control", "start tx_first N", "send N bursts on each port, then start",
	 .run = run_start_tx_first_n},
	{"control", "stop", "stop forwarding and print its statistics", .run = run_stop},
	{"control", "quit", "stop, report and leave", .run = run_quit},
	{"control", "help", "the sections of help", .run = run_help},
	{"control", "help control|display|config|ports|all", "the commands of a section",
	 .run = run_help_section},
	{"control", "load <rest>", "run the commands in a file", .run_rest = run_load},
	{0},
};

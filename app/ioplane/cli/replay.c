/* SPDX-License-Identifier: BSD-3-Clause */
/* Commands for what ports replay and capture. */
#include "cli_commands.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <jansson.h>

#include "capture.h"
#include "options.h"
#include "port.h"
#include "port_replay.h"
#include "report.h"
#include "stats.h"

static void run_set_replay(const char *spec)
{
	struct base_error err = {0};

	if (port_replay_set(spec, &err) != 0)
		cli_fail("%s", err.text);
}

static void run_set_capture(const char *spec)
{
	struct base_error err = {0};

	if (capture_set(spec, &err) != 0)
		cli_fail("%s", err.text);
}

static void print_json(const struct stats_report *report)
{
	json_t *all = json_array();

	for (unsigned int i = 0; i < report->replay_count; i++)
		json_array_append_new(all, stats_json_replay(&report->replays[i]));
	report_print_json(all);
}

/* Keeps the replay of one port. */
static void keep(struct stats_report *report, uint16_t port)
{
	unsigned int kept = 0;

	for (unsigned int i = 0; i < report->replay_count; i++)
		if (report->replays[i].port == port)
			report->replays[kept++] = report->replays[i];
	report->replay_count = kept;
}

static void run_show_replay(const struct cli_args *args)
{
	const char *word = args->word[2].text;
	struct port *port = cli_port_next(word, NULL);
	struct stats_report report = {0};
	int ret;

	if (port == NULL)
		return;
	stats_lock();
	ret = port_replay_collect(&report);
	stats_unlock();
	if (ret != 0) {
		cli_fail("show replay: out of memory");
		return;
	}
	if (strcmp(word, "all") != 0)
		keep(&report, port->id);
	if (options_get()->is_json)
		print_json(&report);
	else if (report.replay_count == 0)
		printf("nothing is replayed: set replay PORT,file=F\n");
	else
		stats_text_replays(&report, stdout);
	free(report.replays);
}

const struct cli_command cli_replay[] = {
	{"config", "set replay <rest>",
	 "PORT,file=F[,loop=N][,topspeed] or PORT,off: what a port transmits",
	 .run_rest = run_set_replay},
	{"config", "set capture <rest>",
	 "PORT,file=F or PORT,off: where to write what a port receives",
	 .run_rest = run_set_capture},
	{"display", "show replay <port|all>", "what was replayed and how fast",
	 .run = run_show_replay},
	{0},
};

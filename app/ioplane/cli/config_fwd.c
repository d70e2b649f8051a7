/* SPDX-License-Identifier: BSD-3-Clause */
/* Commands that set how packets are forwarded, from the next start on. */
#include "cli_commands.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include <rte_lcore.h>
#include <rte_log.h>

#include "engine.h"
#include "forward.h"
#include "options.h"
#include "options_table.h"

/* What streams are made of does not change under them. */
static bool is_stopped(void)
{
	if (forward_is_running())
		cli_fail("forwarding runs: stop first");
	return !forward_is_running();
}

static const struct engine *find_mode(const char *name)
{
	const struct engine *engine = engine_find(name);

	if (engine == NULL)
		cli_fail("there is no forwarding mode %s; see help config", name);
	return engine;
}

static void set_all(const struct cli_args *args, bool retries)
{
	const struct engine *engine = find_mode(args->word[2].text);

	if (engine == NULL || !is_stopped())
		return;
	options_edit()->forward_mode = engine->name;
	options_edit()->retries = retries;
	for (struct port *port = NULL; (port = port_next(port)) != NULL;)
		port->engine = engine;
	printf("Set %s packet forwarding mode%s\n", engine->name, retries ? " with retry" : "");
}

static void set_fwd(const struct cli_args *args)
{
	set_all(args, false);
}

static void set_fwd_retry(const struct cli_args *args)
{
	set_all(args, true);
}

static void set_port_fwd(const struct cli_args *args)
{
	const struct engine *engine = find_mode(args->word[4].text);
	struct port *port = engine == NULL ? NULL : cli_port(args->word[2].number);

	if (port != NULL && is_stopped())
		port->engine = engine;
}

static void set_burst(const struct cli_args *args)
{
	if (cli_check("burst", args->word[2].number, 1, STREAM_BURST_MAX))
		options_edit()->burst = (uint16_t)args->word[2].number;
}

static void set_burst_retry(const struct cli_args *args)
{
	if (!cli_check("delay", args->word[4].number, 0, 1000000) ||
	    !cli_check("retry", args->word[6].number, 0, UINT16_MAX))
		return;
	options_edit()->tx_delay_us = (uint32_t)args->word[4].number;
	options_edit()->tx_retry = (uint16_t)args->word[6].number;
}

static void set_txpkts(const struct cli_args *args)
{
	struct base_error err = {0};

	if (options_set_txpkts(args->word[2].text, &err) != 0)
		cli_fail("%s", err.text);
}

static void set_flow(const struct cli_args *args)
{
	options_edit()->is_multi_flow = strcmp(args->word[2].text, "on") == 0;
}

static void set_list(const struct cli_args *args)
{
	bool is_cores = strcmp(args->word[1].text, "corelist") == 0;
	const char *list = args->word[2].text;
	struct base_error err = {0};

	if (!is_stopped())
		return;
	if ((is_cores ? forward_set_lcores(list, &err) : forward_set_ports(list, &err)) != 0)
		cli_fail("%s", err.text);
}

static void set_mask(const struct cli_args *args)
{
	bool is_cores = strcmp(args->word[1].text, "coremask") == 0;
	struct base_error err = {0};
	uint64_t mask = 0;

	if (!is_stopped())
		return;
	if (option_mask(args->word[2].text, &mask) != 0) {
		cli_fail("\"%s\" is not a hexadecimal mask", args->word[2].text);
		return;
	}
	if ((is_cores ? forward_set_lcore_mask(mask, &err) : forward_set_port_mask(mask, &err)) !=
	    0)
		cli_fail("%s", err.text);
}

static void set_count(const struct cli_args *args)
{
	bool is_cores = strcmp(args->word[1].text, "nbcore") == 0;
	uint64_t number = args->word[2].number;
	unsigned int max = is_cores ? rte_lcore_count() - 1 : port_count();

	if (!is_stopped() || !cli_check(args->word[1].text, number, 1, RTE_MAX(max, 1u)))
		return;
	if (is_cores)
		options_edit()->nb_cores = (uint16_t)number;
	else
		options_edit()->nb_ports = (uint16_t)number;
	printf("Number of forwarding %s set to %" PRIu64 "\n", is_cores ? "cores" : "ports",
	       number);
}

static void set_record(const struct cli_args *args)
{
	bool is_on = strcmp(args->word[2].text, "on") == 0;

	if (!is_stopped())
		return;
	if (strcmp(args->word[1].text, "record-core-cycles") == 0)
		options_edit()->records_cycles = is_on;
	else
		options_edit()->records_bursts = is_on;
}

static void set_flush(const struct cli_args *args)
{
	options_edit()->flushes_rx = strcmp(args->word[2].text, "on") == 0;
}

static void set_peer(const struct cli_args *args)
{
	struct port *port = cli_port(args->word[2].number);
	struct base_error err = {0};

	if (port != NULL && forward_set_peer_address(port->id, args->word[3].text, &err) != 0)
		cli_fail("%s", err.text);
}

static void set_log(const struct cli_args *args)
{
	if (cli_check("log level", args->word[3].number, 1, RTE_LOG_DEBUG))
		rte_log_set_global_level((uint32_t)args->word[3].number);
}

const struct cli_command cli_config_fwd[] = {
	{"config", "set fwd <mode>",
	 "io, mac, macswap, rxonly, rxloss, txonly or replay on all ports", .run = set_fwd},
	{"config", "set fwd <mode> retry", "the same; what a port does not take is sent again",
	 .run = set_fwd_retry},
	{"config", "set port PORT fwd <mode>", "what one port does", .run = set_port_fwd},
	{"config", "set burst N", "packets a burst", .run = set_burst},
	{"config", "set burst tx delay N retry N", "microseconds between retries, and how many",
	 .run = set_burst_retry},
	{"config", "set txpkts <x,y>", "lengths of the segments that txonly sends",
	 .run = set_txpkts},
	{"config", "set txonly-multi-flow on|off", "txonly sends many flows", .run = set_flow},
	{"config", "set corelist|portlist <x,y>", "the lcores or ports that forward",
	 .run = set_list},
	{"config", "set coremask|portmask <mask>", "the same as a hexadecimal mask",
	 .run = set_mask},
	{"config", "set nbcore|nbport N", "how many lcores or ports forward", .run = set_count},
	{"config", "set record-core-cycles|record-burst-stats on|off",
	 "count cycles a packet; keep a histogram of burst sizes", .run = set_record},
	{"config", "set flush_rx on|off", "drain receive queues at start", .run = set_flush},
	{"config", "set eth-peer PORT <mac>", "the destination of what a port sends",
	 .run = set_peer},
	{"config", "set log global N", "DPDK's log level, 1 (emergency) to 8 (debug)",
	 .run = set_log},
	{0},
};

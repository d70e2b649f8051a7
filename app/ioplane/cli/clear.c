/* SPDX-License-Identifier: BSD-3-Clause */
/* clear port (info|stats|xstats) (P|all) and clear iommu stats (P|all). */
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "cli_commands.h"
#include "port.h"
#include "port_policy.h"
#include "port_tracker.h"
#include "report.h"
#include "show.h"

static void fail(const struct port *port, const char *what, int ret)
{
	cli_fail("port %u: cannot clear its %s: %s", port->id, what, strerror(-ret));
}

static void clear_stats(struct port *port)
{
	int ret = report_clear_port(port->id);

	if (ret != 0)
		fail(port, "statistics", ret);
	else if (!show_is_json())
		printf("\n  NIC statistics for port %d cleared\n", port->id);
}

static void clear_xstats(struct port *port)
{
	int ret = report_clear_port(port->id);

	if (ret == 0)
		ret = rte_eth_xstats_reset(port->id);
	if (ret != 0)
		fail(port, "extended statistics", ret);
}

/* testpmd takes the word and clears nothing: there is nothing to clear in what a port is. */
static void clear_info(struct port *port __rte_unused)
{
}

static void run_stats(const struct cli_args *args)
{
	show_text_ports(args->word[3].text, clear_stats);
}

static void run_xstats(const struct cli_args *args)
{
	show_text_ports(args->word[3].text, clear_xstats);
}

static void run_info(const struct cli_args *args)
{
	show_text_ports(args->word[3].text, clear_info);
}

/* Figures of mappings are the domain's as faults are: those of all its ports. */
static void clear_domain(const struct iommu_domain *domain)
{
	for (struct port *port = NULL; (port = port_next(port)) != NULL;)
		if (port->domain == domain)
			port_policy_clear(port);
}

static void run_iommu(const struct cli_args *args)
{
	bool is_all = strcmp(args->word[3].text, "all") == 0;
	struct port *port = NULL;
	int ret;

	while ((port = cli_port_next(args->word[3].text, port)) != NULL) {
		if (port->device == NULL) {
			if (!is_all)
				cli_fail("port %u has no IOMMU domain", port->id);
			continue;
		}
		stats_lock();
		ret = stats_clear_iommu(port->name);
		port_tracker_clear(port);
		clear_domain(port->domain);
		stats_unlock();
		if (ret != 0)
			fail(port, "IOMMU statistics", ret);
	}
}

const struct cli_command cli_clear[] = {
	{"display", "clear port info <port|all>", "taken as in testpmd; there is nothing to clear",
	 .run = run_info},
	{"display", "clear port stats <port|all>", "set a port's statistics to 0",
	 .run = run_stats},
	{"display", "clear port xstats <port|all>", "set a port's extended statistics to 0",
	 .run = run_xstats},
	{"display", "clear iommu stats <port|all>",
	 "set the IOTLB and mapping figures and faults of a port's domain to 0", .run = run_iommu},
	{0},
};

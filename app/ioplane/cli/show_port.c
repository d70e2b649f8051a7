/* SPDX-License-Identifier: BSD-3-Clause */
/* show port (info|summary|stats|xstats) (P|all), in testpmd's shapes. */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>
#include <jansson.h>

#include "cli_commands.h"
#include "port.h"
#include "report.h"
#include "show.h"

#define BORDER "########################"

/* --- stats --------------------------------------------------------------------------------------
 */

/* What `show port stats` said last: its rates are since then. Main lcore. */
static struct {
	uint64_t time_ns;
	struct rte_eth_stats stats;
} last_shown[RTE_MAX_ETHPORTS];

static uint64_t now_ns(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return (uint64_t)ts.tv_sec * 1000000000u + (uint64_t)ts.tv_nsec;
}

static uint64_t per_second(uint64_t now, uint64_t before, uint64_t elapsed_ns)
{
	/* Lower than before: cleared meanwhile. */
	if (elapsed_ns == 0 || now < before)
		return 0;
	return (uint64_t)((double)(now - before) * 1e9 / (double)elapsed_ns);
}

struct rates {
	uint64_t rx_pps, rx_bps, tx_pps, tx_bps;
};

static struct rates take_rates(const struct port *port, const struct rte_eth_stats *stats)
{
	const struct rte_eth_stats *before = &last_shown[port->id].stats;
	uint64_t now = now_ns(), elapsed = 0;
	struct rates rates;

	if (last_shown[port->id].time_ns != 0)
		elapsed = now - last_shown[port->id].time_ns;
	rates.rx_pps = per_second(stats->ipackets, before->ipackets, elapsed);
	rates.rx_bps = 8 * per_second(stats->ibytes, before->ibytes, elapsed);
	rates.tx_pps = per_second(stats->opackets, before->opackets, elapsed);
	rates.tx_bps = 8 * per_second(stats->obytes, before->obytes, elapsed);
	last_shown[port->id].time_ns = now;
	last_shown[port->id].stats = *stats;
	return rates;
}

static void print_stats(struct port *port)
{
	struct rte_eth_stats stats;
	struct rates rates;

	report_port_stats(port, &stats);
	rates = take_rates(port, &stats);
	printf("\n  %s NIC statistics for port %-2d %s\n", BORDER, port->id, BORDER);
	printf("  RX-packets: %-10" PRIu64 " RX-missed: %-10" PRIu64 " RX-bytes:  %-" PRIu64 "\n",
	       stats.ipackets, stats.imissed, stats.ibytes);
	printf("  RX-errors: %-" PRIu64 "\n", stats.ierrors);
	printf("  RX-nombuf:  %-10" PRIu64 "\n", stats.rx_nombuf);
	printf("  TX-packets: %-10" PRIu64 " TX-errors: %-10" PRIu64 " TX-bytes:  %-" PRIu64 "\n",
	       stats.opackets, stats.oerrors, stats.obytes);
	printf("\n  Throughput (since last show)\n");
	printf("  Rx-pps: %12" PRIu64 "          Rx-bps: %12" PRIu64 "\n", rates.rx_pps,
	       rates.rx_bps);
	printf("  Tx-pps: %12" PRIu64 "          Tx-bps: %12" PRIu64 "\n", rates.tx_pps,
	       rates.tx_bps);
	printf("  %s############################%s\n", BORDER, BORDER);
}

static json_t *json_stats(struct port *port)
{
	struct rte_eth_stats stats;
	struct rates rates;

	report_port_stats(port, &stats);
	rates = take_rates(port, &stats);
	return json_pack(
		"{s:i, s:s, s:o, s:o, s:o, s:o, s:o, s:o, s:o, s:o, s:o, s:o, s:o, s:o}", "id",
		port->id, "name", port->name, "rx_packets", stats_json_u64(stats.ipackets),
		"rx_bytes", stats_json_u64(stats.ibytes), "rx_missed",
		stats_json_u64(stats.imissed), "rx_errors", stats_json_u64(stats.ierrors),
		"rx_nombuf", stats_json_u64(stats.rx_nombuf), "tx_packets",
		stats_json_u64(stats.opackets), "tx_bytes", stats_json_u64(stats.obytes),
		"tx_errors", stats_json_u64(stats.oerrors), "rx_pps", stats_json_u64(rates.rx_pps),
		"rx_bps", stats_json_u64(rates.rx_bps), "tx_pps", stats_json_u64(rates.tx_pps),
		"tx_bps", stats_json_u64(rates.tx_bps));
}

/* --- xstats
 * --------------------------------------------------------------------------------------- */

/* Calls each with a name and a value, from one reading. */
static void each_xstat(const struct port *port,
		       void (*each)(const char *name, uint64_t value, void *arg), void *arg)
{
	int count = rte_eth_xstats_get_names(port->id, NULL, 0);
	struct rte_eth_xstat_name *names = NULL;
	struct rte_eth_xstat *values = NULL;

	if (count <= 0)
		return;
	names = calloc((size_t)count, sizeof(*names));
	values = calloc((size_t)count, sizeof(*values));
	if (names == NULL || values == NULL)
		goto free_values;
	if (rte_eth_xstats_get_names(port->id, names, (unsigned int)count) != count ||
	    rte_eth_xstats_get(port->id, values, (unsigned int)count) != count) {
		cli_fail("port %u: cannot read its xstats", port->id);
		goto free_values;
	}
	for (int i = 0; i < count; i++)
		each(names[values[i].id].name, values[i].value, arg);
free_values:
	free(values);
	free(names);
}

static void print_xstat(const char *name, uint64_t value, void *arg __rte_unused)
{
	printf("%s: %" PRIu64 "\n", name, value);
}

static void print_xstats(struct port *port)
{
	printf("###### NIC extended statistics for port %-2d\n", port->id);
	each_xstat(port, print_xstat, NULL);
}

static void add_xstat(const char *name, uint64_t value, void *arg)
{
	json_object_set_new(arg, name, stats_json_u64(value));
}

static json_t *json_xstats(struct port *port)
{
	json_t *xstats = json_object();

	each_xstat(port, add_xstat, xstats);
	return json_pack("{s:i, s:s, s:o}", "id", port->id, "name", port->name, "xstats", xstats);
}

/* --- summary
 * -------------------------------------------------------------------------------------- */

static void link_get(const struct port *port, struct rte_eth_link *link)
{
	if (rte_eth_link_get_nowait(port->id, link) != 0)
		*link = (struct rte_eth_link){0};
}

static void print_summary(struct port *port)
{
	char mac_text[RTE_ETHER_ADDR_FMT_SIZE], speed[32];
	struct rte_ether_addr mac = {0};
	struct rte_eth_link link;

	link_get(port, &link);
	show_speed(link.link_speed, speed, sizeof(speed));
	rte_eth_macaddr_get(port->id, &mac);
	printf("%-4d %s %-12s %-14s %-8s %s\n", port->id, show_mac(&mac, mac_text), port->name,
	       port->driver, link.link_status ? "up" : "down", speed);
}

static json_t *json_summary(struct port *port)
{
	char mac_text[RTE_ETHER_ADDR_FMT_SIZE];
	struct rte_ether_addr mac = {0};
	struct rte_eth_link link;

	link_get(port, &link);
	rte_eth_macaddr_get(port->id, &mac);
	return json_pack("{s:i, s:s, s:s, s:s, s:s, s:o}", "id", port->id, "mac",
			 show_mac(&mac, mac_text), "name", port->name, "driver", port->driver,
			 "status", link.link_status ? "up" : "down", "link_mbps",
			 link.link_speed == RTE_ETH_SPEED_NUM_UNKNOWN
				 ? json_null()
				 : json_integer(link.link_speed));
}

/* --- commands
 * ------------------------------------------------------------------------------------- */

static void run_stats(const struct cli_args *args)
{
	if (show_is_json())
		show_json_ports(args->word[3].text, json_stats);
	else
		show_text_ports(args->word[3].text, print_stats);
}

static void run_xstats(const struct cli_args *args)
{
	if (show_is_json())
		show_json_ports(args->word[3].text, json_xstats);
	else
		show_text_ports(args->word[3].text, print_xstats);
}

static void run_summary(const struct cli_args *args)
{
	if (show_is_json()) {
		show_json_ports(args->word[3].text, json_summary);
		return;
	}
	printf("Number of available ports: %u\n", port_count());
	printf("%s %-17s %-12s %-14s %-8s %s\n", "Port", "MAC Address", "Name", "Driver", "Status",
	       "Link");
	show_text_ports(args->word[3].text, print_summary);
}

const struct cli_command cli_show_port[] = {
	{"display", "show port stats <port|all>", "packets, bytes, errors and rates",
	 .run = run_stats},
	{"display", "show port xstats <port|all>", "all counters of the driver, by name",
	 .run = run_xstats},
	{"display", "show port summary <port|all>", "a line a port: address, driver, link",
	 .run = run_summary},
	{0},
};

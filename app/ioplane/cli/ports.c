/* SPDX-License-Identifier: BSD-3-Clause */
/* Commands on ports: start, stop, attach, detach and what they are configured with. */
#include "cli_commands.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include <rte_errno.h>
#include <rte_ethdev.h>

#include "options.h"
#include "port.h"
#include "stream.h"

static bool is_stopped(void)
{
	if (forward_is_running())
		cli_fail("forwarding runs: stop first");
	return !forward_is_running();
}

static void run_port(const struct cli_args *args)
{
	static const struct {
		const char *verb;
		int (*run)(struct port *port, struct base_error *err);
	} verbs[] = {
		{"start", port_start},
		{"stop", port_stop},
		{"close", port_close},
		{"reset", port_reset},
	};
	const char *verb = args->word[1].text, *which = args->word[2].text;
	bool is_all = strcmp(which, "all") == 0;

	if (!is_stopped())
		return;
	for (struct port *p = NULL; (p = cli_port_next(which, p)) != NULL;)
		for (unsigned int i = 0; i < RTE_DIM(verbs); i++) {
			struct base_error err = {0};
			int ret;

			if (strcmp(verbs[i].verb, verb) != 0)
				continue;
			ret = verbs[i].run(p, &err);
			/* "all" means those that are not there yet */
			if (ret != 0 && !(is_all && ret == -EALREADY))
				cli_fail("%s", err.text);
		}
}

static void attach(const char *devargs)
{
	struct base_error err = {0};
	struct port *port;

	if (!is_stopped())
		return;
	if (port_attach(devargs, &port, &err) != 0)
		cli_fail("%s", err.text);
	else
		printf("Port %u is attached. Now total ports is %u\n", port->id, port_count());
}

static void detach(const struct cli_args *args)
{
	struct port *port = cli_port(args->word[2].number);
	struct base_error err = {0};

	if (port == NULL)
		return;
	if (port_detach(port, &err) != 0)
		cli_fail("%s", err.text);
	else
		printf("Port %" PRIu64 " is detached. Now total ports is %u\n",
		       args->word[2].number, port_count());
}

/* Queues and rings are the same on all ports, which must be stopped for that. */
static bool can_configure(void)
{
	if (!is_stopped())
		return false;
	for (struct port *p = NULL; (p = port_next(p)) != NULL;)
		if (p->state == PORT_STARTED) {
			cli_fail("port %u is started: port stop all first", p->id);
			return false;
		}
	return true;
}

static void reconfigure_all(void)
{
	for (struct port *p = NULL; (p = port_next(p)) != NULL;)
		p->needs_configure = true;
}

static void config_all(const struct cli_args *args)
{
	struct options *options = options_edit();
	const char *what = args->word[3].text;
	uint64_t number = args->word[4].number;
	bool is_ring = strcmp(what, "rxd") == 0 || strcmp(what, "txd") == 0;

	if (!can_configure() || !cli_check(what, number, 1, is_ring ? 32768 : PORT_QUEUES_MAX))
		return;
	if (strcmp(what, "rxq") == 0)
		options->rxq = (uint16_t)number;
	else if (strcmp(what, "txq") == 0)
		options->txq = (uint16_t)number;
	else if (strcmp(what, "rxd") == 0)
		options->rxd = (uint16_t)number;
	else
		options->txd = (uint16_t)number;
	reconfigure_all();
}

static void config_burst(const struct cli_args *args)
{
	if (cli_check("burst", args->word[4].number, 1, STREAM_BURST_MAX))
		options_edit()->burst = (uint16_t)args->word[4].number;
}

static void config_length(const struct cli_args *args)
{
	if (!can_configure() || !cli_check("max-pkt-len", args->word[4].number, 64, UINT16_MAX))
		return;
	options_edit()->max_pkt_len = (uint32_t)args->word[4].number;
	for (struct port *p = NULL; (p = port_next(p)) != NULL;)
		p->mtu = 0;
	reconfigure_all();
}

static void config_mtu(const struct cli_args *args)
{
	struct port *port = cli_port(args->word[3].number);
	uint64_t mtu = args->word[4].number;
	int ret;

	if (port == NULL || !cli_check("mtu", mtu, RTE_ETHER_MIN_MTU, UINT16_MAX))
		return;
	if (port->state == PORT_STARTED) {
		cli_fail("port %u is started: port stop %u first", port->id, port->id);
		return;
	}
	ret = rte_eth_dev_set_mtu(port->id, (uint16_t)mtu);
	if (ret != 0) {
		cli_fail("port %u does not take MTU %" PRIu64 ": %s", port->id, mtu,
			 rte_strerror(-ret));
		return;
	}
	port->mtu = (uint32_t)mtu;
	port->needs_configure = true;
}

static const struct {
	const char *name;
	uint64_t hash;
} rss_types[] = {
	{"none", 0},
	{"ip", RTE_ETH_RSS_IP},
	{"ipv4", RTE_ETH_RSS_IPV4},
	{"ipv6", RTE_ETH_RSS_IPV6},
	{"udp", RTE_ETH_RSS_UDP},
	{"tcp", RTE_ETH_RSS_TCP},
	{"sctp", RTE_ETH_RSS_SCTP},
	{"default", RTE_ETH_RSS_IP},
	{"all", RTE_ETH_RSS_IP | RTE_ETH_RSS_TCP | RTE_ETH_RSS_UDP | RTE_ETH_RSS_SCTP},
};

static void update_hash(struct port *port, uint64_t hash)
{
	struct rte_eth_rss_conf conf = {.rss_hf = hash & port->info.flow_type_rss_offloads};
	int ret;

	if (hash != 0 && conf.rss_hf == 0) {
		cli_fail("port %u (%s) cannot spread by that", port->id, port->name);
		return;
	}
	port->rss_hf = hash;
	if (port->rxq < 2)
		return;
	ret = rte_eth_dev_rss_hash_update(port->id, &conf);
	if (ret != 0)
		cli_fail("port %u does not change its RSS: %s", port->id, rte_strerror(-ret));
}

static void config_rss(const struct cli_args *args)
{
	const char *type = args->word[4].text;

	for (unsigned int i = 0; i < RTE_DIM(rss_types); i++) {
		if (strcmp(rss_types[i].name, type) != 0)
			continue;
		options_edit()->rss_hf = rss_types[i].hash;
		for (struct port *p = NULL; (p = port_next(p)) != NULL;)
			update_hash(p, rss_types[i].hash);
	}
}

static int switch_queue(struct port *port, bool is_rx, bool starts, uint16_t queue)
{
	uint64_t *stopped = is_rx ? &port->rx_stopped : &port->tx_stopped;
	int ret;

	if (is_rx)
		ret = starts ? rte_eth_dev_rx_queue_start(port->id, queue)
			     : rte_eth_dev_rx_queue_stop(port->id, queue);
	else
		ret = starts ? rte_eth_dev_tx_queue_start(port->id, queue)
			     : rte_eth_dev_tx_queue_stop(port->id, queue);
	if (ret == 0 && starts)
		*stopped &= ~(1ull << queue);
	else if (ret == 0)
		*stopped |= 1ull << queue;
	return ret;
}

static void run_queue(const struct cli_args *args)
{
	struct port *port = cli_port(args->word[1].number);
	bool is_rx = strcmp(args->word[2].text, "rxq") == 0;
	bool starts = strcmp(args->word[4].text, "start") == 0;
	uint64_t queue = args->word[3].number;
	int ret;

	if (port == NULL || !is_stopped() ||
	    !cli_check("queue", queue, 0, (is_rx ? port->rxq : port->txq) - 1))
		return;
	ret = switch_queue(port, is_rx, starts, (uint16_t)queue);
	if (ret != 0)
		cli_fail("%s %" PRIu64 " of port %u does not %s: %s", args->word[2].text, queue,
			 port->id, args->word[4].text, rte_strerror(-ret));
}

const struct cli_command cli_ports[] = {
	{"ports", "port start|stop|close|reset <port|all>", "the life of a port", .run = run_port},
	{"ports", "port attach <rest>",
	 "plug a device: net_dmanic2,cable=net_dmanic3, or 0000:03:00.0", .run_rest = attach},
	{"ports", "port detach PORT", "close and unplug a stopped port", .run = detach},
	{"ports", "port config all rxq|txq|rxd|txd N", "queues and rings of all ports, stopped",
	 .run = config_all},
	{"ports", "port config all burst N", "packets a burst", .run = config_burst},
	{"ports", "port config all max-pkt-len N", "longest frame of all ports, stopped",
	 .run = config_length},
	{"ports", "port config mtu PORT N", "MTU of a stopped port", .run = config_mtu},
	{"ports", "port config all rss none|ip|ipv4|ipv6|udp|tcp|sctp|default|all",
	 "what receive queues are chosen by", .run = config_rss},
	{"ports", "port PORT rxq|txq QUEUE start|stop", "one queue of a started port",
	 .run = run_queue},
	{0},
};

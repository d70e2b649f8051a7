/* SPDX-License-Identifier: BSD-3-Clause */
/* Commands that set modes, addresses and VLANs of a port. */
#include "cli_commands.h"

#include <stdio.h>
#include <string.h>

#include <rte_errno.h>
#include <rte_ethdev.h>

#include "options_table.h"
#include "port.h"

static bool is_on(const char *word)
{
	return strcmp(word, "on") == 0;
}

/* The device's answer to a command on a port. */
static void check(const struct port *port, const char *what, int ret)
{
	if (ret != 0)
		cli_fail("%s on port %u (%s) failed: %s", what, port->id, port->name,
			 rte_strerror(ret < 0 ? -ret : ret));
}

static void set_promisc(const struct cli_args *args)
{
	for (struct port *p = NULL; (p = cli_port_next(args->word[2].text, p)) != NULL;)
		check(p, "promiscuous mode",
		      is_on(args->word[3].text) ? rte_eth_promiscuous_enable(p->id)
						: rte_eth_promiscuous_disable(p->id));
}

static void set_allmulti(const struct cli_args *args)
{
	for (struct port *p = NULL; (p = cli_port_next(args->word[2].text, p)) != NULL;)
		check(p, "all-multicast mode",
		      is_on(args->word[3].text) ? rte_eth_allmulticast_enable(p->id)
						: rte_eth_allmulticast_disable(p->id));
}

static void set_link(const struct cli_args *args)
{
	struct port *port = cli_port(args->word[3].number);

	if (port == NULL)
		return;
	if (strcmp(args->word[1].text, "link-up") == 0)
		check(port, "link-up", rte_eth_dev_set_link_up(port->id));
	else
		check(port, "link-down", rte_eth_dev_set_link_down(port->id));
}

static void mac_addr(const struct cli_args *args)
{
	struct port *port = cli_port(args->word[2].number);
	const char *verb = args->word[1].text;
	struct rte_ether_addr address;

	if (port == NULL)
		return;
	if (rte_ether_unformat_addr(args->word[3].text, &address) != 0)
		cli_fail("%s is not a MAC address", args->word[3].text);
	else if (strcmp(verb, "add") == 0)
		check(port, "mac_addr add", rte_eth_dev_mac_addr_add(port->id, &address, 0));
	else if (strcmp(verb, "remove") == 0)
		check(port, "mac_addr remove", rte_eth_dev_mac_addr_remove(port->id, &address));
	else
		check(port, "mac_addr set", rte_eth_dev_default_mac_addr_set(port->id, &address));
}

/* What the device has to be configured with; it takes effect when the port starts again. */
static bool change_rx_offload(struct port *port, uint64_t offload, bool is_wanted)
{
	if (is_wanted && (port->info.rx_offload_capa & offload) == 0) {
		cli_fail("port %u (%s) has no %s", port->id, port->name,
			 rte_eth_dev_rx_offload_name(offload));
		return false;
	}
	if (is_wanted)
		port->conf.rxmode.offloads |= offload;
	else
		port->conf.rxmode.offloads &= ~offload;
	port->needs_configure = true;
	return true;
}

static void vlan_set(const struct cli_args *args)
{
	static const struct {
		const char *name;
		int mask;
		uint64_t offload;
	} kinds[] = {
		{"strip", RTE_ETH_VLAN_STRIP_OFFLOAD, RTE_ETH_RX_OFFLOAD_VLAN_STRIP},
		{"filter", RTE_ETH_VLAN_FILTER_OFFLOAD, RTE_ETH_RX_OFFLOAD_VLAN_FILTER},
		{"extend", RTE_ETH_VLAN_EXTEND_OFFLOAD, RTE_ETH_RX_OFFLOAD_VLAN_EXTEND},
		{"qinq_strip", RTE_ETH_QINQ_STRIP_OFFLOAD, RTE_ETH_RX_OFFLOAD_QINQ_STRIP},
	};
	struct port *port = cli_port(args->word[4].number);
	bool is_wanted = is_on(args->word[3].text);

	for (unsigned int i = 0; port != NULL && i < RTE_DIM(kinds); i++) {
		int mask;

		if (strcmp(kinds[i].name, args->word[2].text) != 0 ||
		    !change_rx_offload(port, kinds[i].offload, is_wanted))
			continue;
		mask = rte_eth_dev_get_vlan_offload(port->id);
		if (mask >= 0)
			mask = is_wanted ? mask | kinds[i].mask : mask & ~kinds[i].mask;
		check(port, "vlan set",
		      mask < 0 ? mask : rte_eth_dev_set_vlan_offload(port->id, mask));
	}
}

static void rx_vlan(const struct cli_args *args)
{
	struct port *port = cli_port(args->word[3].number);
	const char *word = args->word[2].text;
	int is_added = strcmp(args->word[1].text, "add") == 0;
	uint64_t first = 0, last = 4095;

	if (port == NULL)
		return;
	if (strcmp(word, "all") != 0) {
		if (option_number(word, 0, 4095, &first) != 0) {
			cli_fail("\"%s\" is not a VLAN: give a number from 0 to 4095, or all",
				 word);
			return;
		}
		last = first;
	}
	for (uint64_t id = first; id <= last; id++)
		check(port, "rx_vlan", rte_eth_dev_vlan_filter(port->id, (uint16_t)id, is_added));
}

const struct cli_command cli_config_port[] = {
	{"config", "set promisc <port|all> on|off", "receive frames for any address",
	 .run = set_promisc},
	{"config", "set allmulti <port|all> on|off", "receive all multicast frames",
	 .run = set_allmulti},
	{"config", "set link-up|link-down port PORT", "the port's link", .run = set_link},
	{"config", "mac_addr add|remove|set PORT <mac>", "addresses that a port receives for",
	 .run = mac_addr},
	{"config", "vlan set strip|filter|extend|qinq_strip on|off PORT",
	 "what a port does with VLAN tags", .run = vlan_set},
	{"config", "rx_vlan add|rm <id|all> PORT", "VLANs that a port receives", .run = rx_vlan},
	{0},
};

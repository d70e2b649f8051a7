/* SPDX-License-Identifier: BSD-3-Clause */
/* What the commands that show something share. */
#include "show.h"

#include <string.h>
#include <jansson.h>

#include "cli.h"
#include "options.h"
#include "port.h"
#include "report.h"

bool show_is_json(void)
{
	return options_get()->is_json;
}

bool show_is_open(const struct port *port)
{
	if (port->state != PORT_CLOSED)
		return true;
	cli_fail("port %u is closed; port detach %u takes it away", port->id, port->id);
	return false;
}

void show_json_ports(const char *word, json_t *(*make)(struct port *port))
{
	json_t *array = json_array();
	struct port *port = NULL;

	while ((port = cli_port_next(word, port)) != NULL) {
		if (strcmp(word, "all") == 0 ? port->state != PORT_CLOSED : show_is_open(port))
			json_array_append_new(array, make(port));
	}
	report_print_json(array);
}

void show_text_ports(const char *word, void (*print)(struct port *port))
{
	struct port *port = NULL;

	while ((port = cli_port_next(word, port)) != NULL) {
		if (strcmp(word, "all") == 0 ? port->state != PORT_CLOSED : show_is_open(port))
			print(port);
	}
}

struct stats_report *show_report(void)
{
	struct stats_report *report;

	if (report_collect(&report) == 0)
		return report;
	cli_fail("cannot take a snapshot: out of memory");
	return NULL;
}

const char *show_mac(const struct rte_ether_addr *addr, char *text)
{
	rte_ether_format_addr(text, RTE_ETHER_ADDR_FMT_SIZE, addr);
	return text;
}

void show_speed(uint32_t mbps, char *text, size_t size)
{
	if (mbps == RTE_ETH_SPEED_NUM_UNKNOWN)
		snprintf(text, size, "Unknown");
	else if (mbps == RTE_ETH_SPEED_NUM_NONE)
		snprintf(text, size, "None");
	else if (mbps < 1000)
		snprintf(text, size, "%u Mbps", mbps);
	else
		snprintf(text, size, "%g Gbps", (double)mbps / 1000);
}

/* testpmd's words for the RSS types that a user can ask for. */
static const struct {
	const char *name;
	uint64_t bit;
} rss_types[] = {
	{"ipv4", RTE_ETH_RSS_IPV4},
	{"ipv4-frag", RTE_ETH_RSS_FRAG_IPV4},
	{"ipv4-tcp", RTE_ETH_RSS_NONFRAG_IPV4_TCP},
	{"ipv4-udp", RTE_ETH_RSS_NONFRAG_IPV4_UDP},
	{"ipv4-sctp", RTE_ETH_RSS_NONFRAG_IPV4_SCTP},
	{"ipv4-other", RTE_ETH_RSS_NONFRAG_IPV4_OTHER},
	{"ipv6", RTE_ETH_RSS_IPV6},
	{"ipv6-frag", RTE_ETH_RSS_FRAG_IPV6},
	{"ipv6-tcp", RTE_ETH_RSS_NONFRAG_IPV6_TCP},
	{"ipv6-udp", RTE_ETH_RSS_NONFRAG_IPV6_UDP},
	{"ipv6-sctp", RTE_ETH_RSS_NONFRAG_IPV6_SCTP},
	{"ipv6-other", RTE_ETH_RSS_NONFRAG_IPV6_OTHER},
	{"l2-payload", RTE_ETH_RSS_L2_PAYLOAD},
	{"ipv6-ex", RTE_ETH_RSS_IPV6_EX},
	{"ipv6-tcp-ex", RTE_ETH_RSS_IPV6_TCP_EX},
	{"ipv6-udp-ex", RTE_ETH_RSS_IPV6_UDP_EX},
	{"port", RTE_ETH_RSS_PORT},
	{"vxlan", RTE_ETH_RSS_VXLAN},
	{"geneve", RTE_ETH_RSS_GENEVE},
	{"nvgre", RTE_ETH_RSS_NVGRE},
	{"gtpu", RTE_ETH_RSS_GTPU},
	{"eth", RTE_ETH_RSS_ETH},
	{"s-vlan", RTE_ETH_RSS_S_VLAN},
	{"c-vlan", RTE_ETH_RSS_C_VLAN},
	{"esp", RTE_ETH_RSS_ESP},
	{"ah", RTE_ETH_RSS_AH},
	{"l2tpv3", RTE_ETH_RSS_L2TPV3},
	{"pfcp", RTE_ETH_RSS_PFCP},
	{"pppoe", RTE_ETH_RSS_PPPOE},
	{"mpls", RTE_ETH_RSS_MPLS},
};

void show_rss_types(uint64_t hf, char *text, size_t size)
{
	size_t used = 0;

	text[0] = '\0';
	for (size_t i = 0; i < RTE_DIM(rss_types); i++) {
		if ((hf & rss_types[i].bit) == 0 || used >= size)
			continue;
		used += (size_t)snprintf(text + used, size - used, "%s%s", used == 0 ? "" : "  ",
					 rss_types[i].name);
	}
}

json_t *show_json_rss_types(uint64_t hf)
{
	json_t *array = json_array();

	for (size_t i = 0; i < RTE_DIM(rss_types); i++) {
		if (hf & rss_types[i].bit)
			json_array_append_new(array, json_string(rss_types[i].name));
	}
	return array;
}

/* SPDX-License-Identifier: BSD-3-Clause */
/* show port info (P|all): what a port is and can do, in testpmd's shape. */
#include <inttypes.h>
#include <stdio.h>
#include <jansson.h>

#include "cli_commands.h"
#include "port.h"
#include "port_pci.h"
#include "report.h"
#include "show.h"

/* What the ethdev calls said at one moment. */
struct info {
	struct rte_eth_dev_info dev;
	struct rte_eth_link link;
	char mac[RTE_ETHER_ADDR_FMT_SIZE];
	char firmware[64];
	uint16_t mtu;
	int vlan;
	int promiscuous;
	int allmulticast;
};

static void info_get(const struct port *port, struct info *info)
{
	struct rte_ether_addr mac = {0};

	*info = (struct info){0};
	if (rte_eth_dev_info_get(port->id, &info->dev) != 0)
		info->dev = port->info;
	if (rte_eth_link_get_nowait(port->id, &info->link) != 0)
		info->link = (struct rte_eth_link){0};
	rte_eth_macaddr_get(port->id, &mac);
	show_mac(&mac, info->mac);
	if (rte_eth_dev_fw_version_get(port->id, info->firmware, sizeof(info->firmware)) != 0)
		info->firmware[0] = '\0';
	rte_eth_dev_get_mtu(port->id, &info->mtu);
	info->vlan = rte_eth_dev_get_vlan_offload(port->id);
	info->promiscuous = rte_eth_promiscuous_get(port->id);
	info->allmulticast = rte_eth_allmulticast_get(port->id);
}

static const char *on_off(bool is_on)
{
	return is_on ? "on" : "off";
}

static const char *enabled(int state)
{
	return state == 1 ? "enabled" : "disabled";
}

static void print_link(const struct port *port, const struct info *info)
{
	char speed[32];

	show_speed(info->link.link_speed, speed, sizeof(speed));
	printf("Connect to socket: %d\n", rte_eth_dev_socket_id(port->id));
	printf("memory allocation on the socket: %d\n", port->node);
	printf("Link status: %s\n", info->link.link_status ? "up" : "down");
	printf("Link speed: %s\n", speed);
	printf("Link duplex: %s\n",
	       info->link.link_duplex == RTE_ETH_LINK_FULL_DUPLEX ? "full-duplex" : "half-duplex");
	printf("Autoneg status: %s\n",
	       info->link.link_autoneg == RTE_ETH_LINK_AUTONEG ? "On" : "Off");
	printf("MTU: %u\n", info->mtu);
	printf("Promiscuous mode: %s\n", enabled(info->promiscuous));
	printf("Allmulticast mode: %s\n", enabled(info->allmulticast));
	printf("Maximum number of MAC addresses: %u\n", info->dev.max_mac_addrs);
	printf("Maximum number of MAC addresses of hash filtering: %u\n",
	       info->dev.max_hash_mac_addrs);
	if (info->vlan < 0)
		return;
	printf("VLAN offload: \n");
	printf("  strip %s, filter %s, extend %s, qinq strip %s\n",
	       on_off(info->vlan & RTE_ETH_VLAN_STRIP_OFFLOAD),
	       on_off(info->vlan & RTE_ETH_VLAN_FILTER_OFFLOAD),
	       on_off(info->vlan & RTE_ETH_VLAN_EXTEND_OFFLOAD),
	       on_off(info->vlan & RTE_ETH_QINQ_STRIP_OFFLOAD));
}

static void print_rss(const struct info *info)
{
	char types[512];

	if (info->dev.hash_key_size > 0)
		printf("Hash key size in bytes: %u\n", info->dev.hash_key_size);
	if (info->dev.reta_size > 0)
		printf("Redirection table size: %u\n", info->dev.reta_size);
	if (info->dev.flow_type_rss_offloads == 0) {
		printf("No RSS offload flow type is supported.\n");
		return;
	}
	show_rss_types(info->dev.flow_type_rss_offloads, types, sizeof(types));
	printf("Supported RSS offload flow types:\n  %s\n", types);
}

static void print_queues(const struct port *port, const struct rte_eth_dev_info *dev)
{
	printf("Minimum size of RX buffer: %u\n", dev->min_rx_bufsize);
	printf("Maximum configurable length of RX packet: %u\n", dev->max_rx_pktlen);
	printf("Maximum configurable size of LRO aggregated packet: %u\n", dev->max_lro_pkt_size);
	printf("Current number of RX queues: %u\n", port->rxq);
	printf("Max possible RX queues: %u\n", dev->max_rx_queues);
	printf("Max possible number of RXDs per queue: %u\n", dev->rx_desc_lim.nb_max);
	printf("Min possible number of RXDs per queue: %u\n", dev->rx_desc_lim.nb_min);
	printf("RXDs number alignment: %u\n", dev->rx_desc_lim.nb_align);
	printf("Current number of TX queues: %u\n", port->txq);
	printf("Max possible TX queues: %u\n", dev->max_tx_queues);
	printf("Max possible number of TXDs per queue: %u\n", dev->tx_desc_lim.nb_max);
	printf("Min possible number of TXDs per queue: %u\n", dev->tx_desc_lim.nb_min);
	printf("TXDs number alignment: %u\n", dev->tx_desc_lim.nb_align);
	printf("Max segment number per packet: %u\n", dev->tx_desc_lim.nb_seg_max);
	printf("Max segment number per MTU/TSO: %u\n", dev->tx_desc_lim.nb_mtu_seg_max);
}

static void print_capabilities(const struct rte_eth_dev_info *dev)
{
	static const struct {
		const char *name;
		uint64_t bit;
	} capabilities[] = {
		{"RUNTIME_RX_QUEUE_SETUP", RTE_ETH_DEV_CAPA_RUNTIME_RX_QUEUE_SETUP},
		{"RUNTIME_TX_QUEUE_SETUP", RTE_ETH_DEV_CAPA_RUNTIME_TX_QUEUE_SETUP},
		{"RXQ_SHARE", RTE_ETH_DEV_CAPA_RXQ_SHARE},
		{"FLOW_RULE_KEEP", RTE_ETH_DEV_CAPA_FLOW_RULE_KEEP},
		{"FLOW_SHARED_OBJECT_KEEP", RTE_ETH_DEV_CAPA_FLOW_SHARED_OBJECT_KEEP},
	};
	const char *mode = "none";

	printf("Device capabilities: 0x%" PRIx64 "(", dev->dev_capa);
	for (size_t i = 0; i < RTE_DIM(capabilities); i++) {
		if (dev->dev_capa & capabilities[i].bit)
			printf(" %s", capabilities[i].name);
	}
	if (dev->err_handle_mode == RTE_ETH_ERROR_HANDLE_MODE_PASSIVE)
		mode = "passive";
	else if (dev->err_handle_mode == RTE_ETH_ERROR_HANDLE_MODE_PROACTIVE)
		mode = "proactive";
	printf(" )\nDevice error handling mode: %s\n", mode);
}

/* What testpmd has no line for: the port's place behind the IOMMU. */
static void print_domain(const struct port *port)
{
	struct iommu_domain *domain;
	char eal_memory[128];

	if (port->device == NULL) {
		printf("IOMMU domain: n/a\n");
		return;
	}
	domain = iommu_device_domain(port->device);
	printf("IOMMU domain: %u (%s%s)\n", iommu_domain_id(domain),
	       iommu_unit_backend(iommu_domain_unit(domain)),
	       iommu_unit_limits(iommu_domain_unit(domain))->is_protected ? "" : ", UNPROTECTED");
	if (port->kind != PORT_PCI)
		return;
	port_pci_eal_memory_text(port, eal_memory, sizeof(eal_memory));
	printf("EAL's memory is mapped for it: %s\n", eal_memory);
}

static void print_info(struct port *port)
{
	struct info info;

	info_get(port, &info);
	printf("\n********************* Infos for port %-2d *********************\n", port->id);
	printf("MAC address: %s\n", info.mac);
	printf("Device name: %s\n", port->name);
	printf("Driver name: %s\n", port->driver);
	printf("Firmware-version: %s\n",
	       info.firmware[0] != '\0' ? info.firmware : "not available");
	printf("Devargs: %s\n", port->devargs);
	print_link(port, &info);
	print_rss(&info);
	print_queues(port, &info.dev);
	print_capabilities(&info.dev);
	print_domain(port);
}

static json_t *json_descriptors(const struct rte_eth_desc_lim *limits)
{
	return json_pack("{s:i, s:i, s:i}", "max", limits->nb_max, "min", limits->nb_min, "align",
			 limits->nb_align);
}

static json_t *json_link(const struct info *info)
{
	return json_pack(
		"{s:s, s:o, s:s, s:b}", "status", info->link.link_status ? "up" : "down", "mbps",
		info->link.link_speed == RTE_ETH_SPEED_NUM_UNKNOWN
			? json_null()
			: json_integer(info->link.link_speed),
		"duplex", info->link.link_duplex == RTE_ETH_LINK_FULL_DUPLEX ? "full" : "half",
		"autoneg", info->link.link_autoneg == RTE_ETH_LINK_AUTONEG);
}

static json_t *json_eal_memory(const struct port *port)
{
	if (port->kind != PORT_PCI)
		return json_null();
	return json_pack("{s:b, s:s}", "is_mapped", port->eal_memory == PORT_EAL_MEMORY_YES, "why",
			 port->eal_memory_why);
}

static json_t *json_info(struct port *port)
{
	struct info info;

	info_get(port, &info);
	return json_pack(
		"{s:i, s:s, s:s, s:s, s:s, s:o, s:o, s:i, s:b, s:b, s:i, s:i, s:o, s:i, s:i, s:o, "
		"s:i, s:i, s:o, s:o, s:o}",
		"id", port->id, "name", port->name, "driver", port->driver, "devargs",
		port->devargs, "mac", info.mac, "numa",
		port->node < 0 ? json_null() : json_integer(port->node), "link", json_link(&info),
		"mtu", info.mtu, "promiscuous", info.promiscuous == 1, "allmulticast",
		info.allmulticast == 1, "reta_size", info.dev.reta_size, "hash_key_size",
		info.dev.hash_key_size, "rss_types",
		show_json_rss_types(info.dev.flow_type_rss_offloads), "rx_queues", port->rxq,
		"max_rx_queues", info.dev.max_rx_queues, "rx_descriptors",
		json_descriptors(&info.dev.rx_desc_lim), "tx_queues", port->txq, "max_tx_queues",
		info.dev.max_tx_queues, "tx_descriptors", json_descriptors(&info.dev.tx_desc_lim),
		"domain",
		port->device == NULL
			? json_null()
			: json_integer(iommu_domain_id(iommu_device_domain(port->device))),
		"eal_memory", json_eal_memory(port));
}

static void run_info(const struct cli_args *args)
{
	if (show_is_json())
		show_json_ports(args->word[3].text, json_info);
	else
		show_text_ports(args->word[3].text, print_info);
}

const struct cli_command cli_show_port_info[] = {
	{"display", "show port info <port|all>", "what a port is and can do", .run = run_info},
	{0},
};

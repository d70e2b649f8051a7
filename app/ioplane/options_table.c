/* SPDX-License-Identifier: BSD-3-Clause */
/* One line an option; the few that need more than a number have a function here. */
#include "options_table.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include <rte_ethdev.h>

#include "engine.h"
#include "forward.h"
#include "options.h"
#include "port_tracker.h"
#include "spec.h"
#include "stream.h"

struct options option_values = {
	.flushes_rx = true,
	.uses_pmu = true,
	.rxq = 1,
	.txq = 1,
	.rxd = 128,
	.txd = 512,
	.max_pkt_len = RTE_ETHER_MAX_LEN,
	.mbuf_size = RTE_MBUF_DEFAULT_BUF_SIZE,
	.mbcache = 250,
	.rss_hf = RTE_ETH_RSS_IP,
	.forward_mode = "io",
	.tx_delay_us = 1,
	.tx_retry = 64,
	.burst = 32,
	.nb_cores = 1,
	.rx_loss_ppm = 30000,
	.rx_hold = 512,
	.txpkts = {64},
	.txpkts_count = 1,
	.tracker = TRACKER_SAMPLED,
};

static int set_forward_mode(const char *argument, struct base_error *err)
{
	if (engine_find(argument) == NULL)
		return base_error_set(err, -EINVAL, "--forward-mode %s: there is no such mode",
				      argument);
	option_values.forward_mode = argument;
	option_values.is_mode_given = true;
	return 0;
}

static int set_topology(const char *argument, struct base_error *err)
{
	static const char *const names[] = {
		[TOPOLOGY_PAIRED] = "paired",
		[TOPOLOGY_CHAINED] = "chained",
		[TOPOLOGY_LOOP] = "loop",
	};

	for (unsigned int i = 0; i < RTE_DIM(names); i++)
		if (strcmp(argument, names[i]) == 0) {
			option_values.topology = (enum options_topology)i;
			return 0;
		}
	return base_error_set(err, -EINVAL, "--port-topology %s: give paired, chained or loop",
			      argument);
}

static int set_txpkts(const char *argument, struct base_error *err)
{
	return options_set_txpkts(argument, err);
}

static int set_page_size(const char *argument, struct base_error *err)
{
	static const struct {
		const char *name;
		uint64_t size;
	} sizes[] = {{"4k", 1ull << 12}, {"2m", 1ull << 21}, {"1g", 1ull << 30}};

	for (unsigned int i = 0; i < RTE_DIM(sizes); i++)
		if (strcasecmp(argument, sizes[i].name) == 0) {
			option_values.page_size = sizes[i].size;
			return 0;
		}
	return base_error_set(err, -EINVAL, "--page-size %s: give 4k, 2m or 1g", argument);
}

static int set_mbuf_layout(const char *argument, struct base_error *err)
{
	if (strcmp(argument, "split") != 0 && strcmp(argument, "inline") != 0)
		return base_error_set(err, -EINVAL, "--mbuf-layout %s: give split or inline",
				      argument);
	option_values.is_inline = strcmp(argument, "inline") == 0;
	return 0;
}

static int set_domain(const char *argument, struct base_error *err)
{
	if (strcmp(argument, "nested") == 0)
		return base_error_set(err, -EINVAL,
				      "--domain nested is not in this version: give per-device "
				      "or shared");
	if (strcmp(argument, "per-device") != 0 && strcmp(argument, "shared") != 0)
		return base_error_set(err, -EINVAL, "--domain %s: give per-device or shared",
				      argument);
	option_values.shares_domain = strcmp(argument, "shared") == 0;
	return 0;
}

static int set_dma_policy(const char *argument, struct base_error *err)
{
	struct base_error why = {0};
	int ret = dma_policy_parse(argument, &option_values.dma_policy, &why);

	return ret == 0 ? 0 : base_error_set(err, ret, "--dma-policy %s", why.text);
}

static int set_tracker(const char *argument, struct base_error *err)
{
	if (port_tracker_mode_parse(argument, &option_values.tracker) == 0)
		return 0;
	return base_error_set(err, -EINVAL, "--tracker %s: give off, sampled or full", argument);
}

static int set_pmu(const char *argument, struct base_error *err)
{
	option_values.uses_pmu = strcmp(argument, "auto") == 0;
	if (option_values.uses_pmu || strcmp(argument, "off") == 0)
		return 0;
	return base_error_set(err, -EINVAL, "--pmu %s: give auto or off", argument);
}

static int set_coremask(const char *argument, struct base_error *err)
{
	uint64_t mask;

	if (option_mask(argument, &mask) != 0)
		return base_error_set(err, -EINVAL, "--coremask %s: give a hexadecimal mask",
				      argument);
	option_values.coremask = mask;
	option_values.nb_cores = (uint16_t)__builtin_popcountll(mask);
	return 0;
}

static int set_portmask(const char *argument, struct base_error *err)
{
	if (option_mask(argument, &option_values.portmask) != 0)
		return base_error_set(err, -EINVAL, "--portmask %s: give a hexadecimal mask",
				      argument);
	return 0;
}

/* Seconds with three digits behind the point at most. */
static int set_seconds(const char *name, const char *argument, uint32_t *ms, struct base_error *err)
{
	char *end;
	double seconds = strtod(argument, &end);

	if (argument[0] < '0' || argument[0] > '9' || *end != '\0' || !(seconds <= 86400) ||
	    seconds < 0.001)
		return base_error_set(err, -EINVAL,
				      "--%s %s: give seconds from 0.001 to 86400, such as 0.5",
				      name, argument);
	*ms = (uint32_t)(seconds * 1000 + 0.5);
	return 0;
}

static int set_duration(const char *argument, struct base_error *err)
{
	return set_seconds("duration", argument, &option_values.duration_ms, err);
}

static int set_warm_up(const char *argument, struct base_error *err)
{
	return set_seconds("warm-up", argument, &option_values.warm_up_ms, err);
}

static int set_rx_loss(const char *argument, struct base_error *err)
{
	char *end;
	double percent = strtod(argument, &end);

	if (argument[0] < '0' || argument[0] > '9' || *end != '\0' || !(percent <= 50))
		return base_error_set(err, -EINVAL,
				      "--rx-loss %s: give a percentage from 0 to 50, such as 0.5",
				      argument);
	option_values.rx_loss_ppm = (uint32_t)(percent * 10000 + 0.5);
	return 0;
}

static int set_eth_peer(const char *argument, struct base_error *err)
{
	const char *comma = strchr(argument, ',');
	char id[8] = "";
	uint64_t port;

	if (comma != NULL && (size_t)(comma - argument) < sizeof(id))
		memcpy(id, argument, (size_t)(comma - argument));
	if (option_number(id, 0, RTE_MAX_ETHPORTS - 1, &port) != 0)
		return base_error_set(err, -EINVAL,
				      "--eth-peer %s: give a port and a MAC address, such as "
				      "0,02:00:00:00:00:01",
				      argument);
	return forward_set_peer_address((uint16_t)port, comma + 1, err);
}

static int set_disable_rss(const char *argument __rte_unused, struct base_error *err __rte_unused)
{
	option_values.rss_hf = 0;
	return 0;
}

static int set_rss_ip(const char *argument __rte_unused, struct base_error *err __rte_unused)
{
	option_values.rss_hf = RTE_ETH_RSS_IP;
	return 0;
}

static int set_rss_udp(const char *argument __rte_unused, struct base_error *err __rte_unused)
{
	option_values.rss_hf = RTE_ETH_RSS_IP | RTE_ETH_RSS_UDP;
	return 0;
}

static int set_no_flush_rx(const char *argument __rte_unused, struct base_error *err __rte_unused)
{
	option_values.flushes_rx = false;
	return 0;
}

static int add_spec(const char *name, const char **specs, uint16_t *count, const char *argument,
		    struct base_error *err)
{
	if (*count == OPTIONS_SPECS_MAX)
		return base_error_set(err, -EINVAL, "--%s: at most %d of them", name,
				      OPTIONS_SPECS_MAX);
	specs[(*count)++] = argument;
	return 0;
}

static int add_replay(const char *argument, struct base_error *err)
{
	struct spec spec;
	int ret = spec_parse_replay(argument, &spec, err);

	if (ret != 0)
		return ret;
	return add_spec("replay", option_values.replay, &option_values.replay_count, argument, err);
}

static int add_capture(const char *argument, struct base_error *err)
{
	struct spec spec;
	int ret = spec_parse_capture(argument, &spec, err);

	if (ret != 0)
		return ret;
	return add_spec("capture", option_values.capture, &option_values.capture_count, argument,
			err);
}

#define FLAG(field)	     OPTION_FLAG, &option_values.field, 0, 0, NULL
#define U16(field, min, max) OPTION_U16, &option_values.field, min, max, NULL
#define U32(field, min, max) OPTION_U32, &option_values.field, min, max, NULL
#define TEXT(field)	     OPTION_TEXT, &option_values.field, 0, 0, NULL
#define CALL(function)	     OPTION_CALL, NULL, 0, 0, function

/* clang-format off */
const struct option_def option_defs[] = {
	{"interactive", 'i', NULL, "commands from the terminal", FLAG(is_interactive)},
	{"auto-start", 'a', NULL, "with -i: start forwarding at once", FLAG(is_auto_start)},
	{"cmdline-file", 0, "F", "run the commands in file F first", TEXT(cmdline_file)},
	{"keep-going", 0, NULL, "a failed line does not end a command file", FLAG(keeps_going)},
	{"dry-run", 0, NULL, "check the budget, say what would happen, touch nothing",
	 FLAG(is_dry_run)},
	{"sweep", 0, "F", "run the points of file F in turn; --dry-run lists them (config/scenarios/*.cfg)",
	 TEXT(sweep_file)},
	{"sweep-out", 0, "P", "write P.csv, P.json and P.svg (F's name without .cfg)",
	 TEXT(sweep_out)},
	{"json", 0, NULL, "every show answers in JSON", FLAG(is_json)},
	{"stats-json", 0, "F", "write the report to F on exit (-: standard output)",
	 TEXT(stats_json_file)},
	{"stats-period", 0, "N", "show statistics every N seconds", U32(stats_period_s, 1, 86400)},

	{"duration", 0, "SECONDS", "forward for so long, report and end; such as 0.5",
	 CALL(set_duration)},
	{"warm-up", 0, "SECONDS", "count nothing of the first seconds", CALL(set_warm_up)},
	{"min-packets", 0, "N", "neither of them ends before N packets were received",
	 U32(min_packets, 1, UINT32_MAX)},

	{"replay", 0, "PORT,file=F[,...]", "PORT transmits capture F (loop=N, topspeed ...)",
	 CALL(add_replay)},
	{"capture", 0, "PORT,file=F", "what PORT receives is written to F", CALL(add_capture)},

	{"forward-mode", 0, "M", "io, mac, macswap, rxonly, rxloss, txonly or replay",
	 CALL(set_forward_mode)},
	{"port-topology", 0, "T", "paired, chained or loop", CALL(set_topology)},
	{"nb-cores", 0, "N", "lcores that forward", U16(nb_cores, 1, RTE_MAX_LCORE)},
	{"coremask", 0, "M", "the lcores that forward, as a mask", CALL(set_coremask)},
	{"nb-ports", 0, "N", "ports that forward", U16(nb_ports, 1, RTE_MAX_ETHPORTS)},
	{"portmask", 0, "M", "the ports that forward, as a mask", CALL(set_portmask)},
	{"portlist", 0, "L", "the ports that forward, such as 0,2-3", TEXT(portlist)},
	{"eth-peer", 0, "PORT,MAC", "the destination of what a port sends", CALL(set_eth_peer)},
	{"burst", 0, "N", "packets a burst", U16(burst, 1, STREAM_BURST_MAX)},
	{"tx-first", 0, NULL, "send a burst on each port first", FLAG(is_tx_first)},
	{"txpkts", 0, "X[,Y]", "lengths of the segments that txonly sends", CALL(set_txpkts)},
	{"txonly-multi-flow", 0, NULL, "txonly sends many flows", FLAG(is_multi_flow)},
	{"txonly-flows", 0, "N", "txonly sends N flows, in any order", U32(tx_flows, 1, 65536)},
	{"rx-loss", 0, "PERCENT", "rxloss: share of the frames that the network loses (3)",
	 CALL(set_rx_loss)},
	{"rx-hold", 0, "N", "rxloss: frames of a queue until a lost one is sent again (512)",
	 U32(rx_hold, 1, 65536)},
	{"no-flush-rx", 0, NULL, "keep what waits in receive queues at start",
	 CALL(set_no_flush_rx)},
	{"record-core-cycles", 0, NULL, "count cycles a packet", FLAG(records_cycles)},
	{"record-burst-stats", 0, NULL, "keep a histogram of burst sizes", FLAG(records_bursts)},

	{"rxq", 0, "N", "receive queues a port", U16(rxq, 1, PORT_QUEUES_MAX)},
	{"txq", 0, "N", "transmit queues a port", U16(txq, 1, PORT_QUEUES_MAX)},
	{"rxd", 0, "N", "descriptors of a receive ring", U16(rxd, 1, 32768)},
	{"txd", 0, "N", "descriptors of a transmit ring", U16(txd, 1, 32768)},
	{"max-pkt-len", 0, "N", "longest frame, bytes", U32(max_pkt_len, 64, 65535)},
	{"rss-ip", 0, NULL, "spread by IP addresses (the default)", CALL(set_rss_ip)},
	{"rss-udp", 0, NULL, "spread by IP addresses and UDP ports", CALL(set_rss_udp)},
	{"disable-rss", 0, NULL, "do not spread over receive queues", CALL(set_disable_rss)},

	{"mbuf-size", 0, "N", "bytes of a buffer with its headroom", U32(mbuf_size, 256, PORT_MBUF_SIZE_MAX)},
	{"total-num-mbufs", 0, "N", "buffers a port receives into", U32(total_num_mbufs, 128,
									 1u << 28)},
	{"pool-per-queue", 0, NULL, "each receive queue has a pool of its own",
	 FLAG(has_queue_pools)},
	{"mbcache", 0, "N", "buffers a lcore keeps", U16(mbcache, 0, 512)},
	{"mbuf-layout", 0, "L", "split: headers apart from DMA memory; inline: beside the data",
	 CALL(set_mbuf_layout)},
	{"page-size", 0, "S", "largest page of DMA memory: 4k, 2m or 1g", CALL(set_page_size)},
	{"arena-mb", 0, "N", "MiB of DMA memory a port (0: computed)", U32(arena_mb, 0, 1u << 20)},
	{"iotlb", 0, "F", "profile of the software IOMMU, and of the IOTLB that misses are predicted for",
	 TEXT(iotlb_file)},
	{"domain", 0, "D", "per-device or shared", CALL(set_domain)},
	{"tracker", 0, "T", "off, sampled (the default) or full: what queues ask of an IOTLB",
	 CALL(set_tracker)},
	{"dma-policy", 0, "P",
	 "static, strict or deferred[,batch=N][,timeout-us=N], [,iova=fixed|fresh]",
	 CALL(set_dma_policy)},
	{"pmu", 0, "P", "hardware counters of IOMMUs: auto (where there are any) or off",
	 CALL(set_pmu)},
	{"kernel-trace", 0, NULL, "count the kernel's own maps; each costs it up to a quarter more",
	 FLAG(traces_kernel)},
	{0},
};
/* clang-format on */

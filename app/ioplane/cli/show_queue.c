/* SPDX-License-Identifier: BSD-3-Clause */
/* show (rxq|txq) info P Q, in testpmd's shape. */
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <jansson.h>
#include <rte_mempool.h>

#include "cli_commands.h"
#include "port.h"
#include "report.h"
#include "show.h"

static const char *on_off(bool is_on)
{
	return is_on ? "on" : "off";
}

static const char *queue_state(uint8_t state)
{
	switch (state) {
	case RTE_ETH_QUEUE_STATE_STOPPED:
		return "stopped";
	case RTE_ETH_QUEUE_STATE_STARTED:
		return "started";
	case RTE_ETH_QUEUE_STATE_HAIRPIN:
		return "hairpin";
	default:
		return "unknown";
	}
}

/* The port of an open queue; NULL, and the command has failed. */
static struct port *queue_port(const struct cli_args *args, bool is_rx, uint16_t *queue)
{
	struct port *port = cli_port(args->word[3].number);
	uint16_t count;

	if (port == NULL || !show_is_open(port))
		return NULL;
	count = is_rx ? port->rxq : port->txq;
	if (args->word[4].number >= count) {
		cli_fail("port %u has no %s queue %" PRIu64 ": it has %u", port->id,
			 is_rx ? "rx" : "tx", args->word[4].number, count);
		return NULL;
	}
	*queue = (uint16_t)args->word[4].number;
	return port;
}

static void fail_info(const struct port *port, const char *direction, uint16_t queue, int ret)
{
	cli_fail("port %u, %s queue %u: the driver tells nothing: %s", port->id, direction, queue,
		 strerror(-ret));
}

static void print_rxq(const struct port *port, uint16_t queue, const struct rte_eth_rxq_info *info,
		      const char *mode)
{
	printf("\n********************* Infos for port %-2u, RX queue %-2u *********************",
	       port->id, queue);
	printf("\nMempool: %s", info->mp == NULL ? "NULL" : info->mp->name);
	printf("\nRX prefetch threshold: %u", info->conf.rx_thresh.pthresh);
	printf("\nRX host threshold: %u", info->conf.rx_thresh.hthresh);
	printf("\nRX writeback threshold: %u", info->conf.rx_thresh.wthresh);
	printf("\nRX free threshold: %u", info->conf.rx_free_thresh);
	printf("\nRX drop packets: %s", on_off(info->conf.rx_drop_en));
	printf("\nRX deferred start: %s", on_off(info->conf.rx_deferred_start));
	printf("\nRX scattered packets: %s", on_off(info->scattered_rx));
	printf("\nRx queue state: %s", queue_state(info->queue_state));
	if (info->rx_buf_size != 0)
		printf("\nRX buffer size: %u", info->rx_buf_size);
	printf("\nNumber of RXDs: %u", info->nb_desc);
	if (mode[0] != '\0')
		printf("\nBurst mode: %s", mode);
	printf("\n");
}

static void run_rxq(const struct cli_args *args)
{
	struct rte_eth_burst_mode mode = {0};
	struct rte_eth_rxq_info info;
	struct port *port;
	uint16_t queue;
	int ret;

	port = queue_port(args, true, &queue);
	if (port == NULL)
		return;
	ret = rte_eth_rx_queue_info_get(port->id, queue, &info);
	if (ret != 0) {
		fail_info(port, "rx", queue, ret);
		return;
	}
	if (rte_eth_rx_burst_mode_get(port->id, queue, &mode) != 0)
		mode.info[0] = '\0';
	if (!show_is_json()) {
		print_rxq(port, queue, &info, mode.info);
		return;
	}
	report_print_json(
		json_pack("{s:i, s:i, s:o, s:i, s:b, s:b, s:b, s:s, s:i, s:i, s:s}", "port",
			  port->id, "queue", queue, "mempool",
			  info.mp == NULL ? json_null() : json_string(info.mp->name),
			  "free_threshold", info.conf.rx_free_thresh, "drop", info.conf.rx_drop_en,
			  "deferred_start", info.conf.rx_deferred_start, "scattered",
			  info.scattered_rx, "state", queue_state(info.queue_state), "buffer_size",
			  info.rx_buf_size, "descriptors", info.nb_desc, "burst_mode", mode.info));
}

static void print_txq(const struct port *port, uint16_t queue, const struct rte_eth_txq_info *info,
		      const char *mode)
{
	printf("\n********************* Infos for port %-2u, TX queue %-2u *********************",
	       port->id, queue);
	printf("\nTX prefetch threshold: %u", info->conf.tx_thresh.pthresh);
	printf("\nTX host threshold: %u", info->conf.tx_thresh.hthresh);
	printf("\nTX writeback threshold: %u", info->conf.tx_thresh.wthresh);
	printf("\nTX RS threshold: %u", info->conf.tx_rs_thresh);
	printf("\nTX free threshold: %u", info->conf.tx_free_thresh);
	printf("\nTX deferred start: %s", on_off(info->conf.tx_deferred_start));
	printf("\nNumber of TXDs: %u", info->nb_desc);
	printf("\nTx queue state: %s", queue_state(info->queue_state));
	if (mode[0] != '\0')
		printf("\nBurst mode: %s", mode);
	printf("\n");
}

static void run_txq(const struct cli_args *args)
{
	struct rte_eth_burst_mode mode = {0};
	struct rte_eth_txq_info info;
	struct port *port;
	uint16_t queue;
	int ret;

	port = queue_port(args, false, &queue);
	if (port == NULL)
		return;
	ret = rte_eth_tx_queue_info_get(port->id, queue, &info);
	if (ret != 0) {
		fail_info(port, "tx", queue, ret);
		return;
	}
	if (rte_eth_tx_burst_mode_get(port->id, queue, &mode) != 0)
		mode.info[0] = '\0';
	if (!show_is_json()) {
		print_txq(port, queue, &info, mode.info);
		return;
	}
	report_print_json(json_pack("{s:i, s:i, s:i, s:i, s:b, s:s, s:i, s:s}", "port", port->id,
				    "queue", queue, "rs_threshold", info.conf.tx_rs_thresh,
				    "free_threshold", info.conf.tx_free_thresh, "deferred_start",
				    info.conf.tx_deferred_start, "state",
				    queue_state(info.queue_state), "descriptors", info.nb_desc,
				    "burst_mode", mode.info));
}

const struct cli_command cli_show_queue[] = {
	{"display", "show rxq info PORT QUEUE", "how a receive queue is set up", .run = run_rxq},
	{"display", "show txq info PORT QUEUE", "how a transmit queue is set up", .run = run_txq},
	{0},
};

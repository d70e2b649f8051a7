/* SPDX-License-Identifier: BSD-3-Clause */
/* show config (fwd|rxtx|cores|txpkts), in testpmd's shapes. */
#include <inttypes.h>
#include <stdio.h>
#include <jansson.h>
#include <rte_lcore.h>

#include "cli_commands.h"
#include "forward.h"
#include "options.h"
#include "port.h"
#include "port_tracker.h"
#include "report.h"
#include "show.h"
#include "stream.h"

/* --- fwd ----------------------------------------------------------------------------------------
 */

static json_t *json_end(const struct port *port, uint16_t queue)
{
	if (port == NULL)
		return json_null();
	return json_pack("{s:i, s:i}", "port", port->id, "queue", queue);
}

static json_t *json_streams(void)
{
	const struct stream *stream = NULL;
	json_t *array = json_array();

	while ((stream = stream_next(stream)) != NULL)
		json_array_append_new(array,
				      json_pack("{s:s, s:i, s:o, s:o}", "engine",
						stream->engine->name, "lcore", stream->lcore, "rx",
						json_end(stream->rx_port, stream->rx_queue), "tx",
						json_end(stream->tx_port, stream->tx_queue)));
	return array;
}

static void run_fwd(const struct cli_args *args __rte_unused)
{
	if (show_is_json()) {
		report_print_json(json_pack(
			"{s:s, s:i, s:i, s:b, s:s, s:o}", "mode", options_get()->forward_mode,
			"ports", port_count(), "burst", options_get()->burst, "running",
			forward_is_running(), "tracker",
			port_tracker_mode_name(options_get()->tracker), "streams", json_streams()));
	} else {
		forward_print_config();
		printf("tracker: %s\n", port_tracker_mode_name(options_get()->tracker));
	}
}

/* --- rxtx ---------------------------------------------------------------------------------------
 */

static void print_rxq(const struct port *port)
{
	struct rte_eth_rxq_info info;

	if (port->rxq == 0)
		return;
	if (rte_eth_rx_queue_info_get(port->id, 0, &info) != 0)
		info = (struct rte_eth_rxq_info){.nb_desc = port->rxd};
	printf("    RX queue: 0\n");
	printf("      RX desc=%u - RX free threshold=%u\n", info.nb_desc, info.conf.rx_free_thresh);
	printf("      RX threshold registers: pthresh=%u hthresh=%u  wthresh=%u\n",
	       info.conf.rx_thresh.pthresh, info.conf.rx_thresh.hthresh,
	       info.conf.rx_thresh.wthresh);
	printf("      RX Offloads=0x%" PRIx64 "\n", info.conf.offloads);
}

static void print_txq(const struct port *port)
{
	struct rte_eth_txq_info info;

	if (port->txq == 0)
		return;
	if (rte_eth_tx_queue_info_get(port->id, 0, &info) != 0)
		info = (struct rte_eth_txq_info){.nb_desc = port->txd};
	printf("    TX queue: 0\n");
	printf("      TX desc=%u - TX free threshold=%u\n", info.nb_desc, info.conf.tx_free_thresh);
	printf("      TX threshold registers: pthresh=%u hthresh=%u  wthresh=%u\n",
	       info.conf.tx_thresh.pthresh, info.conf.tx_thresh.hthresh,
	       info.conf.tx_thresh.wthresh);
	printf("      TX offloads=0x%" PRIx64 " - TX RS bit threshold=%u\n", info.conf.offloads,
	       info.conf.tx_rs_thresh);
}

static void print_rxtx(struct port *port)
{
	printf("  port %d: RX queue number: %d Tx queue number: %d\n", port->id, port->rxq,
	       port->txq);
	printf("    Rx offloads=0x%" PRIx64 " Tx offloads=0x%" PRIx64 "\n",
	       port->conf.rxmode.offloads, port->conf.txmode.offloads);
	print_rxq(port);
	print_txq(port);
}

static json_t *json_rxtx(struct port *port)
{
	return json_pack("{s:i, s:s, s:i, s:i, s:i, s:i, s:I, s:I}", "id", port->id, "engine",
			 port->engine != NULL ? port->engine->name : options_get()->forward_mode,
			 "rxq", port->rxq, "txq", port->txq, "rxd", port->rxd, "txd", port->txd,
			 "rx_offloads", (json_int_t)port->conf.rxmode.offloads, "tx_offloads",
			 (json_int_t)port->conf.txmode.offloads);
}

/* The lcores that forward; 0, and the command has failed, when there are none. */
static unsigned int lcores_get(unsigned int *lcores)
{
	struct base_error err = {0};
	unsigned int count = 0;

	if (forward_lcores(lcores, &count, &err) == 0)
		return count;
	cli_fail("%s", err.text);
	return 0;
}

static void run_rxtx(const struct cli_args *args __rte_unused)
{
	unsigned int lcores[RTE_MAX_LCORE];
	struct port *ports[RTE_MAX_ETHPORTS];

	if (show_is_json()) {
		show_json_ports("all", json_rxtx);
		return;
	}
	printf("  %s packet forwarding packets/burst=%d\n", options_get()->forward_mode,
	       options_get()->burst);
	printf("  nb forwarding cores=%u - nb forwarding ports=%u\n", lcores_get(lcores),
	       forward_ports(ports, RTE_MAX_ETHPORTS));
	show_text_ports("all", print_rxtx);
}

/* --- cores, txpkts ------------------------------------------------------------------------------
 */

static void run_cores(const struct cli_args *args __rte_unused)
{
	unsigned int lcores[RTE_MAX_LCORE], count = lcores_get(lcores);
	json_t *array;

	if (count == 0)
		return;
	if (show_is_json()) {
		array = json_array();
		for (unsigned int i = 0; i < count; i++)
			json_array_append_new(array, json_integer(lcores[i]));
		report_print_json(json_pack("{s:o}", "cores", array));
		return;
	}
	printf("List of forwarding lcores: ");
	for (unsigned int i = 0; i < count; i++)
		printf(" %2u", lcores[i]);
	printf("\n");
}

static void run_txpkts(const struct cli_args *args __rte_unused)
{
	const struct options *options = options_get();
	json_t *array = json_array();

	for (unsigned int i = 0; i < options->txpkts_count; i++)
		json_array_append_new(array, json_integer(options->txpkts[i]));
	if (show_is_json()) {
		report_print_json(json_pack("{s:o}", "txpkts", array));
		return;
	}
	json_decref(array);
	printf("Number of segments: %u\nSegment sizes: ", options->txpkts_count);
	for (unsigned int i = 0; i < options->txpkts_count; i++)
		printf("%s%u", i == 0 ? "" : ",", options->txpkts[i]);
	printf("\nSplit packet: off\n");
}

const struct cli_command cli_show_config[] = {
	{"display", "show config fwd", "the streams: who receives, who transmits, on which lcore",
	 .run = run_fwd},
	{"display", "show config rxtx", "queues and rings of all ports", .run = run_rxtx},
	{"display", "show config cores", "the lcores that forward", .run = run_cores},
	{"display", "show config txpkts", "the segments that txonly sends", .run = run_txpkts},
	{0},
};

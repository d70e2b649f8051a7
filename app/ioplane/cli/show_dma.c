/* SPDX-License-Identifier: BSD-3-Clause */
/* show port P (iotlb|dma) [queue]: how queues press on the IOTLB and churn mappings. */
#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <jansson.h>

#include "cli_commands.h"
#include "port.h"
#include "port_policy.h"
#include "report.h"
#include "show.h"

static json_t *json_queue(const struct stats_queue *queue, bool is_rx, bool is_iotlb)
{
	return json_pack("{s:s, s:i, s:o}", "direction", is_rx ? "rx" : "tx", "queue", queue->queue,
			 is_iotlb ? "iotlb" : "dma",
			 is_iotlb ? stats_json_iotlb(&queue->iotlb) : stats_json_dma(queue));
}

static json_t *json_queues(const struct stats_port *port, int queue, bool is_iotlb)
{
	json_t *array = json_array();

	for (unsigned int i = 0; i < port->rx_queue_count; i++) {
		if (queue < 0 || port->rx_queues[i].queue == queue)
			json_array_append_new(array,
					      json_queue(&port->rx_queues[i], true, is_iotlb));
	}
	for (unsigned int i = 0; i < port->tx_queue_count; i++) {
		if (queue < 0 || port->tx_queues[i].queue == queue)
			json_array_append_new(array,
					      json_queue(&port->tx_queues[i], false, is_iotlb));
	}
	return array;
}

/* What the port's arena was mapped for as a whole, by no queue in particular. */
static void print_arena(const struct port *port)
{
	struct stats_dma dma;

	stats_collect_dma(&port->ledger, NULL, &dma);
	printf("Arena of port %u: %" PRIu64 " maps of %" PRIu64 " bytes, %" PRIu64
	       " unmaps of %" PRIu64 " bytes, %" PRIu64 " invalidations\n",
	       port->id, dma.maps, dma.mapped_bytes, dma.unmaps, dma.unmapped_bytes,
	       dma.invalidations);
}

static json_t *json_arena(const struct port *port)
{
	struct stats_queue whole = {.has_dma = port->device != NULL};

	if (whole.has_dma)
		stats_collect_dma(&port->ledger, NULL, &whole.dma);
	return stats_json_dma(&whole);
}

static void print(const struct port *port, const struct stats_report *report, int queue,
		  bool is_iotlb)
{
	const struct stats_port *shown = stats_report_port(report, port->id);

	if (is_iotlb) {
		stats_text_iotlb(report, shown, queue, stdout);
		if (queue < 0)
			stats_text_pmu_summary(&report->pmu, port->id, stdout);
		return;
	}
	stats_text_dma(report, shown, queue, stdout);
	if (queue < 0 && port->device != NULL)
		print_arena(port);
	if (queue < 0)
		stats_text_kernel(report, stdout);
}

static json_t *json_port(const struct port *port, const struct stats_report *report, int queue,
			 bool is_iotlb)
{
	const struct stats_port *shown = stats_report_port(report, port->id);
	json_t *json = json_pack("{s:i, s:o}", "port", port->id, "queues",
				 json_queues(shown, queue, is_iotlb));

	if (is_iotlb && queue < 0)
		json_object_set_new(json, "pmu", stats_json_pmu(&report->pmu, port->id));
	if (!is_iotlb && queue < 0)
		json_object_set_new(json, "arena", json_arena(port));
	/* of the whole machine: only where it was asked for */
	if (!is_iotlb && queue < 0 && report->kernel.has_trace)
		json_object_set_new(json, "kernel", stats_json_kernel(&report->kernel));
	return json;
}

static void show(const struct cli_args *args, int queue)
{
	bool is_iotlb = strcmp(args->word[3].text, "iotlb") == 0;
	struct port *port = cli_port(args->word[2].number);
	struct stats_report *report;

	if (port == NULL || !show_is_open(port))
		return;
	if (queue >= port->rxq && queue >= port->txq) {
		cli_fail("port %u has no queue %d: it has %u rx and %u tx", port->id, queue,
			 port->rxq, port->txq);
		return;
	}
	report = show_report();
	if (report == NULL)
		return;
	if (show_is_json())
		report_print_json(json_port(port, report, queue, is_iotlb));
	else
		print(port, report, queue, is_iotlb);
	stats_report_destroy(report);
}

static void run_port(const struct cli_args *args)
{
	show(args, -1);
}

static void run_queue(const struct cli_args *args)
{
	if (cli_check("queue", args->word[4].number, 0, PORT_QUEUES_MAX - 1))
		show(args, (int)args->word[4].number);
}

static void run_policy(const struct cli_args *args)
{
	struct port *port = cli_port(args->word[4].number);
	struct base_error err = {0};

	if (port != NULL && port_policy_set(port, args->word[3].text, &err) != 0)
		cli_fail("%s", err.text);
}

const struct cli_command cli_show_dma[] = {
	{"display", "show port PORT iotlb|dma",
	 "IOTLB figures, or mapping figures, of a port's queues", .run = run_port},
	{"display", "show port PORT iotlb|dma QUEUE", "the same for one queue number",
	 .run = run_queue},
	{"config", "set dma policy <static|strict|deferred[,batch=N][,timeout-us=N][,iova=I]> PORT",
	 "when buffers are mapped: once, or at each hand-over", .run = run_policy},
	{0},
};

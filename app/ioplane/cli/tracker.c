/* SPDX-License-Identifier: BSD-3-Clause */
/* show iotlb curve (P|all) and set tracker (off|sampled|full). */
#include <stdio.h>
#include <string.h>
#include <unistd.h>
#include <jansson.h>

#include "cli_commands.h"
#include "port.h"
#include "port_tracker.h"
#include "report.h"
#include "show.h"

static void add_json_queues(json_t *array, const struct stats_port *port, bool is_rx)
{
	unsigned int count = is_rx ? port->rx_queue_count : port->tx_queue_count;

	for (unsigned int i = 0; i < count; i++) {
		const struct stats_queue *queue = is_rx ? &port->rx_queues[i] : &port->tx_queues[i];
		const struct stats_model *model = &queue->iotlb.model;

		if (!model->is_tracked)
			continue;
		json_array_append_new(array,
				      json_pack("{s:i, s:s, s:i, s:s, s:s, s:o, s:o}", "port",
						port->id, "direction", is_rx ? "rx" : "tx", "queue",
						queue->queue, "unit", model->unit, "source",
						stats_source_name(STATS_SOURCE_MODEL), "alone",
						stats_json_curve(model->alone_ppm), "shared",
						stats_json_curve(model->shared_ppm)));
	}
}

static json_t *json_curves(const struct stats_report *report, const struct stats_port *only)
{
	json_t *queues = json_array(), *units = json_array();

	for (unsigned int i = 0; i < report->port_count; i++) {
		if (only != NULL && only != &report->ports[i])
			continue;
		add_json_queues(queues, &report->ports[i], true);
		add_json_queues(queues, &report->ports[i], false);
	}
	for (unsigned int i = 0; i < report->unit_count; i++)
		json_array_append_new(units, stats_json_unit(&report->units[i]));
	return json_pack("{s:o, s:o}", "queues", queues, "units", units);
}

static void show_curves(const struct port *port)
{
	struct stats_report *report = show_report();
	const struct stats_port *only;

	if (report == NULL)
		return;
	only = port == NULL ? NULL : stats_report_port(report, port->id);
	if (show_is_json())
		report_print_json(json_curves(report, only));
	else
		stats_text_curves(report, only, -1, isatty(STDOUT_FILENO), stdout);
	stats_report_destroy(report);
}

static void run_curve(const struct cli_args *args)
{
	struct port *port = cli_port(args->word[3].number);

	if (port != NULL && show_is_open(port))
		show_curves(port);
}

static void run_curve_all(const struct cli_args *args __rte_unused)
{
	show_curves(NULL);
}

static void run_set(const struct cli_args *args)
{
	enum tracker_mode mode;

	/* the grammar has the same words */
	if (port_tracker_mode_parse(args->word[2].text, &mode) == 0)
		port_tracker_set_mode(mode);
}

const struct cli_command cli_tracker[] = {
	{"display", "show iotlb curve PORT",
	 "miss ratio of a port's queues by entries of the IOTLB: a model", .run = run_curve},
	{"display", "show iotlb curve all", "the same for all ports", .run = run_curve_all},
	{"config", "set tracker off|sampled|full",
	 "whether the addresses that queues use are looked at; also while forwarding runs",
	 .run = run_set},
	{0},
};

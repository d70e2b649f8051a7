/* SPDX-License-Identifier: BSD-3-Clause */
/* show iotlb pages <port|all>: which pages a port's queues have touched. */
#include <inttypes.h>
#include <stdio.h>
#include <jansson.h>

#include "cli_commands.h"
#include "port.h"
#include "port_tracker.h"
#include "report.h"
#include "show.h"
#include "stats_table.h"

static void add_rows(struct tracker_queue *queue, unsigned int port, bool is_rx, uint16_t number,
		     struct stats_table *table)
{
	struct tracker_range range;
	uint32_t page = 0;

	while (tracker_queue_touched(queue, &page, &range)) {
		stats_table_add(table, "%u", port);
		stats_table_add(table, "%s%u", is_rx ? "rx" : "tx", number);
		stats_table_add(table, "%s", stats_source_name(STATS_SOURCE_MODEL));
		stats_table_add(table, "0x%" PRIx64, range.iova);
		stats_table_add_u64(table, range.size >> range.page_shift);
		stats_table_add_u64(table, UINT64_C(1) << range.page_shift);
	}
}

static json_t *json_queue(struct tracker_queue *queue, unsigned int port, bool is_rx,
			  uint16_t number)
{
	json_t *ranges = json_array();
	struct tracker_range range;
	uint32_t page = 0;

	while (tracker_queue_touched(queue, &page, &range))
		json_array_append_new(
			ranges,
			json_pack("{s:o, s:o, s:o}", "iova", stats_json_iova(range.iova), "pages",
				  stats_json_u64(range.size >> range.page_shift), "page_size",
				  stats_json_u64(UINT64_C(1) << range.page_shift)));
	return json_pack("{s:i, s:s, s:i, s:s, s:o}", "port", port, "direction",
			 is_rx ? "rx" : "tx", "queue", number, "source",
			 stats_source_name(STATS_SOURCE_MODEL), "ranges", ranges);
}

/* Into the array, or where there is none into the table. */
static void add_queues(const struct port *port, bool is_rx, json_t *array,
		       struct stats_table *table)
{
	for (uint16_t number = 0; number < PORT_QUEUES_MAX; number++) {
		struct tracker_queue *queue = port_tracker_queue(port, is_rx, number);

		if (queue != NULL && array != NULL)
			json_array_append_new(array, json_queue(queue, port->id, is_rx, number));
		else if (queue != NULL)
			add_rows(queue, port->id, is_rx, number, table);
	}
}

static void print_table(const struct stats_table *table)
{
	if (stats_table_is_empty(table))
		printf("No page was looked at: set tracker full, then forward packets\n");
	else
		stats_table_print(table, stdout);
}

static void run_pages(const struct cli_args *args)
{
	static const char *const titles[] = {"port",  "queue",	   "source", "iova",
					     "pages", "page-size", NULL};
	json_t *array = show_is_json() ? json_array() : NULL;
	struct stats_table *table = show_is_json() ? NULL : stats_table_create(titles);
	const char *word = args->word[3].text;

	for (struct port *port = NULL; (port = cli_port_next(word, port)) != NULL;) {
		add_queues(port, true, array, table);
		add_queues(port, false, array, table);
	}
	if (array != NULL)
		report_print_json(array);
	else
		print_table(table);
	stats_table_destroy(table);
}

const struct cli_command cli_show_iotlb_pages[] = {
	{"display", "show iotlb pages <port|all>",
	 "which pages the queues have touched since start or clear; with the tracker on sampled, "
	 "some of them",
	 .run = run_pages},
	{0},
};

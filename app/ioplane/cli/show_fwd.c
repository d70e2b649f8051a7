/* SPDX-License-Identifier: BSD-3-Clause */
/* show and clear fwd stats all: what the streams moved. */
#include <jansson.h>

#include "cli_commands.h"
#include "port.h"
#include "report.h"
#include "show.h"
#include "stream.h"

static json_t *json_end(const struct port *port, uint16_t queue)
{
	if (port == NULL)
		return json_null();
	return json_pack("{s:i, s:i}", "port", port->id, "queue", queue);
}

static uint64_t since(const uint64_t *now, uint64_t base)
{
	return __atomic_load_n(now, __ATOMIC_RELAXED) - base;
}

/* What does not apply to a stream that only receives or only transmits is null. */
static json_t *json_stream(const struct stream *s)
{
	uint64_t rx = s->rx == NULL ? STATS_NA : since(&s->rx->packets, s->rx_base.packets);
	uint64_t tx = s->tx == NULL ? STATS_NA : since(&s->tx->packets, s->tx_base.packets);
	uint64_t drops = s->tx == NULL ? STATS_NA : since(&s->tx->drops, s->tx_base.drops);

	return json_pack("{s:s, s:i, s:o, s:o, s:o, s:o, s:o}", "engine", s->engine->name, "lcore",
			 s->lcore, "rx", json_end(s->rx_port, s->rx_queue), "tx",
			 json_end(s->tx_port, s->tx_queue), "rx_packets", stats_json_u64(rx),
			 "tx_packets", stats_json_u64(tx), "tx_dropped", stats_json_u64(drops));
}

static void run_stats(const struct cli_args *args __rte_unused)
{
	const struct stream *stream = NULL;
	json_t *array;

	if (!show_is_json()) {
		forward_print_stats();
		return;
	}
	array = json_array();
	while ((stream = stream_next(stream)) != NULL)
		json_array_append_new(array, json_stream(stream));
	report_print_json(json_pack("{s:o, s:o}", "duration_ns",
				    stats_json_u64(forward_duration_ns()), "streams", array));
}

static void run_clear(const struct cli_args *args __rte_unused)
{
	forward_clear_stats();
}

const struct cli_command cli_show_fwd[] = {
	{"display", "show fwd stats all", "what the streams received, sent and dropped",
	 .run = run_stats},
	{"display", "clear fwd stats all", "set those figures to 0", .run = run_clear},
	{0},
};

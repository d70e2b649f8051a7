/* SPDX-License-Identifier: BSD-3-Clause */
/* Prints what forwarding does and did, in the shapes that testpmd's users grep. */
#include "forward.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include <rte_cycles.h>
#include <rte_lcore.h>

#include "options.h"
#include "port.h"
#include "stream.h"

#define BORDER	   "----------------------"
#define SUM_BORDER "+++++++++++++++"

static uint64_t since(const uint64_t *now, uint64_t base)
{
	return __atomic_load_n(now, __ATOMIC_RELAXED) - base;
}

static int node_of(const struct port *port)
{
	return port->node < 0 ? 0 : port->node;
}

static void print_route(const struct stream *s)
{
	struct rte_ether_addr peer;
	char text[RTE_ETHER_ADDR_FMT_SIZE];

	if (s->rx_port != NULL)
		printf("RX P=%u/Q=%u (socket %d)", s->rx_id, s->rx_queue, node_of(s->rx_port));
	if (s->rx_port != NULL && s->tx_port != NULL)
		printf(" -> ");
	if (s->tx_port == NULL)
		return;
	forward_peer_address(s->tx_id, &peer);
	rte_ether_format_addr(text, sizeof(text), &peer);
	printf("TX P=%u/Q=%u (socket %d) peer=%s", s->tx_id, s->tx_queue, node_of(s->tx_port),
	       text);
}

static unsigned int count_lcores(void)
{
	unsigned int count = 0, last = RTE_MAX_LCORE;

	for (struct stream *s = NULL; (s = stream_next(s)) != NULL; last = s->lcore)
		count += s->lcore != last;
	return count;
}

/* "io", or "mixed" when ports differ. */
static const char *mode_name(void)
{
	struct port *ports[RTE_MAX_ETHPORTS];
	unsigned int count = forward_ports(ports, RTE_DIM(ports));

	for (unsigned int i = 1; i < count; i++)
		if (ports[i]->engine != ports[0]->engine)
			return "mixed";
	return count > 0 ? ports[0]->engine->name : "no";
}

void forward_print_config(void)
{
	const struct options *options = options_get();
	struct port *ports[RTE_MAX_ETHPORTS];
	unsigned int last = RTE_MAX_LCORE;

	printf("%s packet forwarding%s - ports=%u - cores=%u - streams=%u - NUMA support enabled, "
	       "MP allocation mode: %s\n",
	       mode_name(), options->retries ? " with retry" : "",
	       forward_ports(ports, RTE_DIM(ports)), count_lcores(), stream_count(),
	       options->is_inline ? "inline" : "split");
	if (options->retries)
		printf("TX retry num: %u, delay between TX retries: %uus\n", options->tx_retry,
		       options->tx_delay_us);
	for (struct stream *s = NULL; (s = stream_next(s)) != NULL; last = s->lcore) {
		unsigned int n = 0;

		for (struct stream *t = NULL; (t = stream_next(t)) != NULL;)
			n += t->lcore == s->lcore;
		if (s->lcore != last)
			printf("Logical Core %u (socket %u) forwards packets on %u streams:\n",
			       s->lcore, rte_lcore_to_socket_id(s->lcore), n);
		printf("  ");
		print_route(s);
		printf("\n");
	}
	printf("\n");
}

/* --- statistics ------------------------------------------------------------------------------ */

/* testpmd's shape: the share of empty bursts, of the two sizes most frequent, and of others. */
static void print_bursts(const char *direction, const uint64_t *bursts)
{
	uint64_t total = 0, counts[3] = {0}, others;
	unsigned int sizes[3] = {0};

	for (unsigned int i = 0; i <= STREAM_BURST_MAX; i++) {
		uint64_t n = since(&bursts[i], 0);

		total += n;
		if (i == 0)
			counts[0] = n;
		else if (n > counts[1]) {
			counts[2] = counts[1];
			sizes[2] = sizes[1];
			counts[1] = n;
			sizes[1] = i;
		} else if (n > counts[2]) {
			counts[2] = n;
			sizes[2] = i;
		}
	}
	if (total == 0)
		return;
	printf("  %s-bursts : %" PRIu64 " [", direction, total);
	others = total;
	for (unsigned int i = 0; i < 3; i++) {
		if (i > 0 && counts[i] == 0)
			continue;
		printf("%s%.0f%% of %u pkts", i > 0 ? " + " : "",
		       100.0 * (double)counts[i] / (double)total, sizes[i]);
		others -= counts[i];
	}
	if (others > 0)
		printf(" + %.0f%% of other", 100.0 * (double)others / (double)total);
	printf("]\n");
}

static void print_stream(const struct stream *s)
{
	printf("\n  ------- Forward Stats for ");
	if (s->rx_port != NULL)
		printf("RX Port=%2u/Queue=%2u ", s->rx_id, s->rx_queue);
	if (s->rx_port != NULL && s->tx_port != NULL)
		printf("-> ");
	if (s->tx_port != NULL)
		printf("TX Port=%2u/Queue=%2u ", s->tx_id, s->tx_queue);
	printf("-------\n");
	printf("  RX-packets: %-14" PRIu64 " TX-packets: %-14" PRIu64 " TX-dropped: %-14" PRIu64
	       "\n",
	       s->rx == NULL ? 0 : since(&s->rx->packets, s->rx_base.packets),
	       s->tx == NULL ? 0 : since(&s->tx->packets, s->tx_base.packets),
	       s->tx == NULL ? 0 : since(&s->tx->drops, s->tx_base.drops));
	if (s->rx_bursts != NULL && s->rx != NULL)
		print_bursts("RX", s->rx_bursts);
	if (s->tx_bursts != NULL && s->tx != NULL)
		print_bursts("TX", s->tx_bursts);
}

struct sums {
	uint64_t rx, rx_dropped, rx_nombuf;
	uint64_t tx, tx_dropped;
};

static void print_sums(const struct sums *sums)
{
	printf("  RX-packets: %-14" PRIu64 " RX-dropped: %-14" PRIu64 "RX-total: %-" PRIu64 "\n",
	       sums->rx, sums->rx_dropped, sums->rx + sums->rx_dropped);
	if (sums->rx_nombuf > 0)
		printf("  RX-nombufs: %-14" PRIu64 "\n", sums->rx_nombuf);
	printf("  TX-packets: %-14" PRIu64 " TX-dropped: %-14" PRIu64 "TX-total: %-" PRIu64 "\n",
	       sums->tx, sums->tx_dropped, sums->tx + sums->tx_dropped);
}

static void print_port(const struct port *port, bool prints_bursts, struct sums *all)
{
	struct rte_eth_stats now = {0}, base;
	struct sums sums;

	rte_eth_stats_get(port->id, &now);
	forward_base_stats(port->id, &base);
	sums = (struct sums){
		.rx = now.ipackets - base.ipackets,
		.rx_dropped = now.imissed - base.imissed,
		.rx_nombuf = now.rx_nombuf - base.rx_nombuf,
		.tx = now.opackets - base.opackets,
		.tx_dropped = now.oerrors - base.oerrors,
	};
	for (struct stream *s = NULL; (s = stream_next(s)) != NULL;)
		if (s->tx_port == port)
			sums.tx_dropped += since(&s->tx->drops, s->tx_base.drops);
	printf("\n  %s Forward statistics for port %-2u %s\n", BORDER, port->id, BORDER);
	print_sums(&sums);
	for (struct stream *s = NULL; prints_bursts && (s = stream_next(s)) != NULL;) {
		if (s->rx_port == port && s->rx_bursts != NULL)
			print_bursts("RX", s->rx_bursts);
		if (s->tx_port == port && s->tx_bursts != NULL)
			print_bursts("TX", s->tx_bursts);
	}
	printf("  %s--------------------------------%s\n", BORDER, BORDER);
	all->rx += sums.rx;
	all->rx_dropped += sums.rx_dropped;
	all->rx_nombuf += sums.rx_nombuf;
	all->tx += sums.tx;
	all->tx_dropped += sums.tx_dropped;
}

static void print_cycles(void)
{
	uint64_t cycles = 0, packets = 0;

	for (struct stream *s = NULL; (s = stream_next(s)) != NULL;) {
		cycles += since(&s->busy_cycles, 0);
		packets += since(&s->busy_packets, 0);
	}
	if (packets == 0)
		return;
	printf("\n  CPU cycles/packet=%.2f (total cycles=%" PRIu64 " / total %s packets=%" PRIu64
	       ") at %" PRIu64 " MHz Clock\n",
	       (double)cycles / (double)packets, cycles, mode_name(), packets,
	       rte_get_tsc_hz() / 1000000u);
}

void forward_print_stats(void)
{
	struct port *ports[RTE_MAX_ETHPORTS];
	unsigned int count = forward_ports(ports, RTE_DIM(ports));
	bool prints_streams = stream_count() > count;
	struct sums all = {0};

	for (struct stream *s = NULL; prints_streams && (s = stream_next(s)) != NULL;)
		print_stream(s);
	for (unsigned int i = 0; i < count; i++)
		print_port(ports[i], !prints_streams, &all);
	printf("\n  %s Accumulated forward statistics for all ports%s\n", SUM_BORDER, SUM_BORDER);
	print_sums(&all);
	printf("  %s++++++++++++++++++++++++++++++++++++++++++++++%s\n", SUM_BORDER, SUM_BORDER);
	if (options_get()->records_cycles)
		print_cycles();
}

/* SPDX-License-Identifier: BSD-3-Clause */
/* Puts the ports of a workload up and takes them down. */
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <rte_ethdev.h>

#include "accuracy_frames.h"
#include "accuracy_rig.h"
#include "vtd.h"

#define POOL_CACHE  256
#define SPARE	    512 /* buffers of a queue beside those that its receive ring holds */
#define HELD_MBUFS  512 /* a churned pool has them out, for each of its queues */
#define CAPTURE_MAX 8192

static struct iommu_unit *make_unit(struct dma_space *space, unsigned int id,
				    const struct iotlb_geometry *geometry)
{
	struct vtd_config config = {.geometry = *geometry};
	struct base_error err = {0};
	struct iommu_unit *unit;

	accuracy_check(iommu_unit_create(&vtd_ops, id, &config, &unit, &err) == 0);
	accuracy_check(dma_space_add_unit(space, unit) == 0);
	return unit;
}

/* --- ports ---------------------------------------------------------------------------------- */

static struct accuracy_port *add_port(struct accuracy_rig *rig, struct iommu_unit *unit, int cable)
{
	const struct accuracy_load *load = rig->load;
	bool is_sender = unit == rig->senders, has_rss = load->capture != NULL && !is_sender;
	uint32_t spare = load->spare != 0 ? load->spare : SPARE;
	uint32_t held = load->order == ACCURACY_CHURNED ? HELD_MBUFS : 0;
	struct accuracy_port_config config = {
		.space = rig->space,
		.unit = unit,
		.number = rig->port_count,
		.cable = cable,
		.rx_queues = load->queues,
		.tx_queues = load->queues,
		.descs = load->descs,
		.buffers = load->queues * (load->descs + spare + held),
		.cache = load->order == ACCURACY_LIFO ? POOL_CACHE : 0,
		.page_size = load->page_size,
		.has_rss = has_rss,
		.is_scattered = load->capture != NULL || load->frame > 1518,
	};

	if (is_sender && load->capture != NULL)
		config.buffers += CAPTURE_MAX;
	accuracy_check(rig->port_count < RTE_DIM(rig->port));
	accuracy_port_create(&rig->port[rig->port_count], &config);
	return &rig->port[rig->port_count++];
}

static void add_streams(struct accuracy_rig *rig, struct accuracy_port *rx,
			struct accuracy_port *tx)
{
	unsigned int lcores = rig->load->lcores > 1 ? 2 : 1;

	for (uint16_t queue = 0; queue < rig->load->queues; queue++) {
		accuracy_check(rig->stream_count < ACCURACY_STREAMS);
		rig->stream[rig->stream_count++] = (struct accuracy_stream){
			.rx = rx, .tx = tx, .queue = queue, .lcore = queue % lcores};
	}
}

static void add_pairs(struct accuracy_rig *rig)
{
	for (unsigned int i = 0; i < rig->load->ports; i += 2) {
		struct accuracy_port *first = add_port(rig, rig->unit, -1);
		struct accuracy_port *second = add_port(rig, rig->unit, (int)i);

		accuracy_port_grant(first, second, IOMMU_READ);
		accuracy_port_grant(second, first, IOMMU_READ);
		add_streams(rig, first, second);
		add_streams(rig, second, first);
	}
}

static void add_source(struct accuracy_rig *rig, const struct accuracy_port *port, uint16_t queue,
		       struct rte_mbuf **frames, unsigned int count)
{
	accuracy_check(rig->source_count < ACCURACY_SOURCES);
	rig->source[rig->source_count++] = (struct accuracy_source){
		.port = port->id, .queue = queue, .frames = frames, .count = count};
}

static void add_sources(struct accuracy_rig *rig, struct accuracy_port *port, const char *captures)
{
	const struct accuracy_load *load = rig->load;
	char path[PATH_MAX];
	struct rte_mbuf **frames;
	unsigned int count;

	if (load->capture != NULL) {
		snprintf(path, sizeof(path), "%s/%s", captures, load->capture);
		frames = accuracy_frames_read(port->pool, path, &count);
		add_source(rig, port, 0, frames, count);
		return;
	}
	for (uint16_t queue = 0; queue < load->queues; queue++) {
		frames = calloc(1, sizeof(*frames));
		accuracy_check(frames != NULL);
		frames[0] = accuracy_frame_make(port->pool, load->frame);
		add_source(rig, port, queue, frames, 1);
	}
}

static void add_receivers(struct accuracy_rig *rig, const char *captures)
{
	const struct iotlb_geometry geometry = iotlb_geometry_default();
	unsigned int count = rig->load->ports;

	rig->senders = make_unit(rig->space, 1, &geometry);
	for (unsigned int i = 0; i < count; i++) {
		struct accuracy_port *port = add_port(rig, rig->unit, -1);

		add_streams(rig, port, rig->load->kind == ACCURACY_RETURN ? port : NULL);
	}
	for (unsigned int i = 0; i < count; i++) {
		struct accuracy_port *port = add_port(rig, rig->senders, (int)i);

		add_sources(rig, port, captures);
		if (rig->load->kind == ACCURACY_RETURN)
			add_streams(rig, port, NULL);
	}
}

/* --- order of buffers ----------------------------------------------------------------------- */

static uint64_t next_random(uint64_t *state)
{
	*state ^= *state << 13;
	*state ^= *state >> 7;
	*state ^= *state << 17;
	return *state;
}

static void shuffle_pool(struct accuracy_rig *rig, struct rte_mempool *pool)
{
	unsigned int count = rte_mempool_avail_count(pool);
	void **mbufs = calloc(count, sizeof(*mbufs));

	accuracy_check(mbufs != NULL && rte_mempool_get_bulk(pool, mbufs, count) == 0);
	for (unsigned int i = count - 1; i > 0; i--) {
		unsigned int other = next_random(&rig->random[0]) % (i + 1);
		void *mbuf = mbufs[i];

		mbufs[i] = mbufs[other];
		mbufs[other] = mbuf;
	}
	rte_mempool_put_bulk(pool, mbufs, count);
	free(mbufs);
}

static void hold_back(struct accuracy_rig *rig, struct rte_mempool *pool)
{
	struct accuracy_churn *churn = &rig->churn[rig->churn_count++];

	churn->pool = pool;
	churn->count = rig->load->queues * HELD_MBUFS;
	churn->held = calloc(churn->count, sizeof(*churn->held));
	accuracy_check(churn->held != NULL);
	accuracy_check(rte_mempool_get_bulk(pool, (void **)churn->held, churn->count) == 0);
}

static void order_pools(struct accuracy_rig *rig)
{
	for (unsigned int i = 0; i < rig->load->ports; i++) {
		struct rte_mempool *pool = rig->port[i].pool;

		if (rig->load->order == ACCURACY_SHUFFLED || rig->load->order == ACCURACY_CHURNED)
			shuffle_pool(rig, pool);
		if (rig->load->order == ACCURACY_CHURNED)
			hold_back(rig, pool);
	}
}

/* --- the whole ------------------------------------------------------------------------------ */

static void record(struct accuracy_rig *rig, struct accuracy_trace *trace)
{
	for (unsigned int i = 0; i < rig->load->ports; i++) {
		struct iommu_translator *translator = NULL;

		while ((translator = iommu_translator_next(rig->port[i].device, translator)) !=
		       NULL) {
			accuracy_check(translator->qsbr_id < ACCURACY_QUEUES);
			accuracy_check(translator->counters.lookups == 0);
			accuracy_trace_wrap(trace, translator);
		}
	}
}

/* All leaves are of the page size that the trace counts in. */
static void check_pages(const struct accuracy_rig *rig)
{
	for (unsigned int i = 0; i < rig->load->ports; i++) {
		struct iommu_domain_usage usage;

		iommu_domain_usage(rig->port[i].domain, &usage);
		accuracy_check(usage.leaves_1g == 0);
		accuracy_check(rig->load->page_size == 4096 ? usage.leaves_2m == 0
							    : usage.leaves_4k == 0);
	}
}

void accuracy_rig_create(const struct accuracy_load *load, const struct iotlb_geometry *geometry,
			 const char *captures, struct accuracy_trace *trace,
			 struct accuracy_rig *rig)
{
	struct base_error err = {0};

	memset(rig, 0, sizeof(*rig));
	rig->load = load;
	rig->random[0] = UINT64_C(0x9e3779b97f4a7c15);
	rig->random[1] = UINT64_C(0xd1b54a32d192ed03);
	accuracy_check(dma_space_create(&rig->space, &err) == 0);
	rig->unit = make_unit(rig->space, 0, geometry);
	if (load->kind == ACCURACY_FORWARD)
		add_pairs(rig);
	else
		add_receivers(rig, captures);
	check_pages(rig);
	order_pools(rig);
	record(rig, trace);
	for (unsigned int i = 0; i < rig->port_count; i++)
		accuracy_check(rte_eth_dev_start(rig->port[i].id) == 0);
}

void accuracy_rig_destroy(struct accuracy_rig *rig)
{
	for (unsigned int i = 0; i < rig->port_count; i++)
		accuracy_port_close(&rig->port[i]);
	for (unsigned int i = 0; i < rig->churn_count; i++)
		free(rig->churn[i].held);
	for (unsigned int i = 0; i < rig->source_count; i++)
		free(rig->source[i].frames);
	if (rig->load->kind == ACCURACY_FORWARD)
		for (unsigned int i = 0; i < rig->load->ports; i++)
			accuracy_port_grant(&rig->port[i], &rig->port[i ^ 1], 0);
	for (unsigned int i = 0; i < rig->port_count; i++)
		accuracy_port_destroy(&rig->port[i]);
	accuracy_check(iommu_unit_destroy(rig->unit) == 0);
	if (rig->senders != NULL)
		accuracy_check(iommu_unit_destroy(rig->senders) == 0);
	accuracy_check(dma_space_destroy(rig->space) == 0);
}

void accuracy_rig_counters(const struct accuracy_rig *rig, struct iommu_counters *sum)
{
	memset(sum, 0, sizeof(*sum));
	for (unsigned int i = 0; i < rig->load->ports; i++) {
		const struct iommu_translator *translator = NULL;

		while ((translator = iommu_translator_next(rig->port[i].device, translator)) !=
		       NULL) {
			sum->lookups += translator->counters.lookups;
			sum->hits += translator->counters.hits;
			sum->misses += translator->counters.misses;
			sum->faults += translator->counters.faults;
		}
	}
}

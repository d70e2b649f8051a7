/* SPDX-License-Identifier: BSD-3-Clause */
/* Statistics: what the device counts, less what stood there at the last reset. */
#include <stddef.h>
#include <stdio.h>
#include <string.h>

#include "base_hist.h"
#include "dmanic_port.h"

struct column {
	const char *name;
	size_t offset;
};

#define RX(field) offsetof(struct dmanic_rx_stats, field)
#define TX(field) offsetof(struct dmanic_tx_stats, field)

static const struct column rx_columns[] = {
	{"iotlb_lookups", RX(iommu.lookups)}, {"iotlb_hits", RX(iommu.hits)},
	{"iotlb_misses", RX(iommu.misses)},   {"iotlb_walk_reads", RX(iommu.walk_reads)},
	{"dma_faults", RX(iommu.faults)},     {"desc_errors", RX(ring.desc_errors)},
	{"refused_frames", RX(ring.refused)}, {"oversize_frames", RX(ring.oversize)},
	{"missed_frames", RX(ring.missed)},
};

static const struct column tx_columns[] = {
	{"iotlb_lookups", TX(iommu.lookups)}, {"iotlb_hits", TX(iommu.hits)},
	{"iotlb_misses", TX(iommu.misses)},   {"iotlb_walk_reads", TX(iommu.walk_reads)},
	{"dma_faults", TX(iommu.faults)},     {"desc_errors", TX(ring.desc_errors)},
	{"refused_frames", TX(ring.refused)}, {"link_down_frames", TX(ring.link_drops)},
};

static const char *const drop_names[DMANIC_DROPS] = {
	[DMANIC_DROP_MAC] = "rx_mac_filtered",
	[DMANIC_DROP_VLAN] = "rx_vlan_filtered",
	[DMANIC_DROP_STOPPED] = "rx_queue_stopped",
};

/* Each of these structs is a row of uint64_t. */
static void row_read(const void *from, void *to, size_t size)
{
	const uint64_t *source = from;
	uint64_t *target = to;

	for (size_t i = 0; i < size / sizeof(uint64_t); i++)
		target[i] = base_hist_read(&source[i]);
}

static void row_subtract(void *from, const void *base, size_t size)
{
	uint64_t *value = from;
	const uint64_t *zero = base;

	for (size_t i = 0; i < size / sizeof(uint64_t); i++)
		value[i] -= zero[i];
}

static void rx_read(const struct dmanic_rxq *rxq, struct dmanic_rx_stats *stats)
{
	row_read(&rxq->device->rx[rxq->queue].counters, &stats->ring, sizeof(stats->ring));
	row_read(&rxq->translator->counters, &stats->iommu, sizeof(stats->iommu));
}

static void tx_read(const struct dmanic_txq *txq, struct dmanic_tx_stats *stats)
{
	row_read(&txq->device->tx[txq->queue].counters, &stats->ring, sizeof(stats->ring));
	row_read(&txq->translator->counters, &stats->iommu, sizeof(stats->iommu));
}

static void rx_stats(const struct dmanic_rxq *rxq, struct dmanic_rx_stats *stats)
{
	memset(stats, 0, sizeof(*stats));
	if (rxq == NULL)
		return;
	rx_read(rxq, stats);
	row_subtract(stats, &rxq->base, sizeof(*stats));
}

static void tx_stats(const struct dmanic_txq *txq, struct dmanic_tx_stats *stats)
{
	memset(stats, 0, sizeof(*stats));
	if (txq == NULL)
		return;
	tx_read(txq, stats);
	row_subtract(stats, &txq->base, sizeof(*stats));
}

static uint64_t drops(const struct dmanic_port *port, enum dmanic_drop reason)
{
	return base_hist_read(&port->device->drops[reason]) - port->drops_base[reason];
}

/* Ethdev has room for the figures of so many queues, and for the sums of all. */
int dmanic_stats_get(struct rte_eth_dev *dev, struct rte_eth_stats *stats)
{
	for (unsigned int i = 0; i < dev->data->nb_rx_queues; i++) {
		struct dmanic_rx_stats rx;

		rx_stats(dev->data->rx_queues[i], &rx);
		if (i < RTE_ETHDEV_QUEUE_STAT_CNTRS) {
			stats->q_ipackets[i] = rx.ring.frames;
			stats->q_ibytes[i] = rx.ring.bytes;
			stats->q_errors[i] = rx.ring.missed + rx.ring.refused + rx.ring.oversize;
		}
		stats->ipackets += rx.ring.frames;
		stats->ibytes += rx.ring.bytes;
		stats->imissed += rx.ring.missed;
		stats->ierrors += rx.ring.refused + rx.ring.oversize;
	}
	for (unsigned int i = 0; i < dev->data->nb_tx_queues; i++) {
		struct dmanic_tx_stats tx;

		tx_stats(dev->data->tx_queues[i], &tx);
		if (i < RTE_ETHDEV_QUEUE_STAT_CNTRS) {
			stats->q_opackets[i] = tx.ring.frames;
			stats->q_obytes[i] = tx.ring.bytes;
		}
		stats->opackets += tx.ring.frames;
		stats->obytes += tx.ring.bytes;
		stats->oerrors += tx.ring.desc_errors + tx.ring.refused + tx.ring.link_drops;
	}
	stats->imissed += drops(dmanic_port_of(dev), DMANIC_DROP_STOPPED);
	stats->rx_nombuf = dev->data->rx_mbuf_alloc_failed;
	return 0;
}

int dmanic_stats_reset(struct rte_eth_dev *dev)
{
	struct dmanic_port *port = dmanic_port_of(dev);

	for (unsigned int i = 0; i < dev->data->nb_rx_queues; i++) {
		struct dmanic_rxq *rxq = dev->data->rx_queues[i];

		if (rxq != NULL)
			rx_read(rxq, &rxq->base);
	}
	for (unsigned int i = 0; i < dev->data->nb_tx_queues; i++) {
		struct dmanic_txq *txq = dev->data->tx_queues[i];

		if (txq != NULL)
			tx_read(txq, &txq->base);
	}
	row_read(port->device->drops, port->drops_base, sizeof(port->drops_base));
	dev->data->rx_mbuf_alloc_failed = 0;
	return 0;
}

static unsigned int xstats_count(const struct rte_eth_dev *dev)
{
	return dev->data->nb_rx_queues * RTE_DIM(rx_columns) +
	       dev->data->nb_tx_queues * RTE_DIM(tx_columns) + DMANIC_DROPS;
}

static uint64_t column_of(const void *stats, const struct column *column)
{
	return *(const uint64_t *)((const uint8_t *)stats + column->offset);
}

int dmanic_xstats_get(struct rte_eth_dev *dev, struct rte_eth_xstat *xstats, unsigned int n)
{
	unsigned int at = 0;

	if (n < xstats_count(dev) || xstats == NULL)
		return (int)xstats_count(dev);
	for (unsigned int i = 0; i < dev->data->nb_rx_queues; i++) {
		struct dmanic_rx_stats rx;

		rx_stats(dev->data->rx_queues[i], &rx);
		for (unsigned int k = 0; k < RTE_DIM(rx_columns); k++)
			xstats[at++].value = column_of(&rx, &rx_columns[k]);
	}
	for (unsigned int i = 0; i < dev->data->nb_tx_queues; i++) {
		struct dmanic_tx_stats tx;

		tx_stats(dev->data->tx_queues[i], &tx);
		for (unsigned int k = 0; k < RTE_DIM(tx_columns); k++)
			xstats[at++].value = column_of(&tx, &tx_columns[k]);
	}
	for (unsigned int i = 0; i < DMANIC_DROPS; i++)
		xstats[at++].value = drops(dmanic_port_of(dev), i);
	for (unsigned int i = 0; i < at; i++)
		xstats[i].id = i;
	return (int)at;
}

int dmanic_xstats_get_names(struct rte_eth_dev *dev, struct rte_eth_xstat_name *names,
			    unsigned int n)
{
	unsigned int at = 0;

	if (names == NULL || n < xstats_count(dev))
		return (int)xstats_count(dev);
	for (unsigned int i = 0; i < dev->data->nb_rx_queues; i++) {
		for (unsigned int k = 0; k < RTE_DIM(rx_columns); k++)
			snprintf(names[at++].name, sizeof(names->name), "rx_q%u_%s", i,
				 rx_columns[k].name);
	}
	for (unsigned int i = 0; i < dev->data->nb_tx_queues; i++) {
		for (unsigned int k = 0; k < RTE_DIM(tx_columns); k++)
			snprintf(names[at++].name, sizeof(names->name), "tx_q%u_%s", i,
				 tx_columns[k].name);
	}
	for (unsigned int i = 0; i < DMANIC_DROPS; i++)
		snprintf(names[at++].name, sizeof(names->name), "%s", drop_names[i]);
	return (int)at;
}

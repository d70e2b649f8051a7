/* SPDX-License-Identifier: BSD-3-Clause */
/* Receive queues: set up, started, stopped, released. */
#include <errno.h>
#include <string.h>

#include <rte_malloc.h>
#include <rte_mbuf.h>

#include "dmanic_port.h"

#define ZONE "rx_ring"

/* What an mbuf of this pool looks like when it is received. */
static void template_set(struct dmanic_rxq *rxq)
{
	struct rte_mbuf mbuf = {.nb_segs = 1, .data_off = RTE_PKTMBUF_HEADROOM};

	mbuf.port = rxq->data->port_id;
	rte_mbuf_refcnt_set(&mbuf, 1);
	memcpy(&rxq->rearm, (uint8_t *)&mbuf + offsetof(struct rte_mbuf, rearm_data),
	       sizeof(rxq->rearm));
	if (rte_pktmbuf_priv_flags(rxq->pool) & RTE_PKTMBUF_POOL_F_PINNED_EXT_BUF)
		rxq->ol_flags = RTE_MBUF_F_EXTERNAL;
}

static int ring_reserve(struct rte_eth_dev *dev, struct dmanic_rxq *rxq, unsigned int socket)
{
	struct dmanic_port *port = dmanic_port_of(dev);
	size_t size = (size_t)rxq->size * DMANIC_DESC_SIZE;

	rxq->mbufs = rte_zmalloc_socket(ZONE, (rxq->size + DMANIC_AHEAD) * sizeof(*rxq->mbufs),
					RTE_CACHE_LINE_SIZE, dev->data->numa_node);
	if (rxq->mbufs == NULL)
		return -ENOMEM;
	rxq->zone = rte_eth_dma_zone_reserve(dev, ZONE, rxq->queue, size, RTE_CACHE_LINE_SIZE * 2,
					     (int)socket);
	if (rxq->zone == NULL)
		return -ENOMEM;
	rxq->ring = rxq->zone->addr;
	return iommu_translator_create(port->memory.device, true, rxq->queue, &rxq->translator);
}

int dmanic_rx_queue_setup(struct rte_eth_dev *dev, uint16_t queue, uint16_t size,
			  unsigned int socket, const struct rte_eth_rxconf *conf,
			  struct rte_mempool *pool)
{
	struct dmanic_port *port = dmanic_port_of(dev);
	uint32_t buf_len = rte_pktmbuf_data_room_size(pool) - RTE_PKTMBUF_HEADROOM;
	struct dmanic_rxq *rxq;
	int ret;

	dmanic_rx_queue_release(dev, queue);
	rxq = rte_zmalloc_socket("rxq", sizeof(*rxq), RTE_CACHE_LINE_SIZE, dev->data->numa_node);
	if (rxq == NULL)
		return -ENOMEM;
	rxq->size = size;
	rxq->queue = queue;
	rxq->buf_len = RTE_MIN(buf_len, (uint32_t)UINT16_MAX);
	rxq->pool = pool;
	rxq->device = port->device;
	rxq->data = dev->data;
	rxq->offloads = conf->offloads | dev->data->dev_conf.rxmode.offloads;
	rxq->is_deferred = conf->rx_deferred_start;
	template_set(rxq);
	dev->data->rx_queues[queue] = rxq;
	ret = ring_reserve(dev, rxq, socket);
	if (ret != 0) {
		DMANIC_LOG(ERR, "%s: no memory for receive queue %u on socket %d: %s",
			   dev->data->name, queue, (int)socket, strerror(-ret));
		dmanic_rx_queue_release(dev, queue);
		return ret;
	}
	memset(&port->device->rx[queue].counters, 0, sizeof(port->device->rx[queue].counters));
	return 0;
}

void dmanic_rx_queue_release(struct rte_eth_dev *dev, uint16_t queue)
{
	struct dmanic_rxq *rxq = dev->data->rx_queues[queue];

	if (rxq == NULL)
		return;
	dmanic_rx_queue_stop(dev, queue);
	iommu_translator_destroy(rxq->translator);
	if (rxq->zone != NULL)
		rte_eth_dma_zone_free(dev, ZONE, queue);
	rte_free(rxq->mbufs);
	rte_free(rxq);
	dev->data->rx_queues[queue] = NULL;
}

static void free_posted(struct dmanic_rxq *rxq)
{
	/* Those that were received, but not yet posted anew, are the application's. */
	for (uint16_t n = rxq->size - rxq->unposted; n > 0; n--) {
		rte_mbuf_raw_free(rxq->mbufs[rxq->next]);
		rxq->next = rxq->next + 1u == rxq->size ? 0 : rxq->next + 1;
	}
	if (rxq->head != NULL)
		rte_pktmbuf_free(rxq->head);
	rxq->head = NULL;
}

int dmanic_rx_queue_start(struct rte_eth_dev *dev, uint16_t queue)
{
	struct dmanic_rxq *rxq = dev->data->rx_queues[queue];
	int ret;

	if (dev->data->rx_queue_state[queue] == RTE_ETH_QUEUE_STATE_STARTED)
		return 0;
	if (rte_mempool_get_bulk(rxq->pool, (void **)rxq->mbufs, rxq->size) != 0) {
		DMANIC_LOG(ERR, "%s: pool %s has no %u mbufs for receive queue %u", dev->data->name,
			   rxq->pool->name, rxq->size, queue);
		return -ENOMEM;
	}
	for (unsigned int i = 0; i < rxq->size; i++) {
		union dmanic_rx_desc *desc = (union dmanic_rx_desc *)&rxq->ring[i];

		desc->word[0] = (uint64_t)rxq->buf_len << 32;
		desc->word[1] = rte_mbuf_data_iova_default(rxq->mbufs[i]);
	}
	rxq->next = rxq->post = rxq->unposted = 0;
	dmanic_control_lock();
	ret = dmanic_rx_ring_start(rxq->device, queue, rxq->zone->iova, rxq->size, rxq->translator);
	if (ret == 0)
		dmanic_rx_doorbell(rxq->device, queue, rxq->size - 1);
	dmanic_control_unlock();
	if (ret != 0) {
		free_posted(rxq);
		return ret;
	}
	dev->data->rx_queue_state[queue] = RTE_ETH_QUEUE_STATE_STARTED;
	return 0;
}

int dmanic_rx_queue_stop(struct rte_eth_dev *dev, uint16_t queue)
{
	struct dmanic_rxq *rxq = dev->data->rx_queues[queue];

	if (dev->data->rx_queue_state[queue] == RTE_ETH_QUEUE_STATE_STOPPED)
		return 0;
	dmanic_control_lock();
	dmanic_rx_ring_stop(rxq->device, queue);
	dmanic_control_unlock();
	free_posted(rxq);
	dev->data->rx_queue_state[queue] = RTE_ETH_QUEUE_STATE_STOPPED;
	return 0;
}

void dmanic_rxq_info_get(struct rte_eth_dev *dev, uint16_t queue, struct rte_eth_rxq_info *info)
{
	const struct dmanic_rxq *rxq = dev->data->rx_queues[queue];

	info->mp = rxq->pool;
	info->nb_desc = rxq->size;
	info->scattered_rx = dev->data->scattered_rx;
	info->rx_buf_size = rxq->buf_len;
	info->conf.rx_free_thresh = DMANIC_REFILL;
	info->conf.rx_deferred_start = rxq->is_deferred;
	info->conf.offloads = rxq->offloads;
}

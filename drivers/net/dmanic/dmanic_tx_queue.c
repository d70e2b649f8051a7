/* SPDX-License-Identifier: BSD-3-Clause */
/* Transmit queues: set up, started, stopped, released. */
#include <errno.h>
#include <string.h>

#include <rte_malloc.h>
#include <rte_mbuf.h>

#include "dmanic_port.h"

#define ZONE "tx_ring"

static int ring_reserve(struct rte_eth_dev *dev, struct dmanic_txq *txq, unsigned int socket)
{
	struct dmanic_port *port = dmanic_port_of(dev);
	size_t size = (size_t)txq->size * DMANIC_DESC_SIZE;

	txq->mbufs = rte_zmalloc_socket(ZONE, txq->size * sizeof(*txq->mbufs), RTE_CACHE_LINE_SIZE,
					dev->data->numa_node);
	if (txq->mbufs == NULL)
		return -ENOMEM;
	txq->zone = rte_eth_dma_zone_reserve(dev, ZONE, txq->queue, size, RTE_CACHE_LINE_SIZE * 2,
					     (int)socket);
	if (txq->zone == NULL)
		return -ENOMEM;
	txq->ring = txq->zone->addr;
	return iommu_translator_create(port->memory.device, false, txq->queue, &txq->translator);
}

int dmanic_tx_queue_setup(struct rte_eth_dev *dev, uint16_t queue, uint16_t size,
			  unsigned int socket, const struct rte_eth_txconf *conf)
{
	struct dmanic_port *port = dmanic_port_of(dev);
	struct dmanic_txq *txq;
	int ret;

	dmanic_tx_queue_release(dev, queue);
	txq = rte_zmalloc_socket("txq", sizeof(*txq), RTE_CACHE_LINE_SIZE, dev->data->numa_node);
	if (txq == NULL)
		return -ENOMEM;
	txq->size = size;
	txq->queue = queue;
	txq->device = port->device;
	txq->offloads = conf->offloads | dev->data->dev_conf.txmode.offloads;
	txq->is_fast_free = txq->offloads & RTE_ETH_TX_OFFLOAD_MBUF_FAST_FREE;
	txq->free_thresh = conf->tx_free_thresh;
	txq->is_deferred = conf->tx_deferred_start;
	dev->data->tx_queues[queue] = txq;
	ret = ring_reserve(dev, txq, socket);
	if (ret != 0) {
		DMANIC_LOG(ERR, "%s: no memory for transmit queue %u on socket %d: %s",
			   dev->data->name, queue, (int)socket, strerror(-ret));
		dmanic_tx_queue_release(dev, queue);
		return ret;
	}
	memset(&port->device->tx[queue].counters, 0, sizeof(port->device->tx[queue].counters));
	return 0;
}

void dmanic_tx_queue_release(struct rte_eth_dev *dev, uint16_t queue)
{
	struct dmanic_txq *txq = dev->data->tx_queues[queue];

	if (txq == NULL)
		return;
	dmanic_tx_queue_stop(dev, queue);
	iommu_translator_destroy(txq->translator);
	if (txq->zone != NULL)
		rte_eth_dma_zone_free(dev, ZONE, queue);
	rte_free(txq->mbufs);
	rte_free(txq);
	dev->data->tx_queues[queue] = NULL;
}

int dmanic_tx_queue_start(struct rte_eth_dev *dev, uint16_t queue)
{
	struct dmanic_txq *txq = dev->data->tx_queues[queue];
	int ret;

	if (dev->data->tx_queue_state[queue] == RTE_ETH_QUEUE_STATE_STARTED)
		return 0;
	memset(txq->ring, 0, (size_t)txq->size * DMANIC_DESC_SIZE);
	txq->tail = txq->clean = 0;
	/* One stays free: a full ring is not an empty one. */
	txq->vacant = txq->size - 1;
	dmanic_control_lock();
	ret = dmanic_tx_ring_start(txq->device, queue, txq->zone->iova, txq->size, txq->translator);
	dmanic_control_unlock();
	if (ret == 0)
		dev->data->tx_queue_state[queue] = RTE_ETH_QUEUE_STATE_STARTED;
	return ret;
}

int dmanic_tx_queue_stop(struct rte_eth_dev *dev, uint16_t queue)
{
	struct dmanic_txq *txq = dev->data->tx_queues[queue];

	if (dev->data->tx_queue_state[queue] == RTE_ETH_QUEUE_STATE_STOPPED)
		return 0;
	dmanic_control_lock();
	dmanic_tx_ring_stop(txq->device, queue);
	dmanic_control_unlock();
	for (; txq->vacant < txq->size - 1; txq->vacant++) {
		rte_pktmbuf_free_seg(txq->mbufs[txq->clean]);
		txq->clean = txq->clean + 1u == txq->size ? 0 : txq->clean + 1;
	}
	dev->data->tx_queue_state[queue] = RTE_ETH_QUEUE_STATE_STOPPED;
	return 0;
}

void dmanic_txq_info_get(struct rte_eth_dev *dev, uint16_t queue, struct rte_eth_txq_info *info)
{
	const struct dmanic_txq *txq = dev->data->tx_queues[queue];

	info->nb_desc = txq->size;
	info->conf.tx_free_thresh = txq->free_thresh;
	info->conf.tx_deferred_start = txq->is_deferred;
	info->conf.offloads = txq->offloads;
}

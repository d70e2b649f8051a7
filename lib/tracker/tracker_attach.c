/* SPDX-License-Identifier: BSD-3-Clause */
/* Probes as receive and transmit callbacks of an ethdev, for programs that know no probes. */
#include <errno.h>

#include <rte_errno.h>
#include <rte_ethdev.h>

#include "tracker_private.h"

static uint16_t on_rx(uint16_t port_id __rte_unused, uint16_t queue __rte_unused,
		      struct rte_mbuf **pkts, uint16_t n, uint16_t max __rte_unused, void *probe)
{
	tracker_rx(probe, pkts, n);
	return n;
}

static uint16_t on_tx(uint16_t port_id __rte_unused, uint16_t queue __rte_unused,
		      struct rte_mbuf **pkts, uint16_t n, void *probe)
{
	tracker_tx_offer(probe, pkts, n);
	tracker_tx_commit(probe, n);
	return n;
}

int tracker_attach(struct tracker_queue *queue, uint16_t port_id)
{
	struct tracker_probe *probe = tracker_probe(queue);

	if (probe->callback != NULL)
		return -EBUSY;
	probe->callback = probe->is_rx
				  ? rte_eth_add_rx_callback(port_id, probe->number, on_rx, queue)
				  : rte_eth_add_tx_callback(port_id, probe->number, on_tx, queue);
	if (probe->callback == NULL)
		return -rte_errno;
	probe->port = port_id;
	return 0;
}

int tracker_detach(struct tracker_queue *queue)
{
	struct tracker_probe *probe = tracker_probe(queue);
	int ret;

	if (probe->callback == NULL)
		return -ENOENT;
	ret = probe->is_rx
		      ? rte_eth_remove_rx_callback(probe->port, probe->number, probe->callback)
		      : rte_eth_remove_tx_callback(probe->port, probe->number, probe->callback);
	if (ret == 0)
		probe->callback = NULL;
	return ret;
}

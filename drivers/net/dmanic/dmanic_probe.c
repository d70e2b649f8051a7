/* SPDX-License-Identifier: BSD-3-Clause */
/* The vdev driver: probe, remove, and DMA mappings that an application asks for. */
#include <errno.h>
#include <string.h>

#include <bus_vdev_driver.h>
#include <ethdev_vdev.h>
#include <rte_errno.h>
#include <rte_malloc.h>

#include "dmanic_port.h"

RTE_LOG_REGISTER(dmanic_logtype, pmd.net.dmanic, NOTICE);

static void ethdev_fill(struct rte_eth_dev *dev)
{
	dev->dev_ops = &dmanic_ops;
	dev->rx_pkt_burst = dmanic_rx_burst;
	dev->tx_pkt_burst = dmanic_tx_burst;
	dev->tx_pkt_prepare = dmanic_tx_prepare;
	dev->rx_queue_count = dmanic_rx_queue_count;
	dev->rx_descriptor_status = dmanic_rx_descriptor_status;
	dev->tx_descriptor_status = dmanic_tx_descriptor_status;
	dev->data->dev_flags |= RTE_ETH_DEV_AUTOFILL_QUEUE_XSTATS | RTE_ETH_DEV_INTR_LSC;
	dev->data->dev_link.link_duplex = RTE_ETH_LINK_FULL_DUPLEX;
	dev->data->dev_link.link_autoneg = RTE_ETH_LINK_FIXED;
	dev->data->dev_link.link_status = RTE_ETH_LINK_DOWN;
}

static int port_create(struct rte_eth_dev *dev, const struct dmanic_args *args)
{
	struct dmanic_port *port = dmanic_port_of(dev);
	int ret;

	port->dev = dev;
	port->args = *args;
	port->is_admin_up = true;
	dev->data->mac_addrs =
		rte_calloc("mac_addrs", DMANIC_MAC_MAX, sizeof(struct rte_ether_addr), 0);
	if (dev->data->mac_addrs == NULL)
		return -ENOMEM;
	dev->data->mac_addrs[0] = args->mac;
	port->device = dmanic_device_create();
	if (port->device == NULL)
		return -ENOMEM;
	port->device->is_pausing = args->is_pausing;
	port->device->filter.mac[0] = args->mac;
	port->device->filter.mac_count = 1;
	ret = dmanic_memory_attach(&port->memory, dev->data->name, args);
	if (ret != 0) {
		dmanic_device_destroy(port->device);
		return ret;
	}
	dmanic_control_lock();
	dmanic_port_register(port);
	dmanic_control_unlock();
	return 0;
}

static int probe(struct rte_vdev_device *vdev)
{
	const char *name = rte_vdev_device_name(vdev);
	struct dmanic_args args;
	struct rte_eth_dev *dev;
	struct dmanic_port *port;
	int ret;

	/* Tables and caches of the software unit are in the process that made them. */
	if (rte_eal_process_type() != RTE_PROC_PRIMARY) {
		DMANIC_LOG(ERR, "%s cannot be used in a secondary process", name);
		return -ENOTSUP;
	}
	ret = dmanic_args_parse(name, rte_vdev_device_args(vdev), &args);
	if (ret != 0)
		return ret;
	dev = rte_eth_vdev_allocate(vdev, sizeof(struct dmanic_port));
	if (dev == NULL)
		return -ENOMEM;
	ethdev_fill(dev);
	ret = port_create(dev, &args);
	if (ret != 0) {
		rte_eth_dev_release_port(dev);
		return ret;
	}
	port = dmanic_port_of(dev);
	rte_eth_dev_probing_finish(dev);
	/* A peer that was alone until now heard itself. */
	dmanic_link_refresh(port);
	return 0;
}

static int remove_port(struct rte_vdev_device *vdev)
{
	struct rte_eth_dev *dev = rte_eth_dev_allocated(rte_vdev_device_name(vdev));

	if (dev == NULL)
		return 0;
	dmanic_close(dev);
	return rte_eth_dev_release_port(dev);
}

/* The port that belongs to a device, locked; NULL: closed already. */
static struct dmanic_port *port_lock(struct rte_vdev_device *vdev)
{
	struct dmanic_port *port;

	dmanic_control_lock();
	port = dmanic_port_find(rte_vdev_device_name(vdev));
	if (port == NULL) {
		dmanic_control_unlock();
		rte_errno = ENODEV;
	}
	return port;
}

static int map_result(int ret)
{
	dmanic_control_unlock();
	if (ret != 0) {
		rte_errno = -ret;
		return -1;
	}
	return 0;
}

static int dma_map(struct rte_vdev_device *vdev, void *addr, uint64_t iova, size_t len)
{
	struct dmanic_port *port = port_lock(vdev);

	return port == NULL ? -1 : map_result(dmanic_memory_map(&port->memory, addr, iova, len));
}

static int dma_unmap(struct rte_vdev_device *vdev, void *addr, uint64_t iova, size_t len)
{
	struct dmanic_port *port = port_lock(vdev);

	return port == NULL ? -1 : map_result(dmanic_memory_unmap(&port->memory, addr, iova, len));
}

static struct rte_vdev_driver dmanic_driver = {
	.probe = probe,
	.remove = remove_port,
	.dma_map = dma_map,
	.dma_unmap = dma_unmap,
};

RTE_PMD_REGISTER_VDEV(net_dmanic, dmanic_driver);
RTE_PMD_REGISTER_PARAM_STRING(net_dmanic, "cable=<name> unit=<0-15> levels=<3|4|5> "
					  "eal-memory=<yes|no> pause=<on|off> mac=<address>");

/* SPDX-License-Identifier: BSD-3-Clause */
/* RSS as ethdev configures it: hash types, key, redirection table. */
#include <errno.h>
#include <string.h>

#include "dmanic_port.h"
#include "dmanic_rss.h"

/* Microsoft's verification key, which most NICs come with. */
static const uint8_t default_key[DMANIC_KEY_SIZE] = {
	0x6d, 0x5a, 0x56, 0xda, 0x25, 0x5b, 0x0e, 0xc2, 0x41, 0x67, 0x25, 0x3d, 0x43, 0xa3,
	0x8f, 0xb0, 0xd0, 0xca, 0x2b, 0xcb, 0xae, 0x7b, 0x30, 0xb4, 0x77, 0xcb, 0x2d, 0xa3,
	0x80, 0x30, 0xf2, 0x0c, 0x6a, 0x42, 0xb7, 0x3b, 0xbe, 0xac, 0x01, 0xfa,
};

/* A change of hash or table while no frame is on its way to us. */
static void rss_set(struct rte_eth_dev *dev, const uint8_t *key, uint64_t types)
{
	struct dmanic_port *port = dmanic_port_of(dev);
	struct dmanic_filter *filter = &port->device->filter;

	dmanic_control_lock();
	dmanic_wire_lock(port->device);
	if (key != NULL && (memcmp(key, port->rss_key, sizeof(port->rss_key)) != 0 ||
			    filter->toeplitz[0][1] == 0)) {
		memcpy(port->rss_key, key, sizeof(port->rss_key));
		dmanic_rss_key_set(filter, port->rss_key);
	}
	filter->rss_hf = types;
	filter->has_rss = types != 0;
	filter->needs_header |= filter->has_rss;
	dmanic_wire_unlock(port->device);
	dmanic_control_unlock();
}

int dmanic_rss_configure(struct rte_eth_dev *dev)
{
	const struct rte_eth_conf *conf = &dev->data->dev_conf;
	const struct rte_eth_rss_conf *rss = &conf->rx_adv_conf.rss_conf;
	struct dmanic_device *device = dmanic_port_of(dev)->device;
	bool is_rss = conf->rxmode.mq_mode & RTE_ETH_MQ_RX_RSS_FLAG;
	unsigned int queues = dev->data->nb_rx_queues;

	if (rss->rss_key != NULL && rss->rss_key_len != 0 && rss->rss_key_len != DMANIC_KEY_SIZE)
		return -EINVAL;
	rss_set(dev, rss->rss_key != NULL ? rss->rss_key : default_key,
		is_rss ? rss->rss_hf & DMANIC_RSS_TYPES : 0);
	dmanic_control_lock();
	dmanic_wire_lock(device);
	for (unsigned int i = 0; i < DMANIC_RETA_SIZE; i++)
		device->filter.reta[i] = queues > 0 ? i % queues : 0;
	dmanic_wire_unlock(device);
	dmanic_control_unlock();
	return 0;
}

int dmanic_rss_hash_update(struct rte_eth_dev *dev, struct rte_eth_rss_conf *conf)
{
	if (conf->rss_hf & ~DMANIC_RSS_TYPES)
		return -EINVAL;
	if (conf->rss_key != NULL && conf->rss_key_len != DMANIC_KEY_SIZE)
		return -EINVAL;
	rss_set(dev, conf->rss_key, conf->rss_hf);
	return 0;
}

int dmanic_rss_hash_conf_get(struct rte_eth_dev *dev, struct rte_eth_rss_conf *conf)
{
	const struct dmanic_port *port = dmanic_port_of(dev);

	if (conf->rss_key != NULL && conf->rss_key_len >= DMANIC_KEY_SIZE) {
		memcpy(conf->rss_key, port->rss_key, DMANIC_KEY_SIZE);
		conf->rss_key_len = DMANIC_KEY_SIZE;
	}
	conf->rss_hf = port->device->filter.rss_hf;
	return 0;
}

static bool is_chosen(const struct rte_eth_rss_reta_entry64 *conf, unsigned int index)
{
	return conf[index / RTE_ETH_RETA_GROUP_SIZE].mask &
	       UINT64_C(1) << (index % RTE_ETH_RETA_GROUP_SIZE);
}

int dmanic_reta_update(struct rte_eth_dev *dev, struct rte_eth_rss_reta_entry64 *conf,
		       uint16_t size)
{
	struct dmanic_device *device = dmanic_port_of(dev)->device;

	if (size != DMANIC_RETA_SIZE)
		return -EINVAL;
	for (unsigned int i = 0; i < size; i++) {
		if (is_chosen(conf, i) &&
		    conf[i / RTE_ETH_RETA_GROUP_SIZE].reta[i % RTE_ETH_RETA_GROUP_SIZE] >=
			    dev->data->nb_rx_queues)
			return -EINVAL;
	}
	dmanic_control_lock();
	dmanic_wire_lock(device);
	for (unsigned int i = 0; i < size; i++) {
		if (is_chosen(conf, i))
			device->filter.reta[i] = (uint8_t)conf[i / RTE_ETH_RETA_GROUP_SIZE]
							 .reta[i % RTE_ETH_RETA_GROUP_SIZE];
	}
	dmanic_wire_unlock(device);
	dmanic_control_unlock();
	return 0;
}

int dmanic_reta_query(struct rte_eth_dev *dev, struct rte_eth_rss_reta_entry64 *conf, uint16_t size)
{
	const struct dmanic_device *device = dmanic_port_of(dev)->device;

	if (size != DMANIC_RETA_SIZE)
		return -EINVAL;
	for (unsigned int i = 0; i < size; i++) {
		if (is_chosen(conf, i))
			conf[i / RTE_ETH_RETA_GROUP_SIZE].reta[i % RTE_ETH_RETA_GROUP_SIZE] =
				device->filter.reta[i];
	}
	return 0;
}

/* SPDX-License-Identifier: BSD-3-Clause */
/* The ports of the process, the cables between them, and their links. */
#include <pthread.h>
#include <string.h>

#include "dmanic_port.h"

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static TAILQ_HEAD(, dmanic_port) ports = TAILQ_HEAD_INITIALIZER(ports);

void dmanic_control_lock(void)
{
	pthread_mutex_lock(&lock);
}

void dmanic_control_unlock(void)
{
	pthread_mutex_unlock(&lock);
}

static const char *port_name(const struct dmanic_port *port)
{
	return port->dev->data->name;
}

struct dmanic_port *dmanic_port_find(const char *name)
{
	struct dmanic_port *port;

	TAILQ_FOREACH(port, &ports, link) {
		if (strcmp(port_name(port), name) == 0)
			return port;
	}
	return NULL;
}

/* The port that this one names, or the first that names this one. */
static struct dmanic_port *peer_find(const struct dmanic_port *port)
{
	struct dmanic_port *peer;

	if (port->args.cable[0] != '\0') {
		peer = dmanic_port_find(port->args.cable);
		return peer != NULL && peer->peer == NULL ? peer : NULL;
	}
	TAILQ_FOREACH(peer, &ports, link) {
		if (peer->peer == NULL && strcmp(peer->args.cable, port_name(port)) == 0)
			return peer;
	}
	return NULL;
}

void dmanic_port_register(struct dmanic_port *port)
{
	struct dmanic_port *peer = peer_find(port);

	TAILQ_INSERT_TAIL(&ports, port, link);
	if (peer == NULL)
		return;
	port->peer = peer;
	peer->peer = port;
	dmanic_cable_plug(port->device, peer->device);
}

void dmanic_port_unregister(struct dmanic_port *port)
{
	struct dmanic_port *peer = port->peer;

	TAILQ_REMOVE(&ports, port, link);
	if (peer == NULL)
		return;
	dmanic_cable_unplug(port->device, peer->device);
	port->peer = peer->peer = NULL;
}

/* --- links ------------------------------------------------------------------------------------ */

static bool is_up(const struct dmanic_port *port)
{
	return port->is_started && port->is_admin_up;
}

/* A cable has a link when both ends are up; without one the port hears itself. */
static bool has_link(const struct dmanic_port *port)
{
	if (port->peer != NULL)
		return is_up(port) && is_up(port->peer);
	return is_up(port) && port->args.cable[0] == '\0';
}

static void link_set(struct dmanic_port *port)
{
	bool is_linked = has_link(port);
	struct rte_eth_link link = {
		.link_speed = is_linked ? RTE_ETH_SPEED_NUM_100G : RTE_ETH_SPEED_NUM_NONE,
		.link_duplex = RTE_ETH_LINK_FULL_DUPLEX,
		.link_autoneg = RTE_ETH_LINK_FIXED,
		.link_status = is_linked ? RTE_ETH_LINK_UP : RTE_ETH_LINK_DOWN,
	};

	if (port->device->has_link != is_linked) {
		/* Both directions' frames are counted under their sender's tokens. */
		dmanic_wire_lock(port->device->receiver);
		port->device->has_link = is_linked;
		dmanic_wire_unlock(port->device->receiver);
	}
	if (rte_eth_linkstatus_set(port->dev, &link) == 0)
		port->is_link_event_due = port->dev->data->dev_conf.intr_conf.lsc;
}

/* The application may call the driver from its handler: no lock is held. */
static void link_event(struct dmanic_port *port)
{
	if (port == NULL || !port->is_link_event_due)
		return;
	port->is_link_event_due = false;
	rte_eth_dev_callback_process(port->dev, RTE_ETH_EVENT_INTR_LSC, NULL);
}

void dmanic_link_refresh(struct dmanic_port *port)
{
	struct dmanic_port *peer;

	dmanic_control_lock();
	peer = port->peer;
	link_set(port);
	if (peer != NULL)
		link_set(peer);
	dmanic_control_unlock();
	link_event(port);
	link_event(peer);
}

int dmanic_link_update(struct rte_eth_dev *dev, int wait_to_complete __rte_unused)
{
	dmanic_control_lock();
	link_set(dmanic_port_of(dev));
	dmanic_control_unlock();
	return 0;
}

int dmanic_set_link_up(struct rte_eth_dev *dev)
{
	dmanic_port_of(dev)->is_admin_up = true;
	dmanic_link_refresh(dmanic_port_of(dev));
	return 0;
}

int dmanic_set_link_down(struct rte_eth_dev *dev)
{
	dmanic_port_of(dev)->is_admin_up = false;
	dmanic_link_refresh(dmanic_port_of(dev));
	return 0;
}

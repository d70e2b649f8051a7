/* SPDX-License-Identifier: BSD-3-Clause */
/* The links of ports: waited for where a wire takes its time, checked where it is a cable. */
#include "port_link.h"

#include <errno.h>
#include <poll.h>
#include <stdio.h>

#include <rte_ethdev.h>

#include "cli/cli.h"
#include "port.h"

/* Copper takes 3 s to agree on a speed, some optics twice that; testpmd waits 9 s. */
#define WAIT_MS 9000
#define TELL_MS 1000
#define POLL_MS 50

static bool is_up(const struct port *port)
{
	struct rte_eth_link link = {0};

	/* who does not say is taken for up, as testpmd does */
	return rte_eth_link_get_nowait(port->id, &link) != 0 || link.link_status == RTE_ETH_LINK_UP;
}

/* The first port after prev whose link is to be waited for. */
static struct port *next_down(struct port *prev)
{
	struct port *port = prev;

	while ((port = port_next(port)) != NULL) {
		if (port->kind != PORT_PCI || port->state != PORT_STARTED)
			continue;
		if (is_up(port))
			port->is_link_waived = false;
		else if (!port->is_link_waived)
			return port;
	}
	return NULL;
}

static void tell(const char *what)
{
	for (struct port *port = NULL; (port = next_down(port)) != NULL;)
		fprintf(stderr, "port %u (%s): %s\n", port->id, port->name, what);
}

void port_link_wait(void)
{
	for (unsigned int ms = 0; next_down(NULL) != NULL && !cli_is_quitting(); ms += POLL_MS) {
		if (ms == TELL_MS)
			tell("waiting for its link");
		if (ms >= WAIT_MS) {
			tell("its link is down: check the cable and the other end; going on "
			     "without it");
			for (struct port *port = NULL; (port = next_down(port)) != NULL;)
				port->is_link_waived = true;
			return;
		}
		poll(NULL, 0, POLL_MS);
	}
}

int port_link_check_cables(struct base_error *err)
{
	for (struct port *port = NULL; (port = port_next(port)) != NULL;)
		if (port->kind == PORT_DMANIC && !is_up(port))
			return base_error_set(err, -ENODEV,
					      "--vdev %s: the other end of its cable is not "
					      "there, or has another cable; give it a --vdev",
					      port->devargs);
	return 0;
}

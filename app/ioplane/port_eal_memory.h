/* SPDX-License-Identifier: BSD-3-Clause */
/* EAL's memory in a port's domain, for drivers that keep there what their device reads. */
#pragma once

#include "base_error.h"
#include "port.h"

/**
 * Maps EAL's memory, as it is and as it will be, into the domain of port->device, for reading and
 * writing at EAL's own IOVAs; heaps that are not EAL's (arenas of ports) are left out. Ports of one
 * domain share it. Main lcore. On failure nothing is left behind.
 */
int port_eal_memory_add(struct port *port, struct base_error *err);

/** Undoes one port_eal_memory_add(). */
void port_eal_memory_remove(struct port *port);

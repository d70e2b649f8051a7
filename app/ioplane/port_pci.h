/* SPDX-License-Identifier: BSD-3-Clause */
/* Ports on PCI devices: their domain before DPDK sees them, and the probe (design 3.2). */
#pragma once

#include "base_error.h"
#include "port.h"

/**
 * Gives port->device a domain of its own (with --domain shared the one of all PCI devices) after
 * every check that can be made before, and sets port->node and port->eal_memory.
 */
int port_pci_attach(struct port *port, struct base_error *err);

/**
 * Attaches an unplugged device to its domain again: EAL has let its group go with it. Its mappings
 * are there again. On failure it is in no domain, and the domain is the port's still.
 */
int port_pci_attach_anew(struct port *port, struct base_error *err);

/** Has the driver probe it; *id is its ethdev. On failure EAL has forgotten the device. */
int port_pci_plug(struct port *port, uint16_t *id, struct base_error *err);

/**
 * Between enter and leave the driver takes what it takes "on the device's node" from the port's
 * heap, where port->eal_memory says so: around configure and start. Main lcore.
 */
void port_pci_enter_heap(const struct port *port);
void port_pci_leave_heap(const struct port *port);

/** "no (auto: ...)": what of EAL's memory the device reaches, and why. */
void port_pci_eal_memory_text(const struct port *port, char *text, size_t size);

/* SPDX-License-Identifier: BSD-3-Clause */
/* What a probe that fails in the middle leaves of a VFIO device in this process. */
#pragma once

#include <stdint.h>

#define PORT_PCI_MAPS_MAX  512
#define PORT_PCI_FILES_MAX 4096

/* Registers that are mapped, and which descriptors are open. */
struct port_pci_left {
	unsigned int map_count;
	unsigned long map_start[PORT_PCI_MAPS_MAX];
	uint8_t is_open[PORT_PCI_FILES_MAX];
};

/** What there is now (/proc/self/maps, /proc/self/fd). */
void port_pci_left_find(struct port_pci_left *now);

/**
 * Unmaps registers and closes events that were not there before: DPDK 22.11 leaves them
 * (pci_vfio_map_resource_primary()), and mapped registers keep the device's group taken.
 */
void port_pci_left_drop(const struct port_pci_left *before);

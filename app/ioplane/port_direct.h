/* SPDX-License-Identifier: BSD-3-Clause */
/* PCI devices that no IOMMU stands before: what EAL must be told of them, and what they are told.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>

#include "base_error.h"
#include "port_unit.h"

/**
 * True when DPDK takes this device ("0000:03:00.0[,args]") with physical addresses only, which
 * EAL settles for the whole process at its start; why then says it, to be read after "as".
 * Reads sysfs; before EAL or after.
 */
bool port_direct_wants_physical(const char *devargs, char *why, size_t size);

/** True when no IOMMU stands before this device: UIO has it, or VFIO in its no-IOMMU mode. */
bool port_direct_is_unprotected(const char *devargs);

/** Where a device goes that no IOMMU stands before: one domain holds them all, UNPROTECTED. */
void port_direct_place(struct port_place *place);

/** Fails with the next step when EAL was started without them and the device needs them. */
int port_direct_check(const char *devargs, struct base_error *err);

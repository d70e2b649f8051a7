/* SPDX-License-Identifier: BSD-3-Clause */
/* What the firmware's IORT tells: a PCI device's stream id, and whose counters a group has. */
#pragma once

#include <stddef.h>
#include <stdint.h>

struct smmuv3_iort {
	uint8_t *table; /* owned */
	size_t size;
};

/**
 * Reads /sys/firmware/acpi/tables/IORT, as root. -ENOENT: there is none, as with a device tree;
 * -EINVAL: it is none. Format: Arm DEN0049, IO Remapping Table.
 */
int smmuv3_iort_read(const char *root, struct smmuv3_iort *out);
void smmuv3_iort_free(struct smmuv3_iort *iort);

/** The stream id of a PCI requester and the address of its SMMUv3. -ENOENT: it has none. */
int smmuv3_iort_stream(const struct smmuv3_iort *iort, uint32_t segment, uint16_t requester_id,
		       uint64_t *unit_address, uint32_t *stream_id);

/** The address of the SMMUv3 that a counter group counts for. -ENOENT: no such group. */
int smmuv3_iort_unit(const struct smmuv3_iort *iort, uint64_t group_address,
		     uint64_t *unit_address);

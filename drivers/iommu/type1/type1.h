/* SPDX-License-Identifier: BSD-3-Clause */
/* The backend over the kernel's IOMMU drivers: VFIO type1v2 (Linux vfio_iommu_type1.c). */
#pragma once

struct iommu_ops;
struct iommu_unit;

/*
 * A unit is a VFIO container: what the kernel tells of an IOMMU (IOVA ranges, page sizes,
 * entries) it tells for a container. It has one domain; a second is -EBUSY.
 */
struct type1_config {
	const char *device; /* PCI address; its group opens the container */
};

/**
 * Devices are attached by their PCI addresses. Each holds its group in the container, and a group
 * leaves with its last device; mappings stay the domain's and are there again for the next one.
 * DPDK's driver must have let go of a device before it is detached. Needs an EAL that knows VFIO.
 */
extern const struct iommu_ops type1_ops;

/** The container's descriptor, for programs that compare with a bare ioctl. */
int type1_unit_fd(const struct iommu_unit *unit);

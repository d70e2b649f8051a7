/* SPDX-License-Identifier: BSD-3-Clause */
/* What can be known to go wrong with a PCI device, asked before anything is touched. */
#pragma once

#include "base_error.h"
#include "host_pci.h"

enum preflight_way {
	PREFLIGHT_TYPE1,  /* VFIO with an IOMMU: a domain of its own */
	PREFLIGHT_DIRECT, /* unprotected: VFIO without an IOMMU, or UIO with none in the way */
};

struct preflight {
	struct host_pci_device device; /* its address in full: "0000:03:00.1" */
	struct host_group group;       /* number -1: none (UIO without an IOMMU) */
	enum preflight_way way;
};

/**
 * Makes every check that attaching the device needs, with the options as they are; the first that
 * fails is told in err with the next step. Only reads: nothing is opened that has a state. Main
 * lcore. -EINVAL: no PCI address, -ENODEV: no such device, -EBUSY, -EPERM, -ENOMEM ...
 */
int preflight_check(const char *address, struct preflight *out, struct base_error *err);

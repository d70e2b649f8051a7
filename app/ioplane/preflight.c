/* SPDX-License-Identifier: BSD-3-Clause */
/* What can be known to go wrong with a PCI device, asked before anything is touched. */
#include "preflight.h"

#include <errno.h>
#include <string.h>

int preflight_check(const char *address, struct preflight *out, struct base_error *err)
{
	int ret = host_pci_read("", address, &out->device);

	if (ret == -EINVAL)
		return base_error_set(err, ret,
				      "%s is no PCI address: write domain:bus:slot.function, as in "
				      "0000:03:00.0",
				      address);
	if (ret != 0)
		return base_error_set(err, ret, "there is no PCI device %s: see lspci -D", address);
	memset(&out->group, 0, sizeof(out->group));
	out->group.number = -1;
	if (out->device.group >= 0)
		ret = host_group_read("", out->device.group, &out->group);
	if (ret != 0)
		return base_error_set(err, ret, "IOMMU group %d of %s cannot be read: %s",
				      out->device.group, out->device.address, strerror(-ret));
	out->way =
		out->group.number < 0 || out->group.is_noiommu ? PREFLIGHT_DIRECT : PREFLIGHT_TYPE1;
	return 0;
}

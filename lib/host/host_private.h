/* SPDX-License-Identifier: BSD-3-Clause */
/* What the files that read devices and groups share. */
#pragma once

#include "host_pci.h"

/* Reads what a device's folder tells; what is missing stays at "none". */
void host_device_read(const char *root, const char *folder, const char *name,
		      struct host_pci_device *out);

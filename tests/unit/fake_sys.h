/* SPDX-License-Identifier: BSD-3-Clause */
/* A folder with a /sys and a /dev of our own making: a machine as a test wants it. */
#pragma once

#include <stddef.h>

/* A PCI device; NULL and 0: what a good e1000e on vfio-pci in group 12 has. */
struct fake_sys_device {
	const char *address;
	const char *class_code; /* "0x020000" */
	const char *driver;	/* "" none */
	const char *group;	/* "" none */
	const char *node;	/* "-1" */
	const char *iommu;	/* "dmar0" */
};

/** Makes an empty one; root stays valid until fake_sys_destroy(), one at a time. */
const char *fake_sys_create(void);
void fake_sys_destroy(void);

/** Writes a file below the root, with the folders above it. */
void fake_sys_write(const char *path, const char *text);
void fake_sys_write_bytes(const char *path, const void *bytes, size_t size);
void fake_sys_remove(const char *path);

/** Makes a link below the root, with the folders above it. */
void fake_sys_link(const char *path, const char *target);

/** Adds a device, its driver's link and its group's. */
void fake_sys_device(const struct fake_sys_device *device);

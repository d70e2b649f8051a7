/* SPDX-License-Identifier: BSD-3-Clause */
/* PCI devices and IOMMU groups as the kernel tells them in sysfs; nothing here changes anything. */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#define HOST_NAME_SIZE		32
#define HOST_GROUP_DEVICES_MAX	256
#define HOST_GROUP_RESERVED_MAX 32

#define HOST_CLASS_NETWORK 0x02 /* class_code >> 16 */
#define HOST_CLASS_BRIDGE  0x06

/* A group's member that is no PCI device (Arm has some) has its name as address and no vendor. */
struct host_pci_device {
	char address[HOST_NAME_SIZE]; /* "0000:03:00.1" */
	uint16_t vendor, device;
	uint32_t class_code;	     /* class, subclass, interface: 0x020000 */
	char driver[HOST_NAME_SIZE]; /* the kernel's, "" none */
	int node;		     /* NUMA, -1: not known */
	int group;		     /* -1: none */
	char iommu[HOST_NAME_SIZE];  /* "dmar0", "ivhd0", "" where there is none */
};

struct host_reserved {
	uint64_t start, last;
	char type[HOST_NAME_SIZE]; /* "direct", "direct-relaxable", "reserved", "msi" */
};

struct host_group {
	int number;
	char type[HOST_NAME_SIZE]; /* "DMA", "DMA-FQ", "identity", "blocked", "" not told */
	bool is_noiommu;	   /* VFIO made it up for a device that no IOMMU stands before */
	unsigned int device_count;
	struct host_pci_device device[HOST_GROUP_DEVICES_MAX];
	unsigned int reserved_count;
	struct host_reserved reserved[HOST_GROUP_RESERVED_MAX];
};

/**
 * "0000:03:00.1" from what users write: the domain may be left out, hex digits are of either case.
 * -EINVAL: no such address can be.
 */
int host_pci_address(const char *text, char address[HOST_NAME_SIZE]);

/**
 * Reads one device. root: "" or a folder with a copy of /sys (for tests). -EINVAL: the address is
 * malformed, -ENODEV: there is no such device.
 */
int host_pci_read(const char *root, const char *address, struct host_pci_device *out);

/** "0000:17", the root bus that a device is behind; -ENODEV: sysfs does not tell. */
int host_pci_root_bus(const char *root, const char *address, char bus[HOST_NAME_SIZE]);

/** All PCI devices in the order of their addresses; the caller frees the array. */
int host_pci_list(const char *root, struct host_pci_device **out, unsigned int *count);

/** Reads a group with its members. -ENODEV: no such group; -E2BIG: more members than we hold. */
int host_group_read(const char *root, int number, struct host_group *out);

/** Numbers of all groups, ascending; the caller frees the array. No IOMMU: 0 of them. */
int host_group_list(const char *root, int **numbers, unsigned int *count);

/** True when an IOMMU driver runs: /sys/class/iommu has a unit. */
bool host_iommu_is_on(const char *root);

/**
 * True when this member does not keep its group from VFIO: no driver, one of VFIO's, or one that
 * does no DMA (linux drivers/iommu/iommu.c, driver_managed_dma: pci-stub, pcieport).
 */
bool host_pci_is_viable(const struct host_pci_device *device);

/** The first member that keeps VFIO from lending the group, or NULL: it is viable. */
const struct host_pci_device *host_group_blocker(const struct host_group *group);

/* SPDX-License-Identifier: BSD-3-Clause */
/* A VFIO container and the groups in it (Linux driver-api/vfio.rst). */
#pragma once

#include <stdbool.h>
#include <sys/queue.h>

#include "base_error.h"
#include "iommu.h"

struct type1_group {
	LIST_ENTRY(type1_group) link;
	int number;
	int dpdk_fd; /* DPDK's; it closes it with the group's last device */
	int fd;	     /* a copy that holds the group in the container until it leaves */
	unsigned int device_count;
};

/* Changed by control threads, under the registry's lock. */
struct type1_container {
	int fd;
	LIST_HEAD(, type1_group) groups;
};

/** Opens an empty container; DPDK has room for 63. */
int type1_container_open(struct type1_container *container, struct base_error *err);

/** Lets all groups go, and with them what is mapped. */
void type1_container_close(struct type1_container *container);

/**
 * The group of the device at this PCI address, in the container: entered now unless it is there
 * already. The first one gives the container its IOMMU driver. Nothing is left of a failure.
 * -ENOENT, -EACCES, -EBUSY, -EPERM, each with the next step.
 */
int type1_container_join(struct type1_container *container, const char *address,
			 struct type1_group **out, struct base_error *err);

/** A group leaves; with the last one all that is mapped goes. */
void type1_container_leave(struct type1_group *group, struct type1_container *container);

/** What the kernel tells of the container, which has a group. */
int type1_container_limits(const struct type1_container *container, struct iommu_limits *limits,
			   struct base_error *err);

/** Without a group a container maps nothing. */
static inline bool type1_container_is_empty(const struct type1_container *container)
{
	return LIST_EMPTY(&container->groups);
}

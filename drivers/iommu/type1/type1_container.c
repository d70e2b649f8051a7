/* SPDX-License-Identifier: BSD-3-Clause */
/* Containers and groups by way of DPDK, which must know of them before it probes a device. */
#include "type1_container.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <linux/vfio.h>
#include <rte_vfio.h>

#include "type1_error.h"
#include "type1_info.h"

#define PCI_DEVICES "/sys/bus/pci/devices"
#define INFO_MAX    (1 << 20) /* more than any answer; 16 bytes are a range */
#define ANSWERS_MAX 4	      /* the answer may grow while it is asked for */

int type1_container_open(struct type1_container *container, struct base_error *err)
{
	LIST_INIT(&container->groups);
	container->fd = rte_vfio_container_create();
	if (container->fd < 0)
		return type1_error_container(err);
	fcntl(container->fd, F_SETFD, FD_CLOEXEC);
	return 0;
}

void type1_container_close(struct type1_container *container)
{
	struct type1_group *group;

	while ((group = LIST_FIRST(&container->groups)) != NULL)
		type1_container_leave(group, container);
	rte_vfio_container_destroy(container->fd);
}

/* --- groups --------------------------------------------------------------------------------- */

static int group_number(const char *address, int *number, struct base_error *err)
{
	char path[sizeof(PCI_DEVICES) + IOMMU_NAME_SIZE];

	snprintf(path, sizeof(path), PCI_DEVICES "/%s", address);
	if (strchr(address, '/') != NULL || access(path, F_OK) != 0)
		return base_error_set(err, -ENODEV,
				      "there is no PCI device %s: see lspci -D, or show iommu "
				      "groups",
				      address);
	if (rte_vfio_get_group_num(PCI_DEVICES, address, number) <= 0)
		return base_error_set(
			err, -ENODEV,
			"%s has no IOMMU group: the IOMMU is off; turn VT-d or AMD-Vi "
			"on in the firmware and boot with intel_iommu=on",
			address);
	return 0;
}

/* DPDK falls back to /dev/vfio/noiommu-N by itself, where nothing would be protected. */
static int open_group(struct type1_container *container, const char *address, int number,
		      struct base_error *err)
{
	char path[TYPE1_GROUP_PATH_SIZE];
	int fd;

	type1_group_path(number, path);
	if (access(path, F_OK) != 0)
		return type1_error_group(address, number, errno, err);
	fd = rte_vfio_container_group_bind(container->fd, number);
	if (fd >= 0)
		return fd;
	/* it does not say why: what it did is done again */
	fd = open(path, O_RDWR | O_CLOEXEC);
	if (fd < 0)
		return type1_error_group(address, number, errno, err);
	close(fd);
	return base_error_set(err, -EIO, "DPDK cannot open IOMMU group %d of %s: its log says why",
			      number, address);
}

static int enter(struct type1_container *container, const char *address,
		 const struct type1_group *group, struct base_error *err)
{
	struct vfio_group_status status = {.argsz = sizeof(status)};

	if (ioctl(group->fd, VFIO_GROUP_GET_STATUS, &status) != 0)
		return base_error_set(err, -errno, "IOMMU group %d of %s has no status: %s",
				      group->number, address, strerror(errno));
	if ((status.flags & VFIO_GROUP_FLAGS_VIABLE) == 0)
		return type1_error_viable(address, group->number, err);
	if (ioctl(group->fd, VFIO_GROUP_SET_CONTAINER, &container->fd) != 0)
		return type1_error_join(address, group->number, errno, err);
	if (type1_container_is_empty(container) &&
	    ioctl(container->fd, VFIO_SET_IOMMU, VFIO_TYPE1v2_IOMMU) != 0)
		return type1_error_join(address, group->number, errno, err);
	return 0;
}

/* DPDK may have let go of the group; another file may have the number of its descriptor by now. */
static bool is_bound(const struct type1_group *group)
{
	struct stat ours, theirs;

	return fstat(group->fd, &ours) == 0 && fstat(group->dpdk_fd, &theirs) == 0 &&
	       S_ISCHR(theirs.st_mode) && ours.st_rdev == theirs.st_rdev;
}

static void release(struct type1_container *container, const struct type1_group *group)
{
	if (is_bound(group))
		rte_vfio_container_group_unbind(container->fd, group->number);
	close(group->fd);
}

static int create(struct type1_container *container, const char *address, int number,
		  struct type1_group **out, struct base_error *err)
{
	struct type1_group *group = calloc(1, sizeof(*group));
	int ret;

	if (group == NULL)
		return -ENOMEM;
	group->number = number;
	group->dpdk_fd = ret = open_group(container, address, number, err);
	if (ret < 0)
		goto free_group;
	fcntl(group->dpdk_fd, F_SETFD, FD_CLOEXEC);
	group->fd = fcntl(group->dpdk_fd, F_DUPFD_CLOEXEC, 0);
	if (group->fd < 0) {
		ret = base_error_set(err, -errno, "IOMMU group %d of %s cannot be held: %s", number,
				     address, strerror(errno));
		rte_vfio_container_group_unbind(container->fd, number);
		goto free_group;
	}
	ret = enter(container, address, group, err);
	if (ret != 0)
		goto release_group;
	LIST_INSERT_HEAD(&container->groups, group, link);
	*out = group;
	return 0;

release_group:
	release(container, group);
free_group:
	free(group);
	return ret;
}

int type1_container_join(struct type1_container *container, const char *address,
			 struct type1_group **out, struct base_error *err)
{
	struct type1_group *group;
	int number, ret = group_number(address, &number, err);

	if (ret != 0)
		return ret;
	LIST_FOREACH(group, &container->groups, link) {
		if (group->number == number) {
			*out = group;
			return 0;
		}
	}
	return create(container, address, number, out, err);
}

void type1_container_leave(struct type1_group *group, struct type1_container *container)
{
	LIST_REMOVE(group, link);
	release(container, group);
	free(group);
}

/* --- what the kernel tells ------------------------------------------------------------------- */

static int ask(int fd, struct vfio_iommu_type1_info **out)
{
	uint32_t size = sizeof(**out);
	struct vfio_iommu_type1_info *info;

	for (unsigned int i = 0; i < ANSWERS_MAX; i++) {
		int ret;

		info = calloc(1, size);
		if (info == NULL)
			return -ENOMEM;
		info->argsz = size;
		ret = ioctl(fd, VFIO_IOMMU_GET_INFO, info) == 0 ? 0 : -errno;
		if (ret == 0 && info->argsz <= size) {
			info->argsz = size;
			*out = info;
			return 0;
		}
		size = info->argsz;
		free(info);
		if (ret != 0)
			return ret;
		if (size > INFO_MAX)
			break;
	}
	return -EBADMSG;
}

int type1_container_limits(const struct type1_container *container, struct iommu_limits *limits,
			   struct base_error *err)
{
	struct vfio_iommu_type1_info *info;
	int ret = ask(container->fd, &info);

	if (ret == 0) {
		ret = type1_info_parse(info, info->argsz, limits);
		free(info);
	}
	if (ret != 0)
		return base_error_set(err, ret,
				      "the kernel does not tell what its IOMMU can do (%s): Linux "
				      "5.4 or newer is needed",
				      strerror(-ret));
	return 0;
}

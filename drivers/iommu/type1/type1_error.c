/* SPDX-License-Identifier: BSD-3-Clause */
/* Words for the errnos of VFIO; what they mean is in vfio_main.c and vfio_iommu_type1.c. */
#include "type1_error.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/resource.h>
#include <unistd.h>

#include <linux/vfio.h>

#define CONTAINERS "/dev/vfio/vfio"

void type1_group_path(int number, char path[static TYPE1_GROUP_PATH_SIZE])
{
	snprintf(path, TYPE1_GROUP_PATH_SIZE, "/dev/vfio/%d", number);
}

/* DPDK says only that it failed: what it did is done again. */
int type1_error_container(struct base_error *err)
{
	int fd = open(CONTAINERS, O_RDWR | O_CLOEXEC), code = errno;
	bool has_type1;

	if (fd < 0 && (code == EACCES || code == EPERM))
		return base_error_set(err, -code,
				      "no permission to open " CONTAINERS ": run as root, or give "
				      "yourself the file and those of the groups beside it");
	if (fd < 0)
		return base_error_set(err, -code,
				      CONTAINERS " cannot be opened (%s): load VFIO with modprobe "
						 "vfio-pci",
				      strerror(code));
	has_type1 = ioctl(fd, VFIO_CHECK_EXTENSION, VFIO_TYPE1v2_IOMMU) > 0;
	close(fd);
	if (!has_type1)
		return base_error_set(err, -ENODEV,
				      "the kernel's VFIO has no type1 driver: modprobe "
				      "vfio_iommu_type1");
	return base_error_set(err, -ENOSPC,
			      "DPDK has room for 63 VFIO containers, and all are in use: put "
			      "devices into one with --domain shared");
}

int type1_error_group(const char *address, int number, int code, struct base_error *err)
{
	char path[TYPE1_GROUP_PATH_SIZE];

	type1_group_path(number, path);
	switch (code) {
	case ENOENT:
		return base_error_set(
			err, -ENOENT,
			"%s is not there: no device of IOMMU group %d is bound to "
			"vfio-pci; modprobe vfio-pci, then dpdk-devbind.py -b vfio-pci "
			"%s",
			path, number, address);
	case EACCES:
	case EPERM:
		return base_error_set(err, -code,
				      "no permission to open %s, the IOMMU group of %s: run as "
				      "root, or chown the file to your user",
				      path, address);
	case EBUSY:
		return base_error_set(
			err, -EBUSY,
			"IOMMU group %d of %s is in use: fuser -v %s says by which "
			"process; if it is this one, a port has another device of the "
			"group: devices of one group need --domain shared",
			number, address, path);
	default:
		return base_error_set(err, -code, "IOMMU group %d of %s cannot be opened: %s",
				      number, address, strerror(code));
	}
}

/* --- groups that are not viable -------------------------------------------------------------- */

static bool driver_of(const char *path, const char *device, char *driver, size_t size)
{
	char link[320], target[256];
	ssize_t length;

	snprintf(link, sizeof(link), "%.60s/%.200s/driver", path, device);
	length = readlink(link, target, sizeof(target) - 1);
	if (length <= 0)
		return false;
	target[length] = '\0';
	snprintf(driver, size, "%.63s",
		 strrchr(target, '/') == NULL ? target : strrchr(target, '/') + 1);
	return true;
}

/* The first other device of the group whose driver keeps it. */
static bool find_keeper(int number, const char *address, char *device, char *driver, size_t size)
{
	char path[64];
	struct dirent *entry;
	bool is_found = false;
	DIR *folder;

	snprintf(path, sizeof(path), "/sys/kernel/iommu_groups/%d/devices", number);
	folder = opendir(path);
	if (folder == NULL)
		return false;
	while (!is_found && (entry = readdir(folder)) != NULL) {
		if (entry->d_name[0] == '.' || strcmp(entry->d_name, address) == 0 ||
		    !driver_of(path, entry->d_name, driver, size))
			continue;
		is_found = strcmp(driver, "vfio-pci") != 0 && strcmp(driver, "pcieport") != 0 &&
			   strcmp(driver, "pci-stub") != 0;
		snprintf(device, size, "%.63s", entry->d_name);
	}
	closedir(folder);
	return is_found;
}

int type1_error_viable(const char *address, int number, struct base_error *err)
{
	char device[64], driver[64];

	if (find_keeper(number, address, device, driver, sizeof(device)))
		return base_error_set(err, -EBUSY,
				      "group %d of %s is not viable: %s is bound to %s; bind it to "
				      "vfio-pci or unbind it",
				      number, address, device, driver);
	return base_error_set(err, -EBUSY,
			      "group %d of %s is not viable: a kernel driver has a device of it; "
			      "see show iommu groups, and bind all of them to vfio-pci or to none",
			      number, address);
}

int type1_error_join(const char *address, int number, int code, struct base_error *err)
{
	switch (code) {
	case EPERM:
		return base_error_set(
			err, -EPERM,
			"the kernel refuses group %d of %s: this machine does not remap "
			"interrupts, so a device could raise any interrupt of the host by DMA. "
			"Turn interrupt remapping on in the firmware (intremap=on), or accept "
			"that: "
			"modprobe vfio_iommu_type1 allow_unsafe_interrupts=1",
			number, address);
	case EBUSY:
		return type1_error_viable(address, number, err);
	case EINVAL:
		return base_error_set(
			err, -EINVAL,
			"group %d of %s cannot enter the domain: it reaches fewer IOVAs "
			"than are mapped there, or another IOMMU is over it; give it a "
			"domain of its own",
			number, address);
	case ENODEV:
		return base_error_set(err, -ENODEV,
				      "the kernel has no type1 IOMMU driver for group %d of %s: "
				      "modprobe vfio_iommu_type1",
				      number, address);
	default:
		return base_error_set(err, -code, "group %d of %s cannot enter its container: %s",
				      number, address, strerror(code));
	}
}

/* --- mappings -------------------------------------------------------------------------------- */

static uint64_t locked_bytes(void)
{
	FILE *file = fopen("/proc/self/status", "re");
	char line[256];
	uint64_t kib = 0;

	if (file == NULL)
		return 0;
	while (fgets(line, sizeof(line), file) != NULL) {
		if (sscanf(line, "VmLck: %" SCNu64, &kib) == 1)
			break;
	}
	fclose(file);
	return kib << 10;
}

static int explain_memory(const struct iommu_domain *domain, uint64_t size, struct base_error *err)
{
	struct rlimit limit;
	uint64_t locked = locked_bytes();

	if (getrlimit(RLIMIT_MEMLOCK, &limit) != 0 || limit.rlim_cur == RLIM_INFINITY ||
	    locked + size <= limit.rlim_cur)
		return base_error_set(err, -ENOMEM,
				      "the kernel has no memory left for the tables of domain %u",
				      domain->id);
	return base_error_set(
		err, -ENOMEM,
		"a mapping locks its memory: %" PRIu64 " KiB are asked for, %" PRIu64
		" KiB are locked, and the limit is %" PRIu64
		" KiB (ulimit -l). Raise it to %" PRIu64
		" or more with ulimit -l, in limits.conf or by LimitMEMLOCK=, or run with "
		"CAP_IPC_LOCK. Memory counts once for each domain it is mapped in",
		size >> 10, locked >> 10, (uint64_t)limit.rlim_cur >> 10, (locked + size) >> 10);
}

int type1_error_map(struct iommu_domain *domain, int code, uint64_t size, struct base_error *err)
{
	switch (code) {
	case -ENOSPC:
		return base_error_set(
			err, code,
			"domain %u holds all of the %" PRIu64 " mappings that the "
			"kernel allows: use larger pages (--page-size), unmap some, or "
			"raise the limit with modprobe vfio_iommu_type1 "
			"dma_entry_limit=N",
			domain->id, domain->usage.entries_used);
	case -ENOMEM:
		return explain_memory(domain, size, err);
	case -EEXIST:
		return base_error_set(err, code,
				      "domain %u has a mapping there already: unmap it first",
				      domain->id);
	default:
		return 0;
	}
}

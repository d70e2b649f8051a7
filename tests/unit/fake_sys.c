/* SPDX-License-Identifier: BSD-3-Clause */
/* A folder with a /sys and a /dev of our own making: a machine as a test wants it. */
#include "fake_sys.h"

#include <errno.h>
#include <ftw.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "unit.h"

static char root[64];

const char *fake_sys_create(void)
{
	snprintf(root, sizeof(root), "/tmp/ioplane-sys-XXXXXX");
	assert_non_null(mkdtemp(root));
	return root;
}

static int remove_one(const char *path, const struct stat *status, int flag, struct FTW *place)
{
	(void)status, (void)flag, (void)place;
	return remove(path);
}

void fake_sys_destroy(void)
{
	nftw(root, remove_one, 8, FTW_DEPTH | FTW_PHYS);
}

__attribute__((format(printf, 2, 3))) static void path_of(char *path, const char *format, ...)
{
	va_list args;
	int length;

	va_start(args, format);
	length = vsnprintf(path, PATH_MAX, format, args);
	va_end(args);
	assert_true(length < PATH_MAX);
}

/* Makes the folders above a path. */
static void make_folders(char *full)
{
	for (char *slash = strchr(full + strlen(root) + 1, '/'); slash != NULL;
	     slash = strchr(slash + 1, '/')) {
		*slash = '\0';
		assert_true(mkdir(full, 0755) == 0 || errno == EEXIST);
		*slash = '/';
	}
}

void fake_sys_write_bytes(const char *path, const void *bytes, size_t size)
{
	char full[PATH_MAX];
	FILE *file;

	path_of(full, "%s%s", root, path);
	make_folders(full);
	file = fopen(full, "we");
	assert_non_null(file);
	assert_int_equal(fwrite(bytes, 1, size, file), size);
	assert_int_equal(fclose(file), 0);
}

void fake_sys_write(const char *path, const char *text)
{
	fake_sys_write_bytes(path, text, strlen(text));
}

void fake_sys_remove(const char *path)
{
	char full[PATH_MAX];

	path_of(full, "%s%s", root, path);
	assert_int_equal(nftw(full, remove_one, 8, FTW_DEPTH | FTW_PHYS), 0);
}

void fake_sys_link(const char *path, const char *target)
{
	char full[PATH_MAX];

	path_of(full, "%s%s", root, path);
	make_folders(full);
	unlink(full);
	assert_int_equal(symlink(target, full), 0);
}

static void write_in(const char *folder, const char *name, const char *text)
{
	char path[PATH_MAX];

	path_of(path, "%s/%s", folder, name);
	fake_sys_write(path, text);
}

static const char *or_else(const char *text, const char *other)
{
	return text == NULL ? other : text;
}

static void add_to_group(const struct fake_sys_device *device, const char *folder)
{
	const char *group = or_else(device->group, "12");
	char path[PATH_MAX], target[PATH_MAX];

	if (group[0] == '\0')
		return;
	path_of(path, "%s/iommu_group", folder);
	path_of(target, "../../../kernel/iommu_groups/%s", group);
	fake_sys_link(path, target);
	path_of(path, "/sys/kernel/iommu_groups/%s/devices/%s", group, device->address);
	path_of(target, "../../../../bus/pci/devices/%s", device->address);
	fake_sys_link(path, target);
}

void fake_sys_device(const struct fake_sys_device *device)
{
	const char *driver = or_else(device->driver, "vfio-pci");
	char folder[PATH_MAX], path[PATH_MAX], target[PATH_MAX];

	path_of(folder, "/sys/bus/pci/devices/%s", device->address);
	write_in(folder, "vendor", "0x8086\n");
	write_in(folder, "device", "0x10d3\n");
	write_in(folder, "class", or_else(device->class_code, "0x020000"));
	write_in(folder, "numa_node", or_else(device->node, "0"));
	if (driver[0] != '\0') {
		path_of(path, "%s/driver", folder);
		path_of(target, "../../../bus/pci/drivers/%s", driver);
		fake_sys_link(path, target);
	}
	if (device->iommu != NULL) {
		path_of(path, "%s/iommu", folder);
		path_of(target, "../../../class/iommu/%s", device->iommu);
		fake_sys_link(path, target);
	}
	add_to_group(device, folder);
}

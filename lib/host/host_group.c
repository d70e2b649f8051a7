/* SPDX-License-Identifier: BSD-3-Clause */
/* IOMMU groups as sysfs tells them. */
#include <errno.h>
#include <inttypes.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "host_file.h"
#include "host_private.h"

#define GROUPS "/sys/kernel/iommu_groups"

static int read_devices(const char *root, struct host_group *group)
{
	char path[PATH_MAX];
	unsigned int count;
	char **names;
	int ret;

	snprintf(path, sizeof(path), GROUPS "/%d/devices", group->number);
	ret = host_list(root, path, &names, &count);
	if (ret != 0)
		return ret == -ENOENT ? -ENODEV : ret;
	for (unsigned int i = 0; i < count && i < HOST_GROUP_DEVICES_MAX; i++) {
		snprintf(path, sizeof(path), GROUPS "/%d/devices/%s", group->number, names[i]);
		host_device_read(root, path, names[i], &group->device[i]);
		group->device[i].group = group->number;
		group->device_count++;
	}
	host_list_free(names, count);
	return count > HOST_GROUP_DEVICES_MAX ? -E2BIG : 0;
}

/* Lines "0x00000000fee00000 0x00000000feefffff msi" (linux iommu.c, show_resv_regions). */
static void read_reserved(const char *root, struct host_group *group)
{
	char path[PATH_MAX], line[128];
	FILE *file;

	snprintf(path, sizeof(path), "%s" GROUPS "/%d/reserved_regions", root, group->number);
	file = fopen(path, "re");
	if (file == NULL)
		return;
	while (fgets(line, sizeof(line), file) != NULL &&
	       group->reserved_count < HOST_GROUP_RESERVED_MAX) {
		struct host_reserved *region = &group->reserved[group->reserved_count];

		if (sscanf(line, "%" SCNx64 " %" SCNx64 " %31s", &region->start, &region->last,
			   region->type) == 3)
			group->reserved_count++;
	}
	fclose(file);
}

int host_group_read(const char *root, int number, struct host_group *out)
{
	char path[PATH_MAX], name[HOST_NAME_SIZE];
	int ret;

	memset(out, 0, sizeof(*out));
	out->number = number;
	ret = read_devices(root, out);
	if (ret != 0)
		return ret;
	snprintf(path, sizeof(path), GROUPS "/%d/type", number);
	if (host_read_line(root, path, out->type, sizeof(out->type)) != 0)
		out->type[0] = '\0';
	snprintf(path, sizeof(path), GROUPS "/%d/name", number);
	out->is_noiommu = host_read_line(root, path, name, sizeof(name)) == 0 &&
			  strcmp(name, "vfio-noiommu") == 0;
	read_reserved(root, out);
	return 0;
}

static int compare_numbers(const void *a, const void *b)
{
	int left = *(const int *)a, right = *(const int *)b;

	return (left > right) - (left < right);
}

int host_group_list(const char *root, int **numbers, unsigned int *count)
{
	unsigned int found;
	char **names;
	int ret = host_list(root, GROUPS, &names, &found);

	*count = 0;
	*numbers = NULL;
	if (ret != 0)
		return ret == -ENOENT ? 0 : ret;
	*numbers = calloc(found + 1, sizeof(**numbers));
	for (unsigned int i = 0; *numbers != NULL && i < found; i++)
		(*numbers)[(*count)++] = atoi(names[i]);
	if (*numbers != NULL)
		qsort(*numbers, *count, sizeof(**numbers), compare_numbers);
	host_list_free(names, found);
	return *numbers == NULL ? -ENOMEM : 0;
}

bool host_iommu_is_on(const char *root)
{
	unsigned int count;
	char **names;

	if (host_list(root, "/sys/class/iommu", &names, &count) != 0)
		return false;
	host_list_free(names, count);
	return count != 0;
}

const struct host_pci_device *host_group_blocker(const struct host_group *group)
{
	for (unsigned int i = 0; i < group->device_count; i++)
		if (!host_pci_is_viable(&group->device[i]))
			return &group->device[i];
	return NULL;
}

/* SPDX-License-Identifier: BSD-3-Clause */
/* What a probe that fails in the middle leaves of a VFIO device in this process. */
#include "port_pci_left.h"

#include <dirent.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

/* The kernel's names of what VFIO_GROUP_GET_DEVICE_FD and eventfd() open. */
#define DEVICE_FILE "anon_inode:[vfio-device]"
#define EVENT_FILE  "anon_inode:[eventfd]"
#define LINE_SIZE   512

/* --- registers ------------------------------------------------------------------------------- */

static bool next_map(FILE *maps, unsigned long *start, unsigned long *end)
{
	char line[LINE_SIZE];

	while (fgets(line, sizeof(line), maps) != NULL)
		if (strstr(line, DEVICE_FILE) != NULL && sscanf(line, "%lx-%lx", start, end) == 2)
			return true;
	return false;
}

static bool was_mapped(const struct port_pci_left *before, unsigned long start)
{
	for (unsigned int i = 0; i < before->map_count; i++)
		if (before->map_start[i] == start)
			return true;
	/* who has that many ports keeps what is left: better than to take a port's */
	return before->map_count == PORT_PCI_MAPS_MAX;
}

static void find_maps(struct port_pci_left *now)
{
	FILE *maps = fopen("/proc/self/maps", "re");
	unsigned long start, end;

	if (maps == NULL)
		return;
	while (now->map_count < PORT_PCI_MAPS_MAX && next_map(maps, &start, &end))
		now->map_start[now->map_count++] = start;
	fclose(maps);
}

static void drop_maps(const struct port_pci_left *before)
{
	FILE *maps = fopen("/proc/self/maps", "re");
	unsigned long start, end;

	if (maps == NULL)
		return;
	while (next_map(maps, &start, &end))
		if (!was_mapped(before, start))
			munmap((void *)start, end - start);
	fclose(maps);
}

/* --- descriptors ----------------------------------------------------------------------------- */

static bool next_file(DIR *files, int *fd)
{
	const struct dirent *entry;

	while ((entry = readdir(files)) != NULL) {
		*fd = atoi(entry->d_name);
		if (entry->d_name[0] != '.' && *fd < PORT_PCI_FILES_MAX && *fd != dirfd(files))
			return true;
	}
	return false;
}

static void find_files(struct port_pci_left *now)
{
	DIR *files = opendir("/proc/self/fd");
	int fd;

	if (files == NULL)
		return;
	while (next_file(files, &fd))
		now->is_open[fd] = 1;
	closedir(files);
}

static bool is_devices(int fd)
{
	char path[64], name[64];
	ssize_t length;

	snprintf(path, sizeof(path), "/proc/self/fd/%d", fd);
	length = readlink(path, name, sizeof(name) - 1);
	if (length < 0)
		return false;
	name[length] = '\0';
	return strcmp(name, DEVICE_FILE) == 0 || strcmp(name, EVENT_FILE) == 0;
}

static void drop_files(const struct port_pci_left *before)
{
	DIR *files = opendir("/proc/self/fd");
	int fd;

	if (files == NULL)
		return;
	while (next_file(files, &fd))
		if (!before->is_open[fd] && is_devices(fd))
			close(fd);
	closedir(files);
}

void port_pci_left_find(struct port_pci_left *now)
{
	memset(now, 0, sizeof(*now));
	find_maps(now);
	find_files(now);
}

void port_pci_left_drop(const struct port_pci_left *before)
{
	drop_maps(before);
	drop_files(before);
}

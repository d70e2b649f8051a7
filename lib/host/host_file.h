/* SPDX-License-Identifier: BSD-3-Clause */
/* Small files and links of sysfs below a root, which tests put a copy of /sys under. */
#pragma once

#include <stddef.h>
#include <stdint.h>

/** Reads a file's first line without its end; root "" is the machine's own. 0 or -errno. */
int host_read_line(const char *root, const char *path, char *text, size_t size);

/** Reads a number, decimal or 0x; -EINVAL when the file holds something else. */
int host_read_number(const char *root, const char *path, uint64_t *value);

/** Last part of what a link points to ("vfio-pci"); 0 or -errno, -ENOENT: there is no link. */
int host_read_link(const char *root, const char *path, char *name, size_t size);

/**
 * Names in a folder without those that begin with a dot, in alphabetical order; the caller frees
 * them with host_list_free(). 0 or -errno; on failure there is nothing to free.
 */
int host_list(const char *root, const char *path, char ***names, unsigned int *count);
void host_list_free(char **names, unsigned int count);

/* SPDX-License-Identifier: BSD-3-Clause */
/* Counts the kernel's IOMMU tracepoints in a tracefs instance of our own. */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base_error.h"

#define HOST_TRACE_PATH_SIZE 256

/* A tracepoint's hits since the instance was made. */
struct host_trace_event {
	bool is_there; /* false: this kernel does not have it */
	uint64_t count;
	uint64_t bytes; /* sum of its size; 0 for those without one */
};

/* Of the whole machine: whoever maps, through VFIO or in the kernel. */
struct host_trace_counts {
	struct host_trace_event map;	/* iommu:map */
	struct host_trace_event unmap;	/* iommu:unmap */
	struct host_trace_event submit; /* intel_iommu:qi_submit: descriptors to a VT-d unit */
};

struct host_trace;

/**
 * Makes instances/ioplane-<pid> in tracefs and has the kernel add up there; instances of
 * processes that are gone are removed. The caller owns it. -ENOENT: no tracefs; -EACCES: not
 * allowed. Each event costs the kernel about 1 us more under emulation, a fraction on hardware.
 */
int host_trace_create(struct host_trace **out, struct base_error *err);

/** Removes the instance; NULL is fine. */
void host_trace_destroy(struct host_trace *trace);

/** What was counted up to now. 0 or -errno. */
int host_trace_read(const struct host_trace *trace, struct host_trace_counts *out);

/** Where tracefs is mounted, from the text of /proc/mounts; -ENOENT. */
int host_trace_mount(const char *mounts, char *path, size_t size);

/** The sums of a "hist" file: hits, and those of a value (NULL: none). -EINVAL: not such a file. */
int host_trace_sums(const char *text, const char *value, uint64_t *count, uint64_t *bytes);

/** The process of an instance's name, 0: not one of ours. */
int host_trace_owner(const char *name);

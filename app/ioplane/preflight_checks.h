/* SPDX-License-Identifier: BSD-3-Clause */
/* The checks one by one, over a root that tests make: what each looks at and what it needs. */
#pragma once

#include <stddef.h>
#include <stdint.h>

#include "preflight.h"

/* Stretches of addresses that the plan gives to arenas. */
#define PREFLIGHT_WINDOWS_MAX 4

struct preflight_window {
	uint64_t start, limit;
};

/* What the port will ask for. */
struct preflight_need {
	uint64_t ring_bytes, buffer_bytes; /* of DMA memory, mapped at once */
	uint64_t entries;		   /* mappings in the device's domain */
	unsigned int window_count;
	struct preflight_window window[PREFLIGHT_WINDOWS_MAX];
	/* hugemem_pages(), or what a test wants the node to have */
	int (*pages)(size_t page_size, int node, uint64_t *free_pages, uint64_t *total_pages);
};

/* One device under check. */
struct preflight_subject {
	const char *root; /* "" or a folder with a copy of /sys, /proc and /dev */
	const char *text; /* the address as the user wrote it */
	const struct preflight_need *need;
	struct preflight *out;
};

/**
 * Runs all checks in order; the first that fails is told. preflight_check() is this with the
 * machine's own root and the options' need.
 */
int preflight_run(const struct preflight_subject *subject, struct base_error *err);

/* Each returns 0, or -errno with the line to print; those above have passed for those below. */

int preflight_find_device(const struct preflight_subject *subject, struct base_error *err);
int preflight_find_group(const struct preflight_subject *subject, struct base_error *err);
int preflight_check_driver(const struct preflight_subject *subject, struct base_error *err);
int preflight_check_viable(const struct preflight_subject *subject, struct base_error *err);
int preflight_check_files(const struct preflight_subject *subject, struct base_error *err);
int preflight_check_firmware(const struct preflight_subject *subject, struct base_error *err);
int preflight_check_interrupts(const struct preflight_subject *subject, struct base_error *err);
int preflight_check_width(const struct preflight_subject *subject, struct base_error *err);
int preflight_check_entries(const struct preflight_subject *subject, struct base_error *err);
int preflight_check_memlock(const struct preflight_subject *subject, struct base_error *err);
int preflight_check_pages(const struct preflight_subject *subject, struct base_error *err);

/** True when one of the UIO drivers that DPDK uses has it. */
bool preflight_is_uio(const struct host_pci_device *device);

/** Capabilities of this process, a bit each (linux/capability.h), as /proc/self/status says. */
uint64_t preflight_capabilities(const char *root);

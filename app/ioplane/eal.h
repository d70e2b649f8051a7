/* SPDX-License-Identifier: BSD-3-Clause */
/* What ioplane takes out of EAL's arguments, what it adds, and the start of EAL. */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "base_error.h"

#define EAL_DEVICES_MAX 64

#define EAL_ADDED_MAX 12

/* The command line, cut in two. */
struct eal_args {
	int argc; /* EAL's, with the program's name */
	char **argv;
	int option_argc; /* what stands after "--", with the program's name */
	char **option_argv;
	char *added[EAL_ADDED_MAX]; /* strings of ours among EAL's */
	unsigned int added_count;
	/* network vdevs and PCI devices in the order given, which ioplane plugs itself */
	const char *devices[EAL_DEVICES_MAX];
	unsigned int device_count;
	bool asks_help, asks_version;
	bool has_no_huge, has_memory, has_in_memory, has_iova_mode, has_log_level, has_lcores;
	bool is_physical;   /* IOVAs are physical addresses, EAL's mode PA */
	char iova_why[192]; /* the mode, and why it is that one */
	bool has_pci, has_no_pci;
};

/** Cuts argv; -EINVAL for what ioplane does not let EAL do: exit status 2. */
int eal_args_split(int argc, char **argv, struct eal_args *args, struct base_error *err);

/** After rte_eal_cleanup(). */
void eal_args_free(struct eal_args *args);

/* Where EAL's memory comes from (design 3.9). */
struct eal_memory {
	bool is_huge;
	uint64_t needed; /* bytes that EAL should have */
	char why[256];	 /* one clause for the start-up line */
};

/** Settles the IOVA mode: by the user's word, else by what the devices are bound to. */
void eal_choose_iova(struct eal_args *args);

/** Decides on huge pages from what is free. */
void eal_choose_memory(const struct eal_args *args, uint64_t needed, struct eal_memory *memory);

/** Settles the IOVA mode, completes the arguments and starts EAL. */
int eal_start(struct eal_args *args, const struct eal_memory *memory, struct base_error *err);

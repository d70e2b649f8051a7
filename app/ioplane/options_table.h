/* SPDX-License-Identifier: BSD-3-Clause */
/* The table of options: a name, its argument, where it goes and one line of help. */
#pragma once

#include <stdint.h>

#include "base_error.h"

enum option_kind {
	OPTION_FLAG, /* target: bool, set to true */
	OPTION_U16,  /* target: uint16_t within min..max */
	OPTION_U32,  /* target: uint32_t within min..max */
	OPTION_TEXT, /* target: const char * */
	OPTION_CALL, /* call(argument, err) */
};

struct option_def {
	const char *name;
	char letter;	      /* short form, 0: none */
	const char *argument; /* how help names it, NULL: takes none */
	const char *help;
	enum option_kind kind;
	void *target;
	uint32_t min, max;
	int (*call)(const char *argument, struct base_error *err);
};

/** All options; the entry after the last has no name. */
extern const struct option_def option_defs[];

/** Where the targets point; options_get() shows it read-only. */
struct options;
extern struct options option_values;

/** A whole number (0x allowed) within min..max; -EINVAL for anything else. */
int option_number(const char *text, uint64_t min, uint64_t max, uint64_t *number);

/** A hexadecimal mask, with 0x or without, of at least one bit; -EINVAL for anything else. */
int option_mask(const char *text, uint64_t *mask);

/* SPDX-License-Identifier: BSD-3-Clause */
/* What --replay and --capture say: "PORT,file=F,key=value". */
#pragma once

#include <limits.h>
#include <stdbool.h>
#include <stdint.h>

#include "base_error.h"

struct spec {
	uint16_t port;
	bool is_off;	     /* "PORT,off": undo what was set */
	char file[PATH_MAX]; /* as given; a comma ends it */
	uint64_t loops;	     /* 0: for ever */
};

/** "PORT,file=F[,loop=N][,topspeed]" or "PORT,off". -EINVAL with the reason in err. */
int spec_parse_replay(const char *text, struct spec *spec, struct base_error *err);

/** "PORT,file=F" or "PORT,off". -EINVAL with the reason in err. */
int spec_parse_capture(const char *text, struct spec *spec, struct base_error *err);

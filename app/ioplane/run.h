/* SPDX-License-Identifier: BSD-3-Clause */
/* One run of the program once EAL is there: ports, commands or forwarding, report. */
#pragma once

#include "base_error.h"
#include "eal.h"

/** Before EAL: files that cannot be written are told before any work. */
int run_check_outputs(struct base_error *err);

/** Plugs, configures and starts the ports, and prints the start-up line. */
int run_prepare(const struct eal_args *args, const struct eal_memory *memory,
		struct base_error *err);

/** Commands, or forwarding until it ends. -ECANCELED: a command failed and has been reported. */
int run_all(struct base_error *err);

/** Stops what runs and writes the report. */
int run_finish(struct base_error *err);

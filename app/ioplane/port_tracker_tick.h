/* SPDX-License-Identifier: BSD-3-Clause */
/* A thread that closes the trackers' windows once a second. */
#pragma once

#include "base_error.h"

/** Starts it when it does not run yet. Main lcore. */
int port_tracker_tick_start(struct base_error *err);

/* SPDX-License-Identifier: BSD-3-Clause */
/* What happens on the main lcore between the begin hooks and the launch. */
#pragma once

#include "base_error.h"

/**
 * Lets frames wait for buffers while a port replays, and be missed as on other NICs otherwise.
 * Ports whose devargs say `pause` keep what they say; others than dmanic are left alone.
 */
void forward_pause(void);

/** Takes what waits in the receive queues, counts and frees it. */
void forward_flush(void);

/** Sends n bursts on each transmit queue of each forwarding port. */
int forward_send_first(unsigned int n, struct base_error *err);

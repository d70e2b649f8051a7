/* SPDX-License-Identifier: BSD-3-Clause */
/* The links of ports: waited for where a wire takes its time, checked where it is a cable. */
#pragma once

#include "base_error.h"

/**
 * Waits up to a few seconds until the links of started PCI ports are up; says for which after a
 * second, and goes on with a warning. A port waited for in vain is not waited for again before
 * its link has been up. Ends early when the program is told to. Main lcore.
 */
void port_link_wait(void);

/** -ENODEV with the next step when a started net_dmanic has no other end of its cable. */
int port_link_check_cables(struct base_error *err);

/* SPDX-License-Identifier: BSD-3-Clause */
/* Loads a capture for a port, with progress on a terminal. */
#pragma once

#include <stdint.h>

#include "base_error.h"

struct port;
struct replay_store;

/** Largest frame, without FCS, that fits the port's MTU with two VLAN tags. */
uint16_t port_replay_frame_max(const struct port *port);

/**
 * Loads a file for the port's device to read, and says what of it will not be sent. The caller
 * owns the store. Errors of replay_store_create(). Main lcore; SIGINT ends it.
 */
int port_replay_load(struct port *port, const char *path, uint16_t frame_max,
		     struct replay_store **out, struct base_error *err);

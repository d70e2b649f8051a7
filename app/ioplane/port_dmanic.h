/* SPDX-License-Identifier: BSD-3-Clause */
/* A net_dmanic's place: a unit in software, from the devargs "unit" and "levels". */
#pragma once

#include "base_error.h"
#include "port.h"

/** Gives port->device a domain behind the unit that its devargs name. */
int port_dmanic_attach(struct port *port, struct base_error *err);

/** The devargs that its driver gets: the user's and eal-memory=no (design 3.11). */
int port_dmanic_arguments(const struct port *port, char *text, size_t size, struct base_error *err);

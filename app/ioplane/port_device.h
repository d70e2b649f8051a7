/* SPDX-License-Identifier: BSD-3-Clause */
/* A port's device: its unit and domain before it is plugged, and the plugging itself. */
#pragma once

#include "base_error.h"
#include "port.h"

/**
 * For a net_dmanic: finds or makes its unit and its domain, attaches it there and makes its
 * memory. Nothing for other devices. On failure nothing is left behind.
 */
int port_device_attach(struct port *port, struct base_error *err);

/** Undoes port_device_attach(), but for the memory; domain and unit go with their last user. */
void port_device_detach(struct port *port);

/** Plugs the device of port->devargs into EAL; *id is its ethdev. */
int port_device_plug(struct port *port, uint16_t *id, struct base_error *err);
int port_device_unplug(struct port *port, struct base_error *err);

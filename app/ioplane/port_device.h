/* SPDX-License-Identifier: BSD-3-Clause */
/* A port's device: its unit and domain before it is plugged, and the plugging itself. */
#pragma once

#include "base_error.h"
#include "port.h"

/** By its name, the part of "name[,args]" before the comma; opens nothing. Any time. */
enum port_kind port_device_kind(const char *devargs);

/** "name[,args]" as port->devargs has it: a PCI address in full. -EINVAL: longer than size. */
int port_device_canonical(const char *devargs, char *text, size_t size);

/** What stands after the name in port->devargs, "" for nothing. */
const char *port_device_arguments(const struct port *port);

/**
 * For a net_dmanic or a PCI device: finds or makes its unit and its domain, attaches it there and
 * makes its memory. Nothing for other devices. On failure nothing is left behind.
 */
int port_device_attach(struct port *port, struct base_error *err);

/** Undoes port_device_attach(), but for the memory; domain and unit go with their last user. */
void port_device_detach(struct port *port);

/**
 * From hush to unhush EAL keeps its errors to itself, unless the user asked for its log: they add
 * to what the driver and we say, and closing a port that never started gives one.
 */
int port_device_hush_eal(void);
void port_device_unhush_eal(int level);

/** Plugs the device of port->devargs into EAL; *id is its ethdev. */
int port_device_plug(struct port *port, uint16_t *id, struct base_error *err);
int port_device_unplug(struct port *port, struct base_error *err);

/* SPDX-License-Identifier: BSD-3-Clause */
/* What the parsers of the vendors' lines share. */
#pragma once

#include "host_kmsg.h"

/** What follows `key` in a text, or NULL. */
const char *host_kmsg_after(const char *text, const char *key);

/** The number after `key`, hexadecimal with or without 0x; false: not there. */
bool host_kmsg_hex(const char *text, const char *key, uint64_t *value);

/** "02:00.0" or "0000:02:00.0" at the start of text as a full address; false: not one. */
bool host_kmsg_device(const char *text, char *device, size_t size);

/** Fills fault and returns true when the message is a whole fault of that kind. */
bool host_kmsg_intel(const char *message, struct host_kmsg_fault *fault);
bool host_kmsg_amd(const char *message, struct host_kmsg_fault *fault);
bool host_kmsg_smmuv2(const char *message, struct host_kmsg_fault *fault);

/** The same for SMMUv3, whose faults have several lines; at most one is complete by a line. */
bool host_kmsg_smmuv3(struct host_kmsg_event *event, const char *message,
		      struct host_kmsg_fault *fault);

/** The event with what is known of it, and forgets it; false: there is none that is whole. */
bool host_kmsg_smmuv3_flush(struct host_kmsg_event *event, struct host_kmsg_fault *fault);

/* SPDX-License-Identifier: BSD-3-Clause */
/* Writes pcapng: a section with one Ethernet interface and its packets. */
#pragma once

#include <stdint.h>
#include <stdio.h>

/** Writes the section header and the interface, whose times are in ns; -errno of the stream. */
int replay_pcapng_begin(FILE *stream);

/** Writes an enhanced packet block; -errno of the stream. */
int replay_pcapng_add(FILE *stream, uint64_t time_ns, const void *data, uint32_t size);

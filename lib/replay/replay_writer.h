/* SPDX-License-Identifier: BSD-3-Clause */
/* Writes frames to a capture file: pcap, or pcapng when the name ends in .pcapng. */
#pragma once

#include <stdint.h>

#include "base_error.h"

struct replay_writer;

/**
 * Creates or replaces the file; times are in nanoseconds, the link type is Ethernet.
 * err: one line with the cause, as open(). One thread uses a writer at a time.
 */
int replay_writer_open(const char *path, struct replay_writer **out, struct base_error *err);

/** Appends a frame of at most 256 KiB; -errno of the file (-ENOSPC ...), and then ever after. */
int replay_writer_add(struct replay_writer *writer, uint64_t time_ns, const void *data,
		      uint32_t size);

/** Hands what is buffered to the kernel. */
int replay_writer_flush(struct replay_writer *writer);

/** Frames and their bytes written so far. */
uint64_t replay_writer_packets(const struct replay_writer *writer);
uint64_t replay_writer_bytes(const struct replay_writer *writer);

/** Flushes and closes; the first error of all in err. The writer is gone in any case. */
int replay_writer_close(struct replay_writer *writer, struct base_error *err);

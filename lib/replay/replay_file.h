/* SPDX-License-Identifier: BSD-3-Clause */
/* Reads the frames of an Ethernet capture (pcap or pcapng) in order, and refuses damaged ones. */
#pragma once

#include <stdint.h>
#include <stdio.h>

#include "base_error.h"

struct replay_file;

struct replay_record {
	const uint8_t *data; /* the reader's, good until the next record is read */
	uint32_t size;	     /* bytes stored; 0 is possible */
	uint32_t wire_size;  /* bytes that the frame had on the wire */
	uint64_t time_ns;    /* since 1970 */
};

/**
 * Opens a regular file with libpcap: pcap or pcapng, micro- or nanosecond, either byte order.
 * err: one line with what is wrong and the next step. -ENOENT, -EACCES and so on as open();
 * -EINVAL no regular file; -ENODATA empty; -EBADMSG no capture; -ENOTSUP not Ethernet.
 */
int replay_file_open(const char *path, struct replay_file **out, struct base_error *err);

/** The same from a stream that can seek, called `name` in messages. Takes the stream over. */
int replay_file_open_stream(FILE *stream, const char *name, struct replay_file **out,
			    struct base_error *err);

/**
 * Reads the next record: 1, or 0 at the end, or -EBADMSG for one that is damaged: it is cut off by
 * the file's end, or holds more than the file's snapshot length or 256 KiB. Nothing after it is
 * read. Records of zero bytes are returned: what to do with them is the caller's.
 */
int replay_file_next(struct replay_file *file, struct replay_record *record,
		     struct base_error *err);

/** Bytes of the file that have been read, and its size: for progress. */
uint64_t replay_file_position(struct replay_file *file);
uint64_t replay_file_size(const struct replay_file *file);

void replay_file_close(struct replay_file *file);

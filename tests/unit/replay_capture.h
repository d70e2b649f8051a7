/* SPDX-License-Identifier: BSD-3-Clause */
/* Captures made for tests: numbered UDP frames of any size, flow and fragmentation. */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "replay_store.h"

struct capture_frame {
	uint32_t size;	   /* whole frame; the bytes after the headers follow from the number */
	uint32_t hosts[2]; /* IPv4 addresses, source first; both 0: not IP */
	uint16_t ports[2];
	bool is_fragment; /* not the first one of its datagram: no ports inside */
};

/** The bytes of frame `number`; returns its size. The buffer holds frame->size bytes. */
uint32_t capture_frame_build(const struct capture_frame *frame, uint32_t number, uint8_t *bytes);

/** Writes frames to a new file, whose name the caller removes and frees. */
char *capture_write(const struct capture_frame *frames, size_t count);

/** Loads frames as the config says, its path apart, from a file that is gone afterwards. */
struct replay_store *capture_load(const struct capture_frame *frames, size_t count,
				  struct replay_store_config config);

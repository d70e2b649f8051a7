/* SPDX-License-Identifier: BSD-3-Clause */
/* A capture preloaded into mbufs, sent again and again without copies. */
#pragma once

#include <stdint.h>

#include <rte_mbuf.h>

#include "base_error.h"
#include "replay_memory.h"

/* Times that a frame is sent before its reference count is raised again. */
#define REPLAY_CREDITS 16384

struct replay_store;

struct replay_store_config {
	const char *path;
	uint16_t frame_max;    /* largest frame that the path takes, bytes without FCS */
	uint16_t segment_size; /* larger frames become chains of segments of this size */
	struct replay_memory_config memory;
	/* Called now and then with file bytes handled, of a total; not 0: give up. May be NULL. */
	int (*progress)(void *arg, uint64_t done, uint64_t total);
	void *arg;
};

/* What was found in the file. */
struct replay_info {
	uint64_t records;
	uint64_t frames;       /* that are sent: records less the next two */
	uint64_t frame_bytes;  /* of those */
	uint64_t empty;	       /* records of zero bytes: there is nothing to send */
	uint64_t oversize;     /* above frame_max: counted, never cut */
	uint64_t largest;      /* bytes of the largest record */
	uint64_t segments;     /* mbufs */
	uint64_t memory_bytes; /* data and mbufs */
};

/**
 * Loads all frames of a file; the caller owns the store. Main lcore. Memory is checked before it
 * is taken. One line in err: as replay_file_open() and replay_file_next(); -ENODATA nothing to
 * send; -ENOMEM; -EAGAIN the file changed meanwhile; -ECANCELED progress() gave up.
 */
int replay_store_create(const struct replay_store_config *config, struct replay_store **out,
			struct base_error *err);

/** Every frame must have been freed by the drivers, and no share in use: -EBUSY. */
int replay_store_destroy(struct replay_store *store);

const struct replay_info *replay_store_info(const struct replay_store *store);

/** Why its pages are smaller than asked for, or "". */
const char *replay_store_step_back(const struct replay_store *store);

/** The frame of this number, in the order of the file; the store's. */
struct rte_mbuf *replay_store_frame(const struct replay_store *store, uint64_t index);

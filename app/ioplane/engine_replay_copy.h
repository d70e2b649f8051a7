/* SPDX-License-Identifier: BSD-3-Clause */
/* Replay under strict and deferred: each frame goes out in a buffer of its own (design 3.5). */
#pragma once

#include "base_error.h"
#include "replay_share.h"

struct stream;

/**
 * Makes the buffers that a stream copies the frames of its share into; the stream then runs on
 * its own, and calls end() when all were sent. -EINVAL: the driver takes no frame so long.
 */
int replay_copy_begin(struct stream *stream, struct replay_share *share,
		      void (*end)(struct stream *stream, struct replay_share *share),
		      struct base_error *err);

/** Frees the buffers, those of frames that wait, too. */
void replay_copy_end(struct stream *stream);

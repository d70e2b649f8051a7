/* SPDX-License-Identifier: BSD-3-Clause */
/* Frames that a source sends: of one length, or those of a capture. */
#pragma once

#include <rte_mbuf.h>

/** Ethernet frames of `size` bytes from a pool, in segments where one does not hold them. */
struct rte_mbuf *accuracy_frame_make(struct rte_mempool *pool, unsigned int size);

/**
 * All Ethernet frames of a capture that a port takes, in order; *count says how many. The
 * caller owns the array and the mbufs. Ends the program where the file cannot be read.
 */
struct rte_mbuf **accuracy_frames_read(struct rte_mempool *pool, const char *path,
				       unsigned int *count);

/* SPDX-License-Identifier: BSD-3-Clause */
/* What an LRU IOTLB of any size would miss: the average-eviction-time model, composed. */
#pragma once

#include <stdint.h>

#include "iotlb_reuse.h"

/*
 * Hu et al., "Kinetic Modeling of Data Eviction in Cache" (ATC 2016). P(t) is the share of accesses
 * whose reuse time is above t. An IOTLB of C entries evicts what was not used for T accesses, where
 * the P(x) of all x < T add up to C; so it misses P(T).
 *
 * Those that share an IOTLB are composed by their rates, as if their pages had nothing to do with
 * each other. Reuse times that were not seen to their end (iotlb_reuse.fresh) enter as Kaplan and
 * Meier estimate survival. Cold accesses miss at every size.
 */
struct iotlb_load { /* one of those that share it */
	const struct iotlb_reuse *reuse;
	double weight; /* its share of all accesses, 0 to 1; they add up to 1 */
	double scale;  /* its reuse times x scale = times counted in accesses of all */
};

/** The eviction time of an IOTLB, in accesses of all; INFINITY when all fits. NAN: no memory. */
double iotlb_eviction_time(const struct iotlb_load *loads, unsigned int n, uint32_t entries);

/** P(time): the miss ratio of one load, with time in accesses of all; 0 when it has none. */
double iotlb_miss_ratio(const struct iotlb_load *load, double time);

/**
 * The smallest number of entries with which at most `ratio` of those accesses miss that are not the
 * first to their page; 0 without accesses.
 */
uint64_t iotlb_entries_for(const struct iotlb_load *loads, unsigned int n, double ratio);

/* SPDX-License-Identifier: BSD-3-Clause */
/* The truth of the accuracy benchmark: an LRU list of keys, as simple as it can be. */
#pragma once

#include <stdbool.h>
#include <stdint.h>

struct accuracy_lru;

/** capacity is at least 1; NULL: out of memory. */
struct accuracy_lru *accuracy_lru_create(uint32_t capacity);
void accuracy_lru_destroy(struct accuracy_lru *lru);

/** Uses a key: true, it was there; false, it is now, in place of the one used longest ago. */
bool accuracy_lru_use(struct accuracy_lru *lru, uint64_t key);

/* SPDX-License-Identifier: BSD-3-Clause */
/* The RSS key of a receiver. */
#pragma once

#include "dmanic_device.h"

/** Computes the tables for a key; under the wire lock. */
void dmanic_rss_key_set(struct dmanic_filter *filter, const uint8_t key[DMANIC_KEY_SIZE]);

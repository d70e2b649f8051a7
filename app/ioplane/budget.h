/* SPDX-License-Identifier: BSD-3-Clause */
/* What a run needs of huge pages, table entries, queues and buffers, before anything is touched. */
#pragma once

#include <stdint.h>

#include "base_error.h"
#include "eal.h"

/** Bytes that EAL's own memory should have for these devices. */
uint64_t budget_eal_memory(const struct eal_args *args);

/** --dry-run: prints the budget; 0, or -ENOMEM and so on when the run would fail. */
int budget_check(struct eal_args *args, struct base_error *err);

/** -ENOMEM when a run with this memory would use up the machine's: asked before EAL takes it. */
int budget_check_memory(const struct eal_args *args, const struct eal_memory *memory,
			struct base_error *err);

/* SPDX-License-Identifier: BSD-3-Clause */
/* Accesses of a real device, and what became of them. */
#pragma once

#include "contract.h"

/** The byte that the device reads at iova, -1: refused. */
int hardware_read(struct contract *c, uint64_t iova);

/** Whether all of a range is read; what is read must be what the ledger says is there. */
bool hardware_reads(struct contract *c, uint64_t iova, uint32_t len);

/** Whether all of a range is written; nothing else of the memory may change, and it is restored. */
bool hardware_writes(struct contract *c, uint64_t iova, uint32_t len);

/** Writes with a device that need not be attached: whether any of the memory changed. */
bool hardware_disturbs(struct contract *c, struct edu *edu, uint64_t iova, uint32_t len);

/** Maps a page for the device behind the ledger's back, so that it can be filled from there. */
void hardware_fill(struct contract *c, struct edu *edu);

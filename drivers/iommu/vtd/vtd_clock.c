/* SPDX-License-Identifier: BSD-3-Clause */
/* Tells whether one thread translates or several: the order of uses is exact only for one. */
#include "vtd_translate.h"

/* A unit may go from one thread to another at most once in so many uses and stay exact. */
#define HANDOVER_USES 65536
/* In a shared unit a thread looks once in so many bursts who looked last ... */
#define LOOK_BURSTS 64
/* ... and has it to itself when it was itself so many times. */
#define LOOKS_ALONE 16
/* Of the entries in a shared unit so many ages are told apart. */
#define AGES 8

static bool is_alone(struct vtd_translator *vtd, uintptr_t user)
{
	if (++vtd->shared_bursts % LOOK_BURSTS != 0)
		return false;
	if (__atomic_exchange_n(&vtd->unit->last_user, user, __ATOMIC_RELAXED) != user)
		vtd->alone = 0;
	else
		vtd->alone++;
	return vtd->alone >= LOOKS_ALONE;
}

void vtd_clock_claim(struct vtd_translator *vtd, struct vtd_burst *burst, uintptr_t user)
{
	struct vtd_unit *unit = vtd->unit;
	uintptr_t now = __atomic_load_n(&unit->user, __ATOMIC_RELAXED);
	uint64_t since = burst->clock - __atomic_load_n(&unit->handover, __ATOMIC_RELAXED);
	bool is_mine = now == VTD_USER_SHARED ? is_alone(vtd, user) : since >= HANDOVER_USES;

	vtd->alone = is_mine ? 0 : vtd->alone;
	if (is_mine)
		__atomic_store_n(&unit->handover, burst->clock, __ATOMIC_RELAXED);
	if (is_mine || now != VTD_USER_SHARED)
		__atomic_store_n(&unit->user, is_mine ? user : VTD_USER_SHARED, __ATOMIC_RELAXED);
	burst->tick = is_mine;
}

/*
 * A stamp for each use, or even for each burst, moves a cache line between the threads for nearly
 * every hit (measured: 79 cycles a hit, against 9 without). The order of uses only matters to
 * fills, so they drive the clock of a shared unit: an entry is stamped once in so many fills.
 */
void vtd_clock_fill(struct vtd_translator *vtd, struct vtd_burst *burst)
{
	const struct vtd_iotlb *iotlb = &vtd->unit->iotlb;

	if (!iotlb->is_lru || ++vtd->shared_fills < iotlb->geometry.entries / AGES)
		return;
	vtd->shared_fills = 0;
	burst->clock = __atomic_add_fetch(&vtd->unit->clock, 1, __ATOMIC_RELAXED);
}

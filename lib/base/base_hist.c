/* SPDX-License-Identifier: BSD-3-Clause */
/* Merges histograms and reads quantiles from them. */
#include "base_hist.h"

static uint64_t bucket_upper_end(unsigned int index)
{
	const unsigned int steps = 1u << BASE_HIST_SUB_BITS;

	if (index < steps)
		return index;
	unsigned int shift = (index >> BASE_HIST_SUB_BITS) - 1;

	return ((uint64_t)(steps + index % steps) << shift) + ((UINT64_C(1) << shift) - 1);
}

void base_hist_merge(struct base_hist *into, const struct base_hist *from)
{
	uint64_t max = base_hist_read(&from->max);

	base_hist_bump(&into->count, base_hist_read(&from->count));
	base_hist_bump(&into->sum, base_hist_read(&from->sum));
	if (max > into->max)
		__atomic_store_n(&into->max, max, __ATOMIC_RELAXED);
	for (unsigned int i = 0; i < BASE_HIST_BUCKETS; i++)
		base_hist_bump(&into->bucket[i], base_hist_read(&from->bucket[i]));
}

void base_hist_subtract(struct base_hist *from, const struct base_hist *before)
{
	uint64_t end = 0;

	from->count -= before->count;
	from->sum -= before->sum;
	for (unsigned int i = 0; i < BASE_HIST_BUCKETS; i++) {
		from->bucket[i] -= before->bucket[i];
		if (from->bucket[i] != 0)
			end = bucket_upper_end(i);
	}
	if (end < from->max)
		from->max = end;
}

uint64_t base_hist_quantile(const struct base_hist *hist, uint32_t ppm)
{
	uint64_t count = base_hist_read(&hist->count);
	uint64_t max = base_hist_read(&hist->max);
	uint64_t seen = 0, need;

	if (count == 0)
		return 0;
	need = (uint64_t)(((unsigned __int128)count * ppm + 999999) / 1000000);
	if (need == 0)
		need = 1;
	for (unsigned int i = 0; i < BASE_HIST_BUCKETS; i++) {
		seen += base_hist_read(&hist->bucket[i]);
		if (seen >= need) {
			uint64_t end = bucket_upper_end(i);

			return end < max ? end : max;
		}
	}
	return max;
}

uint64_t base_hist_mean(const struct base_hist *hist)
{
	uint64_t count = base_hist_read(&hist->count);

	return count == 0 ? 0 : base_hist_read(&hist->sum) / count;
}

/* SPDX-License-Identifier: BSD-3-Clause */
/* The fault log of a domain, and what each fault reason means. */
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

#include "iommu_ops.h"

/* VT-d specification, fault reason encodings; worded as Linux's dmar.c words them. */
static const char *const texts[256] = {
	[0x00] = "Software",
	[0x01] = "Present bit in root entry is clear",
	[0x02] = "Present bit in context entry is clear",
	[0x03] = "Invalid context entry",
	[0x04] = "Access beyond MGAW",
	[0x05] = "PTE Write access is not set",
	[0x06] = "PTE Read access is not set",
	[0x07] = "Next page table ptr is invalid",
	[0x08] = "Root table address invalid",
	[0x09] = "Context table ptr is invalid",
	[0x0a] = "non-zero reserved fields in RTP",
	[0x0b] = "non-zero reserved fields in CTP",
	[0x0c] = "non-zero reserved fields in PTE",
	[0x0d] = "PCE for translation request specifies blocking",
	[0x20] = "Detected reserved fields in the decoded interrupt-remapped request",
	[0x21] = "Interrupt index exceeded the interrupt-remapping table size",
	[0x22] = "Present field in the IRTE entry is clear",
	[0x23] = "Error accessing interrupt-remapping table pointed by IRTA_REG",
	[0x24] = "Detected reserved fields in the IRTE entry",
	[0x25] = "Blocked a compatibility format interrupt request",
	[0x26] = "Blocked an interrupt request due to source-id verification failure",
	[IOMMU_REASON_OTHER] = "none of VT-d's: the fault's text says it",
	[IOMMU_REASON_NO_MEMORY] = "no memory at this address",
};

static bool is_log_watched; /* control threads: write, relaxed; any: read */

const char *iommu_fault_text(uint8_t reason)
{
	return texts[reason] != NULL ? texts[reason] : "Unknown";
}

const char *iommu_fault_words(const struct iommu_fault *fault)
{
	return fault->text[0] != '\0' ? fault->text : iommu_fault_text(fault->reason);
}

void iommu_faults_watch(bool is_watched)
{
	__atomic_store_n(&is_log_watched, is_watched, __ATOMIC_RELAXED);
}

enum iommu_fault_source iommu_faults_source(const struct iommu_domain *domain)
{
	/* Real devices have no translators: their unit refuses without our seeing it. */
	if (domain->unit->ops->translator_create != NULL)
		return IOMMU_FAULTS_EXACT;
	/* Where no IOMMU stands before them, nothing is refused. */
	if (!domain->unit->limits.is_protected)
		return IOMMU_FAULTS_UNSEEN;
	return __atomic_load_n(&is_log_watched, __ATOMIC_RELAXED) ? IOMMU_FAULTS_LOG
								  : IOMMU_FAULTS_UNSEEN;
}

const char *iommu_fault_source_name(enum iommu_fault_source source)
{
	static const char *const names[] = {"n/a", "exact", "log"};

	return names[source];
}

/* Writes one entry: all but time and device, which are filled in here, as `what` has it. */
static void record(const struct iommu_device *device, const struct iommu_fault *what)
{
	struct iommu_fault_log *log = &device->domain->faults;
	uint8_t reason = what->reason;
	struct iommu_fault *fault;
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	rte_spinlock_lock(&log->lock);
	fault = &log->last[log->total % IOMMU_FAULT_LOG];
	*fault = *what;
	fault->time_ns = (uint64_t)now.tv_sec * 1000000000 + (uint64_t)now.tv_nsec;
	memcpy(fault->device, device->name, sizeof(fault->device));
	fault->source_id = device->source_id;
	__atomic_store_n(&log->by_reason[reason], log->by_reason[reason] + 1, __ATOMIC_RELAXED);
	__atomic_store_n(&log->total, log->total + 1, __ATOMIC_RELAXED);
	rte_spinlock_unlock(&log->lock);
}

void iommu_report_fault(struct iommu_translator *translator, uint64_t iova, uint32_t access,
			uint8_t reason)
{
	const struct iommu_fault fault = {.iova = iova,
					  .queue = translator->queue,
					  .is_rx = translator->is_rx,
					  .access = (uint8_t)access,
					  .reason = reason};

	record(translator->device, &fault);
}

int iommu_report_device_fault(const char *device, uint64_t iova, uint32_t access, uint8_t reason,
			      const char *text)
{
	const struct iommu_device *found = iommu_device_find(device);
	struct iommu_fault fault = {.iova = iova,
				    .queue = IOMMU_QUEUE_UNKNOWN,
				    .access = (uint8_t)access,
				    .reason = reason};

	if (found == NULL)
		return -ENODEV;
	snprintf(fault.text, sizeof(fault.text), "%s", text);
	record(found, &fault);
	return 0;
}

unsigned int iommu_faults(struct iommu_domain *domain, struct iommu_fault *faults, unsigned int max)
{
	struct iommu_fault_log *log = &domain->faults;
	unsigned int count;

	rte_spinlock_lock(&log->lock);
	count = log->total < IOMMU_FAULT_LOG ? (unsigned int)log->total : IOMMU_FAULT_LOG;
	if (count > max)
		count = max;
	for (unsigned int i = 0; i < count; i++)
		faults[i] = log->last[(log->total - count + i) % IOMMU_FAULT_LOG];
	rte_spinlock_unlock(&log->lock);
	return count;
}

uint64_t iommu_faults_total(const struct iommu_domain *domain)
{
	return __atomic_load_n(&domain->faults.total, __ATOMIC_RELAXED);
}

uint64_t iommu_faults_of_reason(const struct iommu_domain *domain, uint8_t reason)
{
	return __atomic_load_n(&domain->faults.by_reason[reason], __ATOMIC_RELAXED);
}

void iommu_faults_clear(struct iommu_domain *domain)
{
	struct iommu_fault_log *log = &domain->faults;

	rte_spinlock_lock(&log->lock);
	__atomic_store_n(&log->total, 0, __ATOMIC_RELAXED);
	for (unsigned int reason = 0; reason < 256; reason++)
		__atomic_store_n(&log->by_reason[reason], 0, __ATOMIC_RELAXED);
	rte_spinlock_unlock(&log->lock);
}

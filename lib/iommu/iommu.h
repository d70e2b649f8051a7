/* SPDX-License-Identifier: BSD-3-Clause */
/* The generic IOMMU layer: units, domains, attached devices, map and unmap (Linux: iommu.c). */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base_error.h"

/* Access rights of a mapping, and the kind of one access. */
#define IOMMU_READ  (1u << 0)
#define IOMMU_WRITE (1u << 1)

#define IOMMU_PAGE_SIZE 4096 /* the smallest page; addresses and sizes are multiples of it */

/* Fault reasons that the VT-d specification keeps reserved: of units that do not translate, ... */
#define IOMMU_REASON_NO_MEMORY 0xff
/* ... and of hardware that has none of VT-d's: the fault's text says it. */
#define IOMMU_REASON_OTHER 0xfe

#define IOMMU_QUEUE_UNKNOWN UINT16_MAX /* of a fault: hardware tells the device only */

#define IOMMU_NAME_SIZE 64
#define IOMMU_FAULT_LOG 256 /* faults kept per domain */
#define IOMMU_HOLES_MAX 16

struct iommu_ops;
struct iommu_unit;
struct iommu_domain;
struct iommu_device;

/* What a unit can do; found once, at creation. */
struct iommu_limits {
	uint64_t page_sizes;	 /* bit n set: leaves of 2^n bytes */
	uint64_t entries_limit;	 /* mappings a domain can hold, 0: no limit known */
	uint8_t addr_bits;	 /* IOVAs are below 2^addr_bits */
	bool is_protected;	 /* false: devices reach memory without translation */
	bool write_implies_read; /* what is mapped for writing only, devices may be able to read */
	bool unmap_syncs;	 /* each unmap invalidates by itself: gathering saves nothing */
	uint8_t hole_count;	 /* ranges that cannot be mapped (the MSI window) */
	struct {
		uint64_t iova;
		uint64_t size;
	} hole[IOMMU_HOLES_MAX];
};

/* --- units: one instance of a backend ------------------------------------------------------ */

/**
 * Creates a unit of a backend and registers it under `id`; the caller owns it.
 * config is the backend's own struct (NULL: its defaults). Control threads only, as all
 * functions here that do not say otherwise. -EEXIST when the backend has a unit of this id.
 */
int iommu_unit_create(const struct iommu_ops *ops, unsigned int id, const void *config,
		      struct iommu_unit **out, struct base_error *err);

/** -EBUSY while it has domains. */
int iommu_unit_destroy(struct iommu_unit *unit);

/** The unit of this backend and id, or NULL. */
struct iommu_unit *iommu_unit_find(const struct iommu_ops *ops, unsigned int id);

const char *iommu_unit_backend(const struct iommu_unit *unit);
unsigned int iommu_unit_id(const struct iommu_unit *unit);
const struct iommu_limits *iommu_unit_limits(const struct iommu_unit *unit);

/**
 * Says that a software unit may reach [vaddr, vaddr + size) as physical memory at pa
 * (in its own process pa is vaddr). -ENOTSUP where the hardware decides that by itself.
 * -EINVAL no memory, -ENXIO not aligned to 4 KiB, -EEXIST known already, -ENOENT (remove).
 */
int iommu_memory_add(struct iommu_unit *unit, uint64_t pa, void *vaddr, size_t size);
int iommu_memory_remove(struct iommu_unit *unit, uint64_t pa, size_t size);

/* --- domains: one translation, shared by the devices attached to it ------------------------- */

struct iommu_domain_config {
	uint8_t levels; /* 3, 4 or 5; 0: the unit's default */
};

int iommu_domain_create(struct iommu_unit *unit, const struct iommu_domain_config *config,
			struct iommu_domain **out, struct base_error *err);

/** Unmaps what is left. -EBUSY while devices are attached. */
int iommu_domain_destroy(struct iommu_domain *domain);

uint32_t iommu_domain_id(const struct iommu_domain *domain);
struct iommu_unit *iommu_domain_unit(const struct iommu_domain *domain);
/** Its IOVAs are below 2^this: the unit's width, or less with fewer levels. */
uint8_t iommu_domain_addr_bits(const struct iommu_domain *domain);

/** All domains of the process in the order of their ids: the one after `prev`, NULL: the first. */
struct iommu_domain *iommu_domain_next(const struct iommu_domain *prev);

/* --- devices -------------------------------------------------------------------------------- */

/**
 * Attaches the device of this name (vdev name or PCI address) to a domain. source_id is its
 * requester id (bus << 8 | devfn). -EEXIST: attached already. -EBUSY: source id in use.
 */
int iommu_attach(struct iommu_domain *domain, const char *name, uint16_t source_id,
		 struct iommu_device **out, struct base_error *err);

/** Its DMA is refused from now on. -EBUSY while it has translators. */
int iommu_detach(struct iommu_device *device);

/** The attached device of this name, or NULL: how a driver finds out that it has a domain. */
struct iommu_device *iommu_device_find(const char *name);

const char *iommu_device_name(const struct iommu_device *device);
uint16_t iommu_device_source_id(const struct iommu_device *device);
struct iommu_domain *iommu_device_domain(const struct iommu_device *device);

/** The domain's devices in turn: the one after `prev`, NULL: the first. */
struct iommu_device *iommu_device_next(const struct iommu_domain *domain,
				       const struct iommu_device *prev);

/* --- mappings ------------------------------------------------------------------------------- */

struct iommu_mapping {
	uint64_t iova;
	void *vaddr;
	uint64_t size;
	uint64_t page_size; /* largest leaf the memory allows */
	uint32_t prot;
};

/* Unmaps whose invalidation is still to come; one owner, on its stack or in its queue. */
struct iommu_gather {
	uint64_t start; /* lowest IOVA unmapped */
	uint64_t last;	/* highest IOVA unmapped */
	uint64_t pages; /* leaves unmapped */
	uint32_t count; /* unmaps gathered; 0: nothing to sync */
	void *freelist; /* table pages to free after the sync; the backend's */
	bool is_open;	/* the backend has not invalidated all of it yet; the backend's */
};

/**
 * Maps [iova, iova + size) to vaddr in pages of at most page_size. Any thread; the domain
 * locks itself. One errno each: -EINVAL size 0, no rights or page_size no power of two; -ENXIO
 * not aligned to 4 KiB; -ERANGE past the domain's width or in a hole; -EEXIST overlap; -ENOSPC
 * entries used up; -ENOMEM; -EFAULT memory that the unit does not know; -EADDRNOTAVAIL the unit
 * does not translate and the memory is elsewhere. On failure nothing is mapped.
 */
int iommu_map(struct iommu_domain *domain, uint64_t iova, void *vaddr, uint64_t size,
	      uint64_t page_size, uint32_t prot);

/**
 * Says why a map of size bytes failed with code: the cause and the next step, in the backend's
 * words where it knows more than the errno tells. Returns code.
 */
int iommu_map_error(struct iommu_domain *domain, int code, uint64_t size, struct base_error *err);

/**
 * Unmaps exactly one mapping, as it was mapped. The device may still use its old translation
 * until gather is synced; memory and IOVA stay the caller's to keep until then.
 * -ENOENT: nothing is mapped there; -EINVAL: not the whole of a mapping (VFIO type1v2's rule).
 */
int iommu_unmap(struct iommu_domain *domain, uint64_t iova, uint64_t size,
		struct iommu_gather *gather);

/**
 * Completes the gathered unmaps: invalidates, waits until every burst that may hold an old
 * translation has ended (rte_rcu_qsbr), frees table pages, empties gather.
 * Never called between iommu_burst_begin() and iommu_burst_end() of the same thread.
 */
int iommu_sync(struct iommu_domain *domain, struct iommu_gather *gather);

/** Physical address behind an IOVA from the tables, not from a cache; -ENOENT. */
int iommu_iova_to_phys(struct iommu_domain *domain, uint64_t iova, uint64_t *pa);

/** Copies up to max mappings with an end above `from`, lowest first; returns how many. */
unsigned int iommu_mappings(struct iommu_domain *domain, uint64_t from,
			    struct iommu_mapping *mappings, unsigned int max);

struct iommu_domain_usage {
	uint64_t mappings;
	uint64_t mapped_bytes;
	uint64_t leaves_4k, leaves_2m, leaves_1g;
	uint64_t entries_used;
	uint64_t entries_limit; /* 0: no limit known */
	uint64_t maps, unmaps;	/* these three: since the domain was created */
	uint64_t syncs;		/* completed: invalidations asked for */
};
void iommu_domain_usage(struct iommu_domain *domain, struct iommu_domain_usage *usage);

/* --- faults --------------------------------------------------------------------------------- */

struct iommu_fault {
	uint64_t time_ns; /* CLOCK_MONOTONIC */
	uint64_t iova;
	char device[IOMMU_NAME_SIZE];
	char text[64]; /* what the hardware's driver says; "": iommu_fault_text() */
	uint16_t source_id;
	uint16_t queue; /* or IOMMU_QUEUE_UNKNOWN, and then is_rx says nothing */
	bool is_rx;
	uint8_t access; /* IOMMU_READ or IOMMU_WRITE; 0: not told */
	uint8_t reason; /* VT-d fault reason (VT-d specification, fault reason encodings) */
};

/* Where a domain's faults come from. */
enum iommu_fault_source {
	IOMMU_FAULTS_UNSEEN, /* real devices: unprotected, or nobody reads the kernel's log */
	IOMMU_FAULTS_EXACT,  /* a software unit counts each refused access */
	IOMMU_FAULTS_LOG,    /* the kernel's log, which leaves out most of many: at least these */
};

/** Copies up to max of the last IOMMU_FAULT_LOG faults, oldest first; returns how many. */
unsigned int iommu_faults(struct iommu_domain *domain, struct iommu_fault *faults,
			  unsigned int max);
uint64_t iommu_faults_total(const struct iommu_domain *domain);
uint64_t iommu_faults_of_reason(const struct iommu_domain *domain, uint8_t reason);
void iommu_faults_clear(struct iommu_domain *domain);

/** "PTE Write access is not set" and so on; Linux's wording (dmar.c). */
const char *iommu_fault_text(uint8_t reason);
/** The same for a fault: its own text where it has one. */
const char *iommu_fault_words(const struct iommu_fault *fault);

enum iommu_fault_source iommu_faults_source(const struct iommu_domain *domain);
const char *iommu_fault_source_name(enum iommu_fault_source source);

/** Says whether the process reads the kernel's log for faults of real devices. */
void iommu_faults_watch(bool is_watched);

/**
 * Records a fault of a real device, which its unit told the kernel: the queue is not known.
 * device is its PCI address; text may be "". -ENODEV: no such device is attached. Any thread;
 * the caller keeps the device from being detached meanwhile.
 */
int iommu_report_device_fault(const char *device, uint64_t iova, uint32_t access, uint8_t reason,
			      const char *text);

/* --- walks ---------------------------------------------------------------------------------- */

struct iommu_walk {
	uint8_t step_count;
	struct {
		char name[16]; /* "root", "context", "level 4" ... */
		uint16_t index;
		uint64_t entry_pa; /* where the entry stands */
		uint64_t entry[2]; /* its words; [1] is 0 for 8-byte entries */
	} step[8];
	uint8_t reason; /* 0: translated, else the fault it would be */
	uint32_t prot;
	uint64_t pa;
	uint64_t page_size;
	char source[32]; /* "tables", "debugfs", "ledger" or "no translation" */
};

/** Walks the tables for a device as the unit would; faults are told, not recorded. */
int iommu_walk(struct iommu_device *device, uint64_t iova, struct iommu_walk *walk);

/**
 * Calls visit for each leaf in the tables, lowest IOVA first, until it returns non-zero, and
 * returns that. The domain is locked meanwhile: visit calls nothing of this header.
 */
int iommu_for_each_leaf(struct iommu_domain *domain,
			int (*visit)(const struct iommu_mapping *leaf, void *arg), void *arg);

/* --- translation by software devices: the hot path ------------------------------------------ */

/* One descriptor's worth of DMA. */
struct iommu_access {
	uint64_t iova;
	uint32_t len;	     /* bytes, at least 1 */
	uint16_t prot;	     /* IOMMU_READ or IOMMU_WRITE */
	uint16_t span_count; /* out: spans used, 0: refused, and one fault recorded */
};

/* Memory to touch, clipped to a leaf page. */
struct iommu_span {
	uint8_t *vaddr;
	uint64_t len;
};

/* translating lcore: write; any thread: read, and see figures a burst old */
struct iommu_counters {
	uint64_t lookups; /* hits + misses; one for each page an access touches */
	uint64_t hits;
	uint64_t misses;
	uint64_t walk_reads; /* table entries read from memory */
	uint64_t faults;     /* accesses refused */
};

/* The right of one queue to translate; one thread uses it at a time. */
struct iommu_translator {
	uint16_t (*translate_burst)(struct iommu_translator *translator,
				    struct iommu_access *accesses, uint16_t n,
				    struct iommu_span *spans, uint16_t span_max);
	struct rte_rcu_qsbr *qsbr; /* the unit's; waited for by iommu_sync() */
	unsigned int qsbr_id;
	uint16_t queue;
	bool is_rx;
	struct iommu_device *device;
	uint64_t serial; /* process wide, never reused */
	void *priv;	 /* the backend's */
	struct iommu_counters counters;
} __attribute__((aligned(64)));

/**
 * The caller owns the translator. -ENOTSUP when the unit's devices are real hardware; -ENOSPC
 * beyond 1024 translators a unit. Any thread.
 */
int iommu_translator_create(struct iommu_device *device, bool is_rx, uint16_t queue,
			    struct iommu_translator **out);
void iommu_translator_destroy(struct iommu_translator *translator);

/** Sums and lists for reports: the device's translators in turn, NULL: the first. */
struct iommu_translator *iommu_translator_next(const struct iommu_device *device,
					       const struct iommu_translator *prev);

/**
 * Translates accesses in order and returns how many were handled: all of them, or fewer when
 * the spans of the next one would not fit (span_max >= 1 + 65535 / 4096 + 1 always makes
 * progress). An access is translated whole before the next; its spans follow those
 * before it. A refused access has no spans, is recorded as one fault, and changes nothing.
 * Only between iommu_burst_begin() and iommu_burst_end(); spans are dead after the end.
 */
static inline uint16_t iommu_translate_burst(struct iommu_translator *translator,
					     struct iommu_access *accesses, uint16_t n,
					     struct iommu_span *spans, uint16_t span_max)
{
	return translator->translate_burst(translator, accesses, n, spans, span_max);
}

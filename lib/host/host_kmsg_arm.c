/* SPDX-License-Identifier: BSD-3-Clause */
/* Fault lines of Arm's drivers: SMMUv3 event records, and SMMUv2 context faults. */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "host_kmsg_private.h"

#define REASON_WRITE 0x05
#define REASON_READ  0x06

/* Event records (SMMUv3 specification, 7.3; Linux arm-smmu-v3.h EVTQ_*) */
#define EVENT_TRANSLATION 0x10
#define EVENT_PERMISSION  0x13
#define EVENT_SID_SHIFT	  32	       /* word 0 */
#define EVENT_READ	  (1ull << 35) /* word 1 */

/* Context bank registers (SMMUv2 specification; Linux arm-smmu.h) */
#define FSR_TRANSLATION (1u << 1)
#define FSR_PERMISSION	(1u << 3)
#define FSYNR0_WRITE	(1u << 4)

static const char *event_name(uint8_t id)
{
	static const char *const names[] = {
		[0x01] = "F_UUT",
		[0x02] = "C_BAD_STREAMID",
		[0x03] = "F_STE_FETCH",
		[0x04] = "C_BAD_STE",
		[0x05] = "F_BAD_ATS_TREQ",
		[0x06] = "F_STREAM_DISABLED",
		[0x07] = "F_TRANSL_FORBIDDEN",
		[0x08] = "C_BAD_SUBSTREAMID",
		[0x09] = "F_CD_FETCH",
		[0x0a] = "C_BAD_CD",
		[0x0b] = "F_WALK_EABT",
		[0x10] = "F_TRANSLATION",
		[0x11] = "F_ADDR_SIZE",
		[0x12] = "F_ACCESS",
		[0x13] = "F_PERMISSION",
		[0x20] = "F_TLB_CONFLICT",
		[0x21] = "F_CFG_CONFLICT",
		[0x24] = "E_PAGE_REQUEST",
		[0x25] = "F_VMS_FETCH",
	};

	return id < sizeof(names) / sizeof(names[0]) && names[id] != NULL ? names[id] : "event";
}

bool host_kmsg_smmuv3_flush(struct host_kmsg_event *event, struct host_kmsg_fault *fault)
{
	bool is_whole = event->unit[0] != '\0' && event->word_count == 4;

	*fault = (struct host_kmsg_fault){.stream_id = HOST_KMSG_NO_STREAM};
	event->unit[0] = '\0';
	if (!is_whole)
		return false;
	fault->stream_id = (uint32_t)(event->word[0] >> EVENT_SID_SHIFT);
	fault->reason = HOST_KMSG_REASON_OTHER;
	/* only these four have an address and a direction */
	if (event->id >= EVENT_TRANSLATION && event->id <= EVENT_PERMISSION) {
		fault->iova = event->word[2];
		fault->access = event->word[1] & EVENT_READ ? HOST_KMSG_READ : HOST_KMSG_WRITE;
	}
	if (event->id == EVENT_TRANSLATION || event->id == EVENT_PERMISSION)
		fault->reason = fault->access == HOST_KMSG_READ ? REASON_READ : REASON_WRITE;
	snprintf(fault->text, sizeof(fault->text), "%s (0x%02x)", event_name(event->id), event->id);
	return true;
}

/* True when the message is of the unit whose event is being read; rest is what it says. */
static bool is_of_unit(const struct host_kmsg_event *event, const char *message, const char **rest)
{
	size_t length = strlen(event->unit);

	if (length == 0 || strncmp(message, event->unit, length) != 0 ||
	    strncmp(message + length, ": ", 2) != 0)
		return false;
	*rest = message + length + 2;
	return true;
}

static bool begins_event(const char *message)
{
	return strncmp(message, "arm-smmu-v3 ", 12) == 0 && strstr(message, ": event 0x") != NULL &&
	       strstr(message, " received:") != NULL;
}

static void begin_event(struct host_kmsg_event *event, const char *message)
{
	const char *headline = strstr(message, ": event 0x");
	uint64_t id;

	if (!begins_event(message) || !host_kmsg_hex(headline, ": event ", &id) || id > UINT8_MAX ||
	    (size_t)(headline - message) >= sizeof(event->unit))
		return;
	*event = (struct host_kmsg_event){.id = (uint8_t)id};
	memcpy(event->unit, message, (size_t)(headline - message));
}

/*
 * arm_smmu_evtq_thread(): "event 0x10 received:", then four lines of a tab and a word. Since 6.14
 * arm_smmu_dump_event() goes on with "event: F_TRANSLATION client: 0000:01:00.0 sid: 0x8 ...",
 * the only line that names the device: the event waits for the line after its words.
 */
bool host_kmsg_smmuv3(struct host_kmsg_event *event, const char *message,
		      struct host_kmsg_fault *fault)
{
	const char *rest = NULL;
	bool is_ours = is_of_unit(event, message, &rest);
	bool is_whole = false;

	if (is_ours && event->word_count < 4 && strncmp(rest, " 0x", 3) == 0) {
		event->word[event->word_count++] = strtoull(rest + 1, NULL, 16);
		return false;
	}
	/* Lines of others may come in between. */
	if (is_ours || begins_event(message))
		is_whole = host_kmsg_smmuv3_flush(event, fault);
	if (is_whole && is_ours && strncmp(rest, "event: ", 7) == 0) {
		const char *client = host_kmsg_after(rest, " client: ");

		if (client != NULL)
			host_kmsg_device(client, fault->device, sizeof(fault->device));
	}
	begin_event(event, message);
	return is_whole;
}

/*
 * arm_smmu_context_fault(): "Unhandled context fault: fsr=0x402, iova=0x00001000, fsynr=0x10,
 * cbfrsynra=0x100, cb=1"; the low half of cbfrsynra is the stream.
 */
bool host_kmsg_smmuv2(const char *message, struct host_kmsg_fault *fault)
{
	uint64_t fsr, fsynr, stream;

	*fault = (struct host_kmsg_fault){.stream_id = HOST_KMSG_NO_STREAM};
	if (strncmp(message, "arm-smmu ", 9) != 0 ||
	    !host_kmsg_hex(message, ": Unhandled context fault: fsr=", &fsr) ||
	    !host_kmsg_hex(message, " iova=", &fault->iova) ||
	    !host_kmsg_hex(message, " fsynr=", &fsynr))
		return false;
	if (host_kmsg_hex(message, " cbfrsynra=", &stream))
		fault->stream_id = stream & 0xffff;
	fault->access = fsynr & FSYNR0_WRITE ? HOST_KMSG_WRITE : HOST_KMSG_READ;
	fault->reason = HOST_KMSG_REASON_OTHER;
	if (fsr & (FSR_TRANSLATION | FSR_PERMISSION))
		fault->reason = fault->access == HOST_KMSG_READ ? REASON_READ : REASON_WRITE;
	snprintf(fault->text, sizeof(fault->text), "context fault%s%s, fsr 0x%" PRIx64,
		 fsr & FSR_TRANSLATION ? ": not present" : "",
		 fsr & FSR_PERMISSION ? ": no permission" : "", fsr);
	return true;
}

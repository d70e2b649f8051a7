/* SPDX-License-Identifier: BSD-3-Clause */
/* Records of the kernel's log: their frame, and which of them are about faults. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "host_kmsg_private.h"

const char *host_kmsg_after(const char *text, const char *key)
{
	const char *found = strstr(text, key);

	return found == NULL ? NULL : found + strlen(key);
}

bool host_kmsg_hex(const char *text, const char *key, uint64_t *value)
{
	const char *start = host_kmsg_after(text, key);
	char *end;

	if (start == NULL || *start == '-' || *start == '+' || *start == ' ')
		return false;
	*value = strtoull(start, &end, 16);
	return end != start;
}

bool host_kmsg_device(const char *text, char *device, size_t size)
{
	unsigned int segment = 0, bus, slot, function;
	int used = 0;

	if (sscanf(text, "%4x:%2x:%2x.%1x%n", &segment, &bus, &slot, &function, &used) != 4 ||
	    used == 0) {
		segment = 0;
		if (sscanf(text, "%2x:%2x.%1x%n", &bus, &slot, &function, &used) != 3)
			return false;
	}
	if (slot > 0x1f || function > 7)
		return false;
	snprintf(device, size, "%04x:%02x:%02x.%x", segment & 0xffff, bus & 0xff, slot, function);
	return true;
}

static int hex_digit(char c)
{
	if (c >= '0' && c <= '9')
		return c - '0';
	return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

/* Copies the message up to its newline; /dev/kmsg writes bytes that are no letters as \x09. */
static void copy_message(const char *from, size_t size, bool is_escaped, char *to, size_t to_size)
{
	size_t used = 0;

	for (size_t i = 0; i < size && used + 1 < to_size; i++) {
		unsigned char c = (unsigned char)from[i];

		if (c == '\n')
			break;
		if (is_escaped && c == '\\' && size - i > 3 && from[i + 1] == 'x' &&
		    hex_digit(from[i + 2]) >= 0 && hex_digit(from[i + 3]) >= 0) {
			c = (unsigned char)(hex_digit(from[i + 2]) << 4 | hex_digit(from[i + 3]));
			i += 3;
		}
		to[used++] = c < ' ' || c > '~' ? ' ' : (char)c;
	}
	to[used] = '\0';
}

/* "3,1234,5678,-;message": false where it is not; body is where the message begins. */
static bool read_header(const char *record, size_t size, unsigned long long *facility,
			unsigned long long *number, size_t *body)
{
	const char *semicolon = memchr(record, ';', size);
	char header[128];
	unsigned long long time;
	size_t length;

	if (semicolon == NULL || record[0] < '0' || record[0] > '9')
		return false;
	length = (size_t)(semicolon - record);
	if (length >= sizeof(header))
		return false;
	memcpy(header, record, length);
	header[length] = '\0';
	if (sscanf(header, "%llu,%llu,%llu,", facility, number, &time) != 3)
		return false;
	*facility >>= 3;
	*body = length + 1;
	return true;
}

/* dmesg's "<3>[   12.345678][    T1] message" */
static const char *skip_stamp(const char *line)
{
	if (*line == '<' && strchr(line, '>') != NULL)
		line = strchr(line, '>') + 1;
	for (int i = 0; i < 2; i++) {
		size_t stamp = *line == '[' ? strspn(line + 1, " .0123456789TC") : 0;

		if (stamp == 0 || line[1 + stamp] != ']')
			break;
		line += stamp + 2;
		line += *line == ' ';
	}
	return line;
}

/*
 * "dmar_fault: 51 callbacks suppressed" names the function that was kept from printing
 * (lib/ratelimit.c).
 */
static void count_dropped(struct host_kmsg *kmsg, const char *message)
{
	static const char *const functions[] = {"dmar_fault:", "amd_iommu_",
						"iommu_print_event:", "arm_smmu_", "nvidia_smmu_"};
	const char *colon = strchr(message, ':');
	unsigned long long count;

	if (colon == NULL || strstr(colon, " callbacks suppressed") == NULL ||
	    sscanf(colon, ": %llu callbacks suppressed", &count) != 1)
		return;
	for (size_t i = 0; i < sizeof(functions) / sizeof(functions[0]); i++) {
		if (strncmp(message, functions[i], strlen(functions[i])) == 0)
			kmsg->lines_dropped += count;
	}
}

/* The unit itself had to drop faults: bit 0 of VT-d's fault status is "primary fault overflow". */
static void count_overflow(struct host_kmsg *kmsg, const char *message)
{
	uint64_t status;

	if (host_kmsg_hex(message, "DMAR: DRHD: handling fault status reg ", &status))
		kmsg->overflows += status & 1;
	else if (strstr(message, "EVTQ overflow detected") != NULL ||
		 (strstr(message, "AMD-Vi: ") != NULL &&
		  (strstr(message, "IOMMU event log overflow") != NULL ||
		   strstr(message, "IOMMU Event log restarting") != NULL)))
		kmsg->overflows++;
}

void host_kmsg_flush(struct host_kmsg *kmsg, host_kmsg_visit visit, void *arg)
{
	struct host_kmsg_fault fault;

	if (host_kmsg_smmuv3_flush(&kmsg->event, &fault))
		visit(&fault, arg);
}

void host_kmsg_read(struct host_kmsg *kmsg, const char *record, size_t size, host_kmsg_visit visit,
		    void *arg)
{
	unsigned long long facility = 0, number;
	struct host_kmsg_fault fault;
	char text[1024];
	const char *message = text;
	size_t body = 0;

	if (size == 0)
		return;
	if (read_header(record, size, &facility, &number, &body)) {
		if (kmsg->next_number != 0 && number > kmsg->next_number)
			kmsg->lost += number - kmsg->next_number;
		kmsg->next_number = number + 1;
		copy_message(record + body, size - body, true, text, sizeof(text));
	} else {
		copy_message(record, size, false, text, sizeof(text));
		message = skip_stamp(text);
	}
	/* Programs may write into the log too, but not in the kernel's name. */
	if (facility != 0)
		return;
	if (host_kmsg_smmuv3(&kmsg->event, message, &fault))
		visit(&fault, arg);
	if (host_kmsg_intel(message, &fault) || host_kmsg_amd(message, &fault) ||
	    host_kmsg_smmuv2(message, &fault))
		visit(&fault, arg);
	count_dropped(kmsg, message);
	count_overflow(kmsg, message);
}

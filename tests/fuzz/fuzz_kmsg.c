/* SPDX-License-Identifier: BSD-3-Clause */
/* Fuzzes the reader of the kernel's log: records of any bytes, and what it makes of them. */
#include <stdlib.h>
#include <string.h>

#include "fuzz_input.h"
#include "host_kmsg.h"

static void check(const struct host_kmsg_fault *fault, void *arg)
{
	unsigned int *count = arg;

	fuzz_require(memchr(fault->text, '\0', sizeof(fault->text)) != NULL, "a text ends");
	fuzz_require(memchr(fault->device, '\0', sizeof(fault->device)) != NULL, "a device ends");
	fuzz_require(fault->device[0] == '\0' || strlen(fault->device) == strlen("0000:00:00.0"),
		     "a device is a whole address, or none");
	fuzz_require((fault->access & ~(HOST_KMSG_READ | HOST_KMSG_WRITE)) == 0,
		     "an access reads or writes");
	for (const char *c = fault->text; *c != '\0'; c++)
		fuzz_require(*c >= ' ' && *c <= '~', "a text can be printed");
	++*count;
}

/* Records end with a zero byte; each is handed over in memory of just its size. */
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct host_kmsg kmsg = {0};
	unsigned int faults = 0, records = 0;

	for (size_t start = 0; start < size; records++) {
		const uint8_t *end = memchr(data + start, '\0', size - start);
		size_t length = end == NULL ? size - start : (size_t)(end - data) - start;
		char *record = malloc(length + (length == 0));

		fuzz_require(record != NULL, "there is memory");
		memcpy(record, data + start, length);
		host_kmsg_read(&kmsg, record, length, check, &faults);
		free(record);
		start += length + 1;
	}
	host_kmsg_flush(&kmsg, check, &faults);
	fuzz_require(faults <= 2 * records, "a record ends at most an event and is a fault itself");
	return 0;
}

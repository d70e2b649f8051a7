/* SPDX-License-Identifier: BSD-3-Clause */
/* Fills the blocks of draft-ietf-opsawg-pcapng. */
#include "replay_pcapng.h"

#include <errno.h>

/*
 * libpcap only reads pcapng. rte_pcapng would need a mempool to copy every frame into, an ethdev
 * for the interface, and other calls in each DPDK release.
 */

#define BLOCK_SECTION	0x0a0d0d0a
#define BLOCK_INTERFACE 1
#define BLOCK_PACKET	6
#define BYTE_ORDER_MARK 0x1a2b3c4d
#define OPTION_TSRESOL	9
#define TSRESOL_NS	9 /* 10^-9 s */
#define LINK_ETHERNET	1
#define SNAPLEN		(256 * 1024)

struct section_block {
	uint32_t type, length;
	uint32_t mark;
	uint16_t major, minor;
	uint64_t section_length; /* ~0: not said */
	uint32_t length_again;
} __attribute__((packed));

struct interface_block {
	uint32_t type, length;
	uint16_t link_type, reserved;
	uint32_t snaplen;
	uint16_t tsresol_code, tsresol_length;
	uint8_t tsresol, padding[3];
	uint32_t end_of_options;
	uint32_t length_again;
} __attribute__((packed));

struct packet_block {
	uint32_t type, length;
	uint32_t interface_id;
	uint32_t time_high, time_low;
	uint32_t captured, original;
} __attribute__((packed));

_Static_assert(sizeof(struct section_block) == 28, "section header block without options");
_Static_assert(sizeof(struct interface_block) == 32, "interface description block, one option");
_Static_assert(sizeof(struct packet_block) == 28, "enhanced packet block up to its data");

static int write_all(FILE *stream, const void *data, size_t size)
{
	errno = 0;
	if (size == 0 || fwrite(data, size, 1, stream) == 1)
		return 0;
	return errno != 0 ? -errno : -EIO;
}

int replay_pcapng_begin(FILE *stream)
{
	const struct section_block section = {
		.type = BLOCK_SECTION,
		.length = sizeof(section),
		.mark = BYTE_ORDER_MARK,
		.major = 1,
		.section_length = UINT64_MAX,
		.length_again = sizeof(section),
	};
	const struct interface_block interface = {
		.type = BLOCK_INTERFACE,
		.length = sizeof(interface),
		.link_type = LINK_ETHERNET,
		.snaplen = SNAPLEN,
		.tsresol_code = OPTION_TSRESOL,
		.tsresol_length = 1,
		.tsresol = TSRESOL_NS,
		.length_again = sizeof(interface),
	};
	int ret = write_all(stream, &section, sizeof(section));

	return ret < 0 ? ret : write_all(stream, &interface, sizeof(interface));
}

int replay_pcapng_add(FILE *stream, uint64_t time_ns, const void *data, uint32_t size)
{
	static const uint8_t zeros[4];
	uint32_t padding = -size & 3;
	uint32_t length = (uint32_t)sizeof(struct packet_block) + size + padding + 4;
	const struct packet_block packet = {
		.type = BLOCK_PACKET,
		.length = length,
		.time_high = (uint32_t)(time_ns >> 32),
		.time_low = (uint32_t)time_ns,
		.captured = size,
		.original = size,
	};
	int ret = write_all(stream, &packet, sizeof(packet));

	if (ret == 0)
		ret = write_all(stream, data, size);
	if (ret == 0)
		ret = write_all(stream, zeros, padding);
	return ret < 0 ? ret : write_all(stream, &length, sizeof(length));
}

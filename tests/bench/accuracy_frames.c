/* SPDX-License-Identifier: BSD-3-Clause */
/* Makes frames, and reads those of a capture with libpcap. */
#include <pcap/pcap.h>
#include <stdlib.h>

#include <rte_ether.h>

#include "accuracy_frames.h"
#include "accuracy_port.h"

#define FRAME_MAX 9000

static struct rte_mbuf *fill(struct rte_mempool *pool, const uint8_t *data, unsigned int size)
{
	struct rte_mbuf *frame = NULL;

	while (size > 0) {
		struct rte_mbuf *segment = rte_pktmbuf_alloc(pool);
		unsigned int part;

		accuracy_check(segment != NULL);
		part = RTE_MIN(size, (unsigned int)rte_pktmbuf_tailroom(segment));
		memcpy(rte_pktmbuf_append(segment, (uint16_t)part), data, part);
		data += part;
		size -= part;
		if (frame == NULL)
			frame = segment;
		else
			accuracy_check(rte_pktmbuf_chain(frame, segment) == 0);
	}
	return frame;
}

struct rte_mbuf *accuracy_frame_make(struct rte_mempool *pool, unsigned int size)
{
	static const uint8_t bytes[FRAME_MAX] = {0x02, 0, 0, 0, 0, 1, 0x02, 0, 0, 0, 0, 2};

	accuracy_check(size <= FRAME_MAX);
	return fill(pool, bytes, size);
}

struct rte_mbuf **accuracy_frames_read(struct rte_mempool *pool, const char *path,
				       unsigned int *count)
{
	char why[PCAP_ERRBUF_SIZE];
	pcap_t *file = pcap_open_offline(path, why);
	struct rte_mbuf **frames = NULL;
	struct pcap_pkthdr *header;
	const uint8_t *data;

	accuracy_check(file != NULL && pcap_datalink(file) == DLT_EN10MB);
	*count = 0;
	while (pcap_next_ex(file, &header, &data) == 1) {
		if (header->caplen < RTE_ETHER_HDR_LEN || header->caplen > FRAME_MAX)
			continue;
		if ((*count & (*count - 1)) == 0) {
			frames = realloc(frames, (2 * *count + 1) * sizeof(*frames));
			accuracy_check(frames != NULL);
		}
		frames[(*count)++] = fill(pool, data, header->caplen);
	}
	pcap_close(file);
	accuracy_check(*count > 0);
	return frames;
}

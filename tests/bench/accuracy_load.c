/* SPDX-License-Identifier: BSD-3-Clause */
/* The table of workloads. */
#include "accuracy_load.h"

#define PAGE_4K	   4096
#define PAGE_2M	   (2u << 20)
#define FORWARD(n) .kind = ACCURACY_FORWARD, .ports = n
#define RECEIVE(n) .kind = ACCURACY_RECEIVE, .ports = n
#define RETURN(n)  .kind = ACCURACY_RETURN, .ports = n

const struct accuracy_load accuracy_loads[] = {
	{"io-1q-128-4k-lifo", FORWARD(2), .queues = 1, .descs = 128, .frame = 64,
	 .page_size = PAGE_4K, .under_way = 48, .order = ACCURACY_LIFO, .is_quick = true},
	{"io-1q-512-4k-fifo", FORWARD(2), .queues = 1, .descs = 512, .frame = 64,
	 .page_size = PAGE_4K, .under_way = 48},
	{"io-4q-64-4k-lifo", FORWARD(2), .queues = 4, .descs = 64, .frame = 1518,
	 .page_size = PAGE_4K, .under_way = 24, .order = ACCURACY_LIFO, .is_quick = true},
	{"io-4q-512-4k-shuffled", FORWARD(2), .queues = 4, .descs = 512, .frame = 64,
	 .page_size = PAGE_4K, .under_way = 48, .order = ACCURACY_SHUFFLED, .is_quick = true},
	{"io-16q-1024-4k-churned", FORWARD(2), .queues = 16, .descs = 1024, .frame = 64,
	 .page_size = PAGE_4K, .under_way = 40, .order = ACCURACY_CHURNED},
	{"io-32q-1024-2m-fifo", FORWARD(2), .queues = 32, .descs = 1024, .frame = 64,
	 .page_size = PAGE_2M, .under_way = 48, .is_quick = true},
	{"io-64q-512-4k-fifo", FORWARD(4), .queues = 32, .descs = 512, .frame = 64,
	 .page_size = PAGE_4K, .under_way = 48},
	{"rx-1q-256-4k-shuffled", RECEIVE(1), .queues = 1, .descs = 256, .spare = 64, .frame = 64,
	 .page_size = PAGE_4K, .is_varied = true, .order = ACCURACY_SHUFFLED, .is_quick = true},
	{"rx-1q-512-4k-fifo", RECEIVE(1), .queues = 1, .descs = 512, .spare = 256, .frame = 1518,
	 .page_size = PAGE_4K, .is_varied = true},
	{"rx-4q-128-4k-churned", RECEIVE(1), .queues = 4, .descs = 128, .spare = 64, .frame = 512,
	 .page_size = PAGE_4K, .is_varied = true, .order = ACCURACY_CHURNED},
	{"rx-16q-1024-4k-fifo", RECEIVE(1), .queues = 16, .descs = 1024, .frame = 64,
	 .page_size = PAGE_4K, .is_varied = true},
	{"rx-64q-1024-4k-fifo", RECEIVE(2), .queues = 32, .descs = 1024, .frame = 64,
	 .page_size = PAGE_4K, .is_varied = true},
	{"jumbo-io-4q-512-4k-fifo", FORWARD(2), .queues = 4, .descs = 512, .frame = 9000,
	 .page_size = PAGE_4K, .under_way = 24},
	{"jumbo-rx-4q-256-4k-churned", RECEIVE(1), .queues = 4, .descs = 256, .frame = 4000,
	 .page_size = PAGE_4K, .is_varied = true, .order = ACCURACY_CHURNED},
	{"lan-mixed-return-4q-512-4k", RETURN(1), .queues = 4, .descs = 512, .page_size = PAGE_4K,
	 .capture = "lan-mixed-5898.pcapng", .is_varied = true, .is_quick = true},
	{"web-tls-rx-16q-512-4k", RECEIVE(1), .queues = 16, .descs = 512, .page_size = PAGE_4K,
	 .capture = "web-tls-browsing.pcap", .is_varied = true},
	/* A wall two pages away, phases and short cycles: the model takes traffic for even. */
	{"rx-1q-512-4k-cliff", RECEIVE(1), .queues = 1, .descs = 512, .frame = 1518,
	 .page_size = PAGE_4K, .is_varied = true, .is_hard = true},
	{"rx-64q-1024-2m-churned", RECEIVE(2), .queues = 32, .descs = 1024, .frame = 64,
	 .page_size = PAGE_2M, .is_varied = true, .is_hard = true, .order = ACCURACY_CHURNED},
	{"tls-large-return-8q-1024-4k", RETURN(1), .queues = 8, .descs = 1024, .page_size = PAGE_4K,
	 .capture = "ipv6-tls-large-frames.pcap", .is_varied = true, .is_hard = true,
	 .order = ACCURACY_SHUFFLED},
	{"voip-return-16q-64-4k-lifo", RETURN(1), .queues = 16, .descs = 64, .page_size = PAGE_4K,
	 .capture = "voip-sip-rtp-fax.pcap", .is_varied = true, .is_hard = true,
	 .order = ACCURACY_LIFO},
	{"two-lcores-io-8q-512-4k", FORWARD(2), .queues = 8, .descs = 512, .frame = 64,
	 .page_size = PAGE_4K, .under_way = 48, .lcores = 2},
};

const unsigned int accuracy_load_count = sizeof(accuracy_loads) / sizeof(accuracy_loads[0]);

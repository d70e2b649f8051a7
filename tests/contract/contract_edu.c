/* SPDX-License-Identifier: BSD-3-Clause */
/* Drives edu's registers (QEMU docs/specs/edu.rst). */
#include "contract_edu.h"

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <time.h>
#include <unistd.h>

#include "unit.h"

#define BAR_SIZE      0x100000
#define IDENTITY      0x00ed /* low half; the high one is a version */
#define IDENTITY_BITS 0xffff
#define BUFFER	      0x40000
#define REG_SOURCE    0x80
#define REG_TARGET    0x88
#define REG_COUNT     0x90
#define REG_COMMAND   0x98
#define COMMAND_RUN   1u
#define COMMAND_OUT   2u /* from the device to memory */
#define TIMEOUT_S     10
/* PCI configuration: command register, memory space and bus master */
#define PCI_COMMAND 4
#define PCI_ENABLED 0x6

struct edu {
	volatile uint8_t *bar;
};

static int open_file(const char *address, const char *name, int flags)
{
	char path[128];
	int fd;

	snprintf(path, sizeof(path), "/sys/bus/pci/devices/%s/%s", address, name);
	fd = open(path, flags | O_CLOEXEC);
	if (fd < 0)
		fail_msg("cannot open %s", path);
	return fd;
}

static void write64(struct edu *edu, unsigned int offset, uint64_t value)
{
	*(volatile uint64_t *)(edu->bar + offset) = value;
}

/* It sleeps when vfio-pci is not in use, and sleeping it does no DMA. */
static void wake(const char *address)
{
	uint16_t command = PCI_ENABLED;
	int fd = open_file(address, "power/control", O_WRONLY);

	assert_int_equal(write(fd, "on", 2), 2);
	close(fd);
	fd = open_file(address, "config", O_RDWR);
	assert_int_equal(pwrite(fd, &command, sizeof(command), PCI_COMMAND), sizeof(command));
	close(fd);
}

struct edu *edu_open(const char *address)
{
	struct edu *edu = calloc(1, sizeof(*edu));
	int fd;

	assert_non_null(edu);
	wake(address);
	fd = open_file(address, "resource0", O_RDWR);
	edu->bar = mmap(NULL, BAR_SIZE, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
	close(fd);
	assert_ptr_not_equal(edu->bar, MAP_FAILED);
	assert_int_equal(*(volatile uint32_t *)edu->bar & IDENTITY_BITS, IDENTITY & IDENTITY_BITS);
	return edu;
}

void edu_close(struct edu *edu)
{
	munmap((void *)(uintptr_t)edu->bar, BAR_SIZE);
	free(edu);
}

static void run(struct edu *edu, uint64_t source, uint64_t target, uint32_t size, uint64_t command)
{
	time_t give_up = time(NULL) + TIMEOUT_S;

	write64(edu, REG_SOURCE, source);
	write64(edu, REG_TARGET, target);
	write64(edu, REG_COUNT, size);
	write64(edu, REG_COMMAND, command | COMMAND_RUN);
	while ((*(volatile uint64_t *)(edu->bar + REG_COMMAND) & COMMAND_RUN) != 0) {
		assert_true(time(NULL) < give_up);
		usleep(1000);
	}
}

void edu_load(struct edu *edu, uint64_t iova, uint32_t size)
{
	run(edu, iova, BUFFER, size, 0);
}

void edu_store(struct edu *edu, uint64_t iova, uint32_t size)
{
	run(edu, BUFFER, iova, size, COMMAND_OUT);
}

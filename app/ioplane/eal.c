/* SPDX-License-Identifier: BSD-3-Clause */
/* What ioplane takes out of EAL's arguments, what it adds, and the start of EAL. */
#include "eal.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <sched.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <rte_common.h>
#include <rte_debug.h>
#include <rte_eal.h>
#include <rte_errno.h>

#include "hugemem.h"
#include "port_device.h"
#include "port_direct.h"

/* Value of "--name=value" or "--name value"; *i moves past a value of its own. */
static const char *value_of(const char *name, int argc, char **argv, int *i)
{
	bool is_long = name[1] == '-';
	size_t length = strlen(name);

	/* EAL's getopt_long() takes "--vde" for "--vdev" */
	if (is_long && strcspn(argv[*i], "=") < length)
		length = RTE_MAX(strcspn(argv[*i], "="), strlen("--x"));
	if (strncmp(argv[*i], name, length) != 0)
		return NULL;
	if (argv[*i][length] == '=')
		return argv[*i] + length + 1;
	if (argv[*i][length] == '\0' && *i + 1 < argc)
		return argv[++*i];
	/* "-a0000:01:00.0" */
	if (!is_long && argv[*i][length] != '\0')
		return argv[*i] + length;
	return NULL;
}

static bool is_network(const char *device)
{
	return strncmp(device, "net_", 4) == 0 || strncmp(device, "eth_", 4) == 0;
}

static int take_device(struct eal_args *args, const char *device, struct base_error *err)
{
	if (args->device_count == EAL_DEVICES_MAX)
		return base_error_set(err, -EINVAL, "at most %d network devices", EAL_DEVICES_MAX);
	args->devices[args->device_count++] = device;
	return 0;
}

/* EAL gets an entry that matches nothing instead: it must not probe PCI itself (design 3.2). */
static int take_allowed(struct eal_args *args, const char *device, struct base_error *err)
{
	if (port_device_kind(device) != PORT_PCI)
		return base_error_set(err, -EINVAL,
				      "-a %s: give a PCI address such as 0000:03:00.0; a software "
				      "device is a --vdev",
				      device);
	args->has_pci = true;
	return take_device(args, device, err);
}

static void note(struct eal_args *args, const char *argument)
{
	static const struct {
		const char *prefix;
		size_t offset;
	} notes[] = {
		{"--no-huge", offsetof(struct eal_args, has_no_huge)},
		{"--in-memory", offsetof(struct eal_args, has_in_memory)},
		{"-m", offsetof(struct eal_args, has_memory)},
		{"--socket-mem", offsetof(struct eal_args, has_memory)},
		{"--iova-mode", offsetof(struct eal_args, has_iova_mode)},
		{"--log-level", offsetof(struct eal_args, has_log_level)},
		{"-l", offsetof(struct eal_args, has_lcores)},
		{"-c", offsetof(struct eal_args, has_lcores)},
		{"--lcores", offsetof(struct eal_args, has_lcores)},
		{"-s", offsetof(struct eal_args, has_lcores)},
		{"-S", offsetof(struct eal_args, has_lcores)},
		{"--no-pci", offsetof(struct eal_args, has_no_pci)},
		{"--version", offsetof(struct eal_args, asks_version)},
		{"-v", offsetof(struct eal_args, asks_version)},
		{"--help", offsetof(struct eal_args, asks_help)},
		{"-h", offsetof(struct eal_args, asks_help)},
	};

	for (unsigned int i = 0; i < RTE_DIM(notes); i++)
		if (strncmp(argument, notes[i].prefix, strlen(notes[i].prefix)) == 0)
			*(bool *)RTE_PTR_ADD(args, notes[i].offset) = true;
}

/* One of EAL's arguments: ours to take, not allowed, or EAL's. */
static int take(struct eal_args *args, int argc, char **argv, int *i, struct base_error *err)
{
	int start = *i;
	const char *value;

	value = value_of("--vdev", argc, argv, i);
	if (value != NULL && is_network(value))
		return take_device(args, value, err);
	*i = start;
	value = value_of("--allow", argc, argv, i);
	if (value == NULL)
		value = value_of("-a", argc, argv, i);
	if (value != NULL)
		return take_allowed(args, value, err);
	value = value_of("--block", argc, argv, i);
	if (value == NULL)
		value = value_of("-b", argc, argv, i);
	if (value != NULL)
		return base_error_set(err, -EINVAL,
				      "-b %s is not needed: ioplane uses no device that is not "
				      "asked for",
				      value);
	value = value_of("--proc-type", argc, argv, i);
	if (value != NULL && strcmp(value, "primary") != 0)
		return base_error_set(err, -EINVAL,
				      "--proc-type=%s: ioplane is always the primary process",
				      value);
	*i = start;
	value = value_of("--iova-mode", argc, argv, i);
	if (value != NULL && strcmp(value, "va") != 0 && strcmp(value, "pa") != 0)
		return base_error_set(err, -EINVAL,
				      "--iova-mode=%s: ioplane chooses the IOVAs of its memory "
				      "itself (va), or takes physical addresses (pa)",
				      value);
	args->is_physical |= value != NULL && strcmp(value, "pa") == 0;
	*i = start;
	args->argv[args->argc++] = argv[start];
	note(args, argv[start]);
	return 0;
}

int eal_args_split(int argc, char **argv, struct eal_args *args, struct base_error *err)
{
	int end = argc, ret;

	memset(args, 0, sizeof(*args));
	/* a sweep gives EAL's arguments itself: there is nothing to stand before "--" */
	if (argc > 1 && strncmp(argv[1], "--sweep", strlen("--sweep")) == 0)
		end = 0;
	for (int i = argc - 1; i > 0 && end > 0; i--)
		if (strcmp(argv[i], "--") == 0)
			end = i;
	args->argv = calloc((size_t)end + EAL_ADDED_MAX + 1, sizeof(*args->argv));
	args->option_argv = calloc((size_t)(argc - end) + 2, sizeof(*args->option_argv));
	if (args->argv == NULL || args->option_argv == NULL)
		return base_error_set(err, -ENOMEM, "out of memory");
	args->argv[args->argc++] = argv[0];
	args->option_argv[args->option_argc++] = argv[0];
	for (int i = end + 1; i < argc; i++) {
		if (strcmp(argv[i], "--help") == 0)
			args->asks_help = true;
		else if (strcmp(argv[i], "--version") == 0)
			args->asks_version = true;
		else
			args->option_argv[args->option_argc++] = argv[i];
	}
	for (int i = 1; i < end; i++) {
		ret = take(args, end, argv, &i, err);
		if (ret != 0)
			return ret;
	}
	if (args->has_pci && args->has_no_pci)
		return base_error_set(err, -EINVAL,
				      "--no-pci: there are PCI devices to use; leave it out, EAL "
				      "touches none by itself here");
	return 0;
}

void eal_args_free(struct eal_args *args)
{
	while (args->added_count > 0)
		free(args->added[--args->added_count]);
	free(args->argv);
	free(args->option_argv);
}

void eal_choose_iova(struct eal_args *args)
{
	char why[128] = "--iova-mode=pa asks";

	for (unsigned int i = 0; i < args->device_count; i++)
		if (!args->has_iova_mode && !args->is_physical)
			args->is_physical =
				port_direct_wants_physical(args->devices[i], why, sizeof(why));
	if (args->is_physical)
		snprintf(args->iova_why, sizeof(args->iova_why), "PA, physical addresses, as %s",
			 why);
	else
		snprintf(args->iova_why, sizeof(args->iova_why),
			 "VA, as ioplane chooses the IOVAs itself");
}

void eal_choose_memory(const struct eal_args *args, uint64_t needed, struct eal_memory *memory)
{
	static const size_t sizes[] = {HUGEMEM_2M, HUGEMEM_1G};
	uint64_t free_bytes = 0;

	*memory = (struct eal_memory){.needed = needed};
	for (unsigned int i = 0; i < RTE_DIM(sizes); i++) {
		uint64_t free_pages, total_pages;

		if (hugemem_pages(sizes[i], -1, &free_pages, &total_pages) == 0)
			free_bytes += free_pages * sizes[i];
	}
	memory->is_huge = !args->has_no_huge && free_bytes >= needed;
	if (args->has_no_huge)
		snprintf(memory->why, sizeof(memory->why), "4 KiB pages, as --no-huge asks");
	else if (memory->is_huge)
		snprintf(memory->why, sizeof(memory->why), "huge pages");
	else
		snprintf(memory->why, sizeof(memory->why),
			 "4 KiB pages, as %" PRIu64 " MiB of huge pages are free and DPDK wants "
			 "%" PRIu64,
			 free_bytes >> 20, needed >> 20);
}

static bool has_one_cpu(int *cpu)
{
	cpu_set_t set;

	if (sched_getaffinity(0, sizeof(set), &set) != 0 || CPU_COUNT(&set) != 1)
		return false;
	for (*cpu = 0; !CPU_ISSET(*cpu, &set);)
		++*cpu;
	return true;
}

__attribute__((format(printf, 2, 3))) static void add(struct eal_args *args, const char *format,
						      ...)
{
	va_list arguments;
	char *text;

	va_start(arguments, format);
	RTE_VERIFY(args->added_count < EAL_ADDED_MAX);
	if (vasprintf(&text, format, arguments) >= 0) {
		args->argv[args->argc++] = text;
		args->added[args->added_count++] = text;
	}
	va_end(arguments);
}

static void add_ours(struct eal_args *args, const struct eal_memory *memory)
{
	uint64_t mib = (memory->needed + (1u << 20) - 1) >> 20;
	int cpu;

	/* matches no device: EAL must not probe PCI itself, and --no-pci would end hotplug */
	add(args, "--allow=0000:ff:1f.7");
	if (!args->has_iova_mode)
		add(args, "--iova-mode=%s", args->is_physical ? "pa" : "va");
	if (!args->has_log_level) {
		add(args, "--log-level=warning");
		/* they warn of page sizes and sockets that nobody asked for */
		add(args, "--log-level=lib.eal:error");
		add(args, "--log-level=lib.telemetry:error");
	}
	if (memory->is_huge && !args->has_in_memory)
		add(args, "--in-memory");
	if (!memory->is_huge && !args->has_no_huge)
		add(args, "--no-huge");
	/* as --in-memory means too: another DPDK program may run beside this one */
	if (!memory->is_huge)
		add(args, "--no-shconf");
	if (!memory->is_huge && !args->has_memory) {
		add(args, "-m");
		add(args, "%" PRIu64, mib);
	}
	/* forwarding wants a worker beside the main lcore */
	if (!args->has_lcores && has_one_cpu(&cpu))
		add(args, "--lcores=(0-1)@%d", cpu);
}

/* EAL prints pages of help where an argument is wrong. */
static int init_quietly(struct eal_args *args)
{
	int null = open("/dev/null", O_WRONLY | O_CLOEXEC);
	int out = fcntl(STDOUT_FILENO, F_DUPFD_CLOEXEC, 3);
	int ret;

	fflush(stdout);
	if (null >= 0 && out >= 0)
		dup2(null, STDOUT_FILENO);
	ret = rte_eal_init(args->argc, args->argv);
	fflush(stdout);
	if (null >= 0 && out >= 0)
		dup2(out, STDOUT_FILENO);
	close(null);
	close(out);
	return ret;
}

static void join_words(char *const *words, int count, char *text, size_t size)
{
	size_t length = 0;

	text[0] = '\0';
	for (int i = 0; i < count && length < size; i++)
		length += (size_t)snprintf(text + length, size - length, "%s%s", i > 0 ? " " : "",
					   words[i]);
}

/* EAL says "not available" of what is hidden, and takes pages that move. */
static int check_physical(const struct eal_memory *memory, struct base_error *err)
{
	uint64_t pa;

	if (hugemem_virt_to_phys(memory, &pa) == -EPERM)
		return base_error_set(err, -EPERM,
				      "IOVA mode PA: the kernel hides physical addresses: run as "
				      "root (CAP_SYS_ADMIN), or put the devices behind an IOMMU");
	if (!memory->is_huge)
		return base_error_set(
			err, -ENOMEM,
			"IOVA mode PA: DPDK would have %s, which may move in physical "
			"memory: reserve huge pages, as config/quickstart does",
			memory->why);
	return 0;
}

int eal_start(struct eal_args *args, const struct eal_memory *memory, struct base_error *err)
{
	char **own = args->argv + 1;
	int own_count = args->argc - 1;
	char text[512];

	eal_choose_iova(args);
	if (args->is_physical && check_physical(memory, err) != 0)
		return err->code;
	join_words(own, own_count, text, sizeof(text));
	add_ours(args, memory);
	/* before the user's own, the last of which may lack its value */
	memmove(own + args->added_count, own, (size_t)own_count * sizeof(*own));
	memcpy(own, args->added, args->added_count * sizeof(*own));
	if (init_quietly(args) < 0)
		/* some of its steps fail without a reason, and 0 would be a success */
		return base_error_set(err, rte_errno != 0 ? -rte_errno : -EIO,
				      "EAL does not start (%s) with the arguments \"%s\": see its "
				      "lines above, and its options in DPDK's documentation",
				      rte_strerror(rte_errno), text);
	return 0;
}

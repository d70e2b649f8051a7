# SPDX-License-Identifier: BSD-3-Clause
# What bind, unbind and reserve share. Plain sh and a few tools, so that they run under busybox.
# shellcheck shell=sh

PCI=/sys/bus/pci

# The name of the program that sourced this file begins each of its messages.
say() { printf '%s: %s\n' "${0##*/}" "$*"; }
warn() { printf '%s: %s\n' "${0##*/}" "$*" >&2; }
die() {
	warn "$*"
	exit 1
}

need_root() {
	[ "$(id -u)" = 0 ] || die "must run as root: $1; run it again with sudo"
}

# name_of LINK: the last part of what it points to; nothing where there is no link.
name_of() {
	if [ -L "$1" ]; then basename "$(readlink "$1")"; fi
}

first_line() {
	if [ -r "$1" ]; then head -n 1 "$1"; fi
}

driver_of() { name_of "$PCI/devices/$1/driver"; }
group_of() { name_of "$PCI/devices/$1/iommu_group"; }

# full_address BDF: with its domain, in lower case.
full_address() {
	case $1 in
	*:*:*.*) printf '%s\n' "$1" ;;
	*) printf '0000:%s\n' "$1" ;;
	esac | tr '[:upper:]' '[:lower:]'
}

network_devices() {
	for device in "$PCI"/devices/*; do
		case $(first_line "$device/class") in
		0x02*) printf '%s (%s) ' "${device##*/}" "$(driver_text "${device##*/}")" ;;
		esac
	done
}

driver_text() {
	driver=$(driver_of "$1")
	printf '%s' "${driver:-no driver}"
}

need_device() {
	case $1 in
	*[!0-9a-f:.]*) ;;
	*) [ -e "$PCI/devices/$1/vendor" ] && return ;;
	esac
	die "there is no PCI device $1; network devices here: $(network_devices)"
}

# load_module NAME SIGN: loads a module unless the file or folder SIGN says that it is there.
load_module() {
	[ -e "$2" ] && return
	modprobe "$1" 2>/dev/null || die "cannot load the module $1: it is not in this kernel's" \
		"/lib/modules/$(uname -r)"
	say "loaded the module $1; undo with: modprobe -r $1"
}

# write VALUE FILE: 1 when the kernel does not take it.
write() {
	{ printf '%s\n' "$1" >"$2"; } 2>/dev/null
}

interfaces_of() {
	for net in "$PCI/devices/$1"/net/* "$PCI/devices/$1"/virtio*/net/*; do
		[ ! -e "$net" ] || printf '%s\n' "${net##*/}"
	done
}

# use_of INTERFACE: why the machine would miss it; nothing when it would not.
use_of() {
	flags=$(first_line "/sys/class/net/$1/flags")
	[ $((${flags:-0} & 1)) = 1 ] || return 0
	if awk -v name="$1" '$1 == name && $2 == "00000000" { found = 1 } END { exit !found }' \
		/proc/net/route ||
		{ [ -r /proc/net/ipv6_route ] && awk -v name="$1" '
			$10 == name && $2 == "00" && $1 !~ /[^0]/ { found = 1 } END { exit !found }' \
			/proc/net/ipv6_route; }; then
		echo "carries the default route"
	elif awk -v name="$1" '$1 == name { found = 1 } END { exit !found }' /proc/net/route ||
		{ [ -r /proc/net/if_inet6 ] && awk -v name="$1" '
			$6 == name && $4 != "20" { found = 1 } END { exit !found }' \
			/proc/net/if_inet6; }; then
		echo "is up and has an address"
	elif [ -e "/sys/class/net/$1/master" ]; then
		echo "is up and belongs to $(name_of "/sys/class/net/$1/master")"
	fi
}

# user_of BDF: the processes that hold the device through VFIO.
user_of() {
	group=$(group_of "$1")
	[ -n "$group" ] || return 0
	for process in /proc/[0-9]*; do
		# shellcheck disable=SC2010 # what the links point to is looked for, not their names
		if ls -l "$process/fd" 2>/dev/null | grep -q "> /dev/vfio/\(noiommu-\)*$group\$"; then
			printf '%s (%s) ' "${process##*/}" "$(first_line "$process/comm")"
		fi
	done
}

# take_from BDF: unbinds it from its driver.
take_from() {
	driver=$(driver_of "$1")
	[ -z "$driver" ] || write "$1" "$PCI/drivers/$driver/unbind" ||
		die "$1 cannot be taken from $driver"
}

# give_to BDF DRIVER: lets no other driver take it, then lets this one; 1 when it does not.
give_to() {
	write "$2" "$PCI/devices/$1/driver_override" || return 1
	take_from "$1"
	write "$1" "$PCI/drivers_probe"
	[ "$(driver_of "$1")" = "$2" ]
}

# give_back BDF: lets the kernel choose its driver.
give_back() {
	write "" "$PCI/devices/$1/driver_override"
	take_from "$1"
	write "$1" "$PCI/drivers_probe"
	[ -n "$(driver_of "$1")" ]
}

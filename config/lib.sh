# SPDX-License-Identifier: BSD-3-Clause
# Shell helpers that config/ and tests/run share: packages, build folders, hugepages, cores.
# shellcheck shell=bash disable=SC2034

# What building and running ioplane takes, and what its tests take beside that (Debian names).
BUILD_PACKAGES=(
	gcc libc6-dev dpkg-dev pkg-config meson ninja-build
	libdpdk-dev libnuma-dev libpcap-dev libjansson-dev libbsd-dev
	python3 python3-scapy
)
TEST_PACKAGES=(
	clang llvm libclang-rt-14-dev clang-format shellcheck git
	libcmocka-dev python3-pytest dpdk-dev tcpdump strace
)
# What the virtual test machine takes; tests/vm/fetch fetches the rest of it.
VM_PACKAGES=(mmdebstrap iproute2 strace)

# The name of the program that sourced this file begins each of its messages.
say() { printf '%s: %s\n' "${0##*/}" "$*"; }
die() {
	printf '%s: %s\n' "${0##*/}" "$*" >&2
	exit 1
}

need_root() {
	[ "$(id -u)" = 0 ] || die "must run as root: $1; run it again with sudo"
}

missing_packages() {
	local package
	for package in "$@"; do
		[ "$(dpkg-query -W -f='${db:Status-Status}' "$package" 2>/dev/null)" = installed ] ||
			printf '%s\n' "$package"
	done
}

# install_packages NAME...: installs those that are missing; asks the network only then.
install_packages() {
	local missing log
	mapfile -t missing < <(missing_packages "$@")
	[ ${#missing[@]} -gt 0 ] || return 0
	need_root "packages are missing (${missing[*]})"
	log=$(mktemp)
	say "installing ${missing[*]}"
	export DEBIAN_FRONTEND=noninteractive
	if ! { apt-get -q update &&
		apt-get -q -y --no-install-recommends install "${missing[@]}"; } \
		</dev/null >"$log" 2>&1; then
		tail -n 5 "$log" >&2
		die "could not install ${missing[*]}; the whole log is $log"
	fi
	rm -f "$log"
}

# build_in FOLDER MESON_OPTION...: sets the folder up the first time, then builds what is out
# of date.
build_in() {
	local folder=$1 log
	shift
	log=$(mktemp)
	if [ ! -f "$folder/build.ninja" ] && ! meson setup "$folder" "$@" >"$log" 2>&1; then
		tail -n 20 "$log" >&2
		die "meson could not set up $folder; the whole log is $log"
	fi
	if ! ninja -C "$folder" >"$log" 2>&1; then
		grep -E 'error|warning|undefined reference' "$log" | head -n 20 >&2 || tail "$log" >&2
		die "the build in $folder failed; the whole log is $log"
	fi
	rm -f "$log"
}

# reserve_hugepages COUNT [MIB]: makes sure of COUNT pages in all, of 2 MiB where no other size is
# given; says what it did, fails when there are none at all.
reserve_hugepages() {
	local want=$1 size=${2:-2} folder had have
	folder=/sys/kernel/mm/hugepages/hugepages-$((size * 1024))kB
	[ -r "$folder/nr_hugepages" ] || {
		say "no hugepages: this kernel has no pages of $size MiB"
		return 1
	}
	had=$(cat "$folder/nr_hugepages")
	[ "$had" -lt "$want" ] || return 0
	{ echo "$want" >"$folder/nr_hugepages"; } 2>/dev/null || true
	have=$(cat "$folder/nr_hugepages")
	if [ "$have" -eq "$had" ]; then
		say "could not reserve $want hugepages of $size MiB ($had there): memory is short, or" \
			"$folder/nr_hugepages cannot be written here"
	else
		say "reserved $((have - had)) hugepages of $size MiB, $have of $want in all;" \
			"give them back with: echo $had > $folder/nr_hugepages"
	fi
	[ "$have" -gt 0 ]
}

# lcore_options: EAL's option for a main lcore and a forwarding lcore on the cores that we may use.
lcore_options() {
	local cores
	mapfile -t cores < <(taskset -pc $$ | sed 's/.*: //' | tr ',' '\n' |
		awk -F- '{ for (i = $1; i <= ($2 == "" ? $1 : $2); i++) print i }')
	if [ ${#cores[@]} -gt 1 ]; then
		printf -- '-l %s,%s\n' "${cores[0]}" "${cores[1]}"
	else
		printf -- '--lcores 0@%s,1@%s\n' "${cores[0]}" "${cores[0]}"
	fi
}

# SPDX-License-Identifier: BSD-3-Clause
"""Builds the guest's initramfs: busybox, kernel modules, the build's programs and DPDK."""
import os
import re
import stat
import subprocess
from pathlib import Path

HERE = Path(__file__).resolve().parent
FOLDERS = ("bin", "dev", "etc", "proc", "root", "run", "share", "sys", "tmp", "usr", "usr/lib",
           "usr/lib64", "var")
LINKS = {"lib": "usr/lib", "lib64": "usr/lib64", "sbin": "bin", "var/run": "/run"}
MODULES = ("9p", "9pnet_virtio", "virtio_pci", "virtio_net", "vfio", "vfio_iommu_type1",
           "vfio-pci", "uio_pci_generic", "e1000e", "igb", "igbvf", "vmxnet3")
PMDS = ("bus_pci", "bus_vdev", "mempool_ring", "net_e1000", "net_virtio", "net_vmxnet3",
        "net_null")
# Of the host: strace makes a system call of a program's fail.
TOOLS = (Path("/usr/bin/strace"),)
# Folders of the build whose programs are in the guest's /bin.
PROGRAMS = ("app", "tests/contract", "tests/vm", "tests/bench")


class Archive:
    """A cpio archive in the form that the kernel unpacks ("newc")."""

    def __init__(self):
        self.entries = {}

    def add(self, name, mode, data=b""):
        self.entries[str(name).lstrip("/")] = (mode, data)

    def folder(self, name):
        for parent in reversed(Path(str(name).lstrip("/")).parents):
            if str(parent) != ".":
                self.add(parent, stat.S_IFDIR | 0o755)
        self.add(name, stat.S_IFDIR | 0o755)

    def link(self, name, target):
        self.add(name, stat.S_IFLNK | 0o777, os.fsencode(target))

    def file(self, path, name):
        """A file of the host under a name in the guest."""
        self.add(name, stat.S_IFREG | 0o755, Path(path).read_bytes())

    def library(self, path):
        """A shared object where the host has it. Each symlink on the way to it stays one:
        a plugin that is there twice is loaded twice."""
        path = Path(os.path.realpath(path.parent)) / path.name
        if str(path).lstrip("/") in self.entries:
            return
        self.folder(path.parent)
        if path.is_symlink():
            self.link(path, os.readlink(path))
            self.library(path.parent / os.readlink(path))
        else:
            self.file(path, path)

    def write(self, path):
        """Folders come before what is in them: they were added before."""
        with open(path, "wb") as out:
            for number, (name, (mode, data)) in enumerate(self.entries.items(), 1):
                self._entry(out, number, name, mode, data)
            self._entry(out, 0, "TRAILER!!!", 0, b"")

    @staticmethod
    def _entry(out, number, name, mode, data):
        name = name.encode() + b"\0"
        fields = (number, mode, 0, 0, 1, 0, len(data), 0, 0, 0, 0, len(name), 0)
        head = b"070701" + b"".join(b"%08x" % field for field in fields) + name
        out.write(head + bytes(-len(head) % 4))
        out.write(data)
        out.write(bytes(-len(data) % 4))


def needed_libraries(programs):
    """All shared objects that programs or libraries load, the loader too."""
    said = subprocess.run(["ldd", *programs], check=True, capture_output=True, text=True).stdout
    return sorted({Path(path) for path in re.findall(r"(?:=> |^\t)(/\S+) \(0x", said, re.M)})


def pmds():
    """The plugins among DPDK's that the guest's devices need, by the name without a version."""
    libdir = subprocess.run(["pkg-config", "--variable=libdir", "libdpdk"], check=True,
                            capture_output=True, text=True).stdout.strip()
    folder, = Path(libdir).glob("dpdk/pmds-*")
    return [folder / f"librte_{name}.so" for name in PMDS]


def programs(build):
    """The build's programs; those of another project (meson's own files) are left out."""
    for folder in PROGRAMS:
        for path in sorted((build / folder).glob("*")):
            if path.is_file() and os.access(path, os.X_OK) and path.suffix == "":
                yield path


def add_modules(archive, modules):
    """Some modules, those that they need, and the list that says so."""
    needs = dict(line.split(":") for line in (modules / "modules.dep").read_text().splitlines())
    paths = {re.sub(r"\.ko.*", "", Path(path).name).replace("-", "_"): path for path in needs}
    at = Path("usr/lib/modules") / modules.name
    for name in MODULES:
        path = paths[name.replace("-", "_")]
        for one in [path, *needs[path].split()]:
            archive.folder(at / Path(one).parent)
            archive.file(modules / one, at / one)
    archive.file(modules / "modules.dep", at / "modules.dep")


def build_archive(kernel, build, out):
    """Writes the archive `out` from .deps/vm's kernel folder and a build folder."""
    archive = Archive()
    for name in FOLDERS:
        archive.folder(name)
    for name, target in LINKS.items():
        archive.link(name, target)
    archive.file(kernel / "bin" / "busybox", "bin/busybox")
    archive.link("bin/sh", "busybox")
    archive.file(HERE / "guest" / "init", "init")
    for name in ("agent", "beat", "inject", "nics"):
        archive.file(HERE / "guest" / name, f"bin/{name}")
    modules, = (kernel / "lib" / "modules").iterdir()
    add_modules(archive, modules)
    ours, plugins = [*programs(build), *TOOLS], pmds()
    for path in ours:
        archive.file(path, f"bin/{path.name}")
    for path in plugins:
        # The libraries' folder has links to plugins, for programs that are linked with one.
        archive.library(path)
        archive.library(path.parents[2] / f"{path.name}")
    for path in needed_libraries([*ours, *plugins]):
        archive.library(path)
    archive.write(out)

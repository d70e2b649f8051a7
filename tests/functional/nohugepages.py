# SPDX-License-Identifier: BSD-3-Clause
"""Runs a program for which the system has no huge pages: nohugepages.py PROGRAM ARGUMENT..."""
import ctypes
import errno
import os
import struct
import sys

PR_SET_SECCOMP, SECCOMP_MODE_FILTER, PR_SET_NO_NEW_PRIVS = 22, 2, 38
LOAD, JUMP_EQUAL, JUMP_ANY_BIT, RETURN = 0x20, 0x15, 0x45, 0x06
ALLOW, FAIL = 0x7FFF0000, 0x00050000 | errno.ENOMEM
NUMBER, FOURTH = 0, 40  # where struct seccomp_data has them
SYS_MMAP, MAP_HUGETLB = 9, 0x40000  # x86-64


def refuse_huge_pages():
    """From here on mmap() of huge pages is ENOMEM, as where none is free."""
    steps = [(LOAD, 0, 0, NUMBER), (JUMP_EQUAL, 0, 3, SYS_MMAP),
             (LOAD, 0, 0, FOURTH), (JUMP_ANY_BIT, 0, 1, MAP_HUGETLB),
             (RETURN, 0, 0, FAIL), (RETURN, 0, 0, ALLOW)]
    code = ctypes.create_string_buffer(b"".join(struct.pack("HBBI", *step) for step in steps))
    program = ctypes.create_string_buffer(
        struct.pack("HxxxxxxQ", len(steps), ctypes.addressof(code)))
    libc = ctypes.CDLL(None, use_errno=True)
    for option, value, more in ((PR_SET_NO_NEW_PRIVS, 1, 0),
                                (PR_SET_SECCOMP, SECCOMP_MODE_FILTER, program)):
        if libc.prctl(option, value, more, 0, 0) != 0:
            sys.exit(f"prctl({option}): {os.strerror(ctypes.get_errno())}")


if __name__ == "__main__":
    refuse_huge_pages()
    os.execvp(sys.argv[1], sys.argv[1:])

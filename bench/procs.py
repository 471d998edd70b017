"""CPU time and memory of processes, of their trees and of the machine, from /proc (man 5 proc)."""

from __future__ import annotations

import os
import re
from dataclasses import dataclass
from pathlib import Path

TICKS_PER_S = os.sysconf("SC_CLK_TCK")


@dataclass(frozen=True)
class Cpu:
    """CPU time in seconds, with the resolution of a clock tick (10 ms) per process."""

    user_s: float = 0.0
    system_s: float = 0.0

    def __add__(self, other: Cpu) -> Cpu:
        return Cpu(self.user_s + other.user_s, self.system_s + other.system_s)

    def __sub__(self, other: Cpu) -> Cpu:
        return Cpu(self.user_s - other.user_s, self.system_s - other.system_s)

    @property
    def total_s(self) -> float:
        return self.user_s + self.system_s


@dataclass(frozen=True)
class Process:
    """One line of /proc/PID/stat. `start` tells a process from a later one with the same pid."""

    pid: int
    state: str
    parent: int
    session: int
    start: int
    own: Cpu
    reaped: Cpu  # of children that ended and were waited for

    @property
    def alive(self) -> bool:
        return self.state not in "ZX"


def read_process(pid: int) -> Process | None:
    """The process, or None when it is gone."""
    try:
        text = Path(f"/proc/{pid}/stat").read_text(errors="replace")  # a name may be any bytes
    except (FileNotFoundError, ProcessLookupError):
        return None
    # The name, field 2, is in parentheses and may hold anything; field 3 is the first behind it.
    state, *fields = text[text.rindex(")") + 2 :].split()
    number = [int(field) for field in fields]
    ticks = [value / TICKS_PER_S for value in number[10:14]]
    own, reaped = Cpu(*ticks[:2]), Cpu(*ticks[2:])
    return Process(pid, state, number[0], number[2], number[18], own, reaped)


def tree(roots: list[int]) -> list[Process]:
    """The roots, all that descends from them, and all that runs in a session they lead."""
    pids = [int(name) for name in os.listdir("/proc") if name.isdigit()]
    everything = [process for pid in pids if (process := read_process(pid))]
    members = {p.pid: p for p in everything if p.pid in roots or p.session in roots}
    while found := {p.pid: p for p in everything if p.parent in members and p.pid not in members}:
        members |= found
    return list(members.values())


def cpu_of(processes: list[Process]) -> Cpu:
    """CPU of these processes and of their children that have ended."""
    return sum((p.own + p.reaped for p in processes), Cpu())


@dataclass(frozen=True)
class Memory:
    """In KiB. RSS counts a page in every process that maps it, PSS in parts that add up to one;
    anon is the part of PSS that is the processes' own data, so neither files nor shared memory.
    """

    rss_kib: int = 0
    pss_kib: int = 0
    anon_kib: int = 0

    def __add__(self, other: Memory) -> Memory:
        return Memory(
            self.rss_kib + other.rss_kib,
            self.pss_kib + other.pss_kib,
            self.anon_kib + other.anon_kib,
        )

    def __sub__(self, other: Memory) -> Memory:
        return Memory(
            self.rss_kib - other.rss_kib,
            self.pss_kib - other.pss_kib,
            self.anon_kib - other.anon_kib,
        )


def memory_of(processes: list[Process]) -> Memory:
    """Of what is still there of these processes."""
    return sum((_memory(process.pid) for process in processes), Memory())


def _memory(pid: int) -> Memory:
    try:
        text = Path(f"/proc/{pid}/smaps_rollup").read_text()
    except (FileNotFoundError, ProcessLookupError):
        return Memory()
    kib = _kib_lines(text)
    return Memory(kib.get("Rss", 0), kib.get("Pss", 0), kib.get("Pss_Anon", 0))


def kernel_memory_kib() -> int:
    """Of the whole machine: the kernel's objects, sockets among them, and what sockets buffer."""
    pages = re.search(r"^TCP: .* mem (\d+)$", Path("/proc/net/sockstat").read_text(), re.MULTILINE)
    buffered_kib = int(pages[1]) * os.sysconf("SC_PAGE_SIZE") // 1024 if pages else 0
    return _kib_lines(Path("/proc/meminfo").read_text())["Slab"] + buffered_kib


def descriptors_of(processes: list[Process]) -> int:
    """How many files and sockets are open in them."""
    count = 0
    for process in processes:
        try:
            count += len(os.listdir(f"/proc/{process.pid}/fd"))
        except (FileNotFoundError, ProcessLookupError):
            continue
    return count


def _kib_lines(text: str) -> dict[str, int]:
    return {name: int(kib) for name, kib in re.findall(r"^(\w+):\s+(\d+) kB$", text, re.MULTILINE)}


def machine_busy_s() -> float:
    """CPU that all processes of the machine, and interrupts, have used since boot."""
    user, nice, system, _idle, _iowait, irq, softirq = _machine_ticks()[:7]
    return (user + nice + system + irq + softirq) / TICKS_PER_S


def machine_stolen_s() -> float:
    """CPU that the hypervisor has given to other machines since boot."""
    return _machine_ticks()[7] / TICKS_PER_S


def _machine_ticks() -> list[int]:
    with open("/proc/stat") as file:
        return [int(field) for field in file.readline().split()[1:]]

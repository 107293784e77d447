"""What processes used, read from ``/proc``: nothing where there is none (outside Linux)."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Final

_PROC: Final = Path("/proc")
_NAME_END: Final = ")"
# Fields of /proc/PID/stat after the name, counted from the state: proc_pid_stat(5).
_PARENT, _FIRST_TIME, _AFTER_TIMES = 1, 11, 15


def cpu_seconds(pid: int) -> float | None:
    """Processor time of a process and of its children that have ended."""
    fields = _stat(pid)
    if fields is None:
        return None
    return sum(int(field) for field in fields[_FIRST_TIME:_AFTER_TIMES]) / os.sysconf("SC_CLK_TCK")


def tree_cpu_seconds(pid: int) -> float | None:
    """Processor time of a process and all its descendants, ended ones too."""
    times = [cpu_seconds(one) for one in tree(pid)]
    known = [time for time in times if time is not None]
    return sum(known) if known else None


def tree(pid: int) -> list[int]:
    """A process and its descendants that are alive."""
    children: dict[int, list[int]] = {}
    for folder in _PROC.glob("[0-9]*"):
        fields = _stat(int(folder.name))
        if fields is not None:
            children.setdefault(int(fields[_PARENT]), []).append(int(folder.name))
    found = [pid]
    for one in found:
        found.extend(children.get(one, ()))
    return found


def parent(pid: int) -> int | None:
    """The parent of a process."""
    fields = _stat(pid)
    return None if fields is None else int(fields[_PARENT])


def resident_mb(pid: int) -> float | None:
    """Memory that a process has in use, what it shares with others included; in 10^6 bytes."""
    return _memory(_PROC / str(pid) / "status", "VmRSS:")


def proportional_mb(pid: int) -> float | None:
    """Memory of a process and its descendants; shared pages count once in all."""
    sizes = [_memory(_PROC / str(one) / "smaps_rollup", "Pss:") for one in tree(pid)]
    known = [size for size in sizes if size is not None]
    return sum(known) if known else None


def _stat(pid: int) -> list[str] | None:
    """The fields after the name, which may hold spaces and brackets itself."""
    try:
        text = (_PROC / str(pid) / "stat").read_text(errors="replace")
    except OSError:
        return None
    return text[text.rindex(_NAME_END) + 2 :].split()


def _memory(path: Path, name: str) -> float | None:
    try:
        lines = path.read_text().splitlines()
    except OSError:
        return None
    for line in lines:
        if line.startswith(name):
            return int(line.split()[1]) * 1024 / 1e6
    return None

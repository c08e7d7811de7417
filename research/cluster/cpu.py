"""CPU time of this process and of all that it starts, from the kernel's control groups.

The times that a process has of its children leave out those of daemons that are killed.
"""

from __future__ import annotations

import os
from pathlib import Path

# Control groups of version 1 with their own hierarchy, and of version 2.
VERSION_1, VERSION_2 = Path("/sys/fs/cgroup/cpuacct"), Path("/sys/fs/cgroup")


class Group:
    """A control group that holds this process; needs root."""

    def __init__(self) -> None:
        self.parent = VERSION_1 if VERSION_1.is_dir() else VERSION_2
        self.folder = self.parent / f"bm-cluster-{os.getpid()}"

    def __enter__(self) -> Group:
        self.folder.mkdir()
        (self.folder / "cgroup.procs").write_text(str(os.getpid()))
        return self

    def __exit__(self, *_: object) -> None:
        (self.parent / "cgroup.procs").write_text(str(os.getpid()))
        try:
            self.folder.rmdir()
        except OSError:
            pass  # a process is still ending; the empty group does no harm

    def seconds(self) -> float:
        if self.parent == VERSION_1:
            return int((self.folder / "cpuacct.usage").read_text()) / 1e9
        fields = dict(line.split() for line in (self.folder / "cpu.stat").read_text().splitlines())
        return int(fields["usage_usec"]) / 1e6

"""A Slurm cluster of two nodes on this machine, on loopback, from programs that need not be installed.

Each node is a ``slurmd`` in a process and a mount namespace of its own. Killing the first process of the namespace
ends everything on the node at once, as a power failure does; and a file system can be mounted on one node alone.
Both need root.
"""

from __future__ import annotations

import os
import shlex
import socket
import subprocess
import time
from pathlib import Path

NODES = ("n1", "n2")
CPUS = 2
MEMORY_MB = 8000
CLIENTS = ("sbatch", "scancel", "scontrol", "sinfo", "squeue", "srun", "sacct", "sacctmgr")

# Seconds until an answer is an error. Most things happen within two.
PATIENCE = 60


class Cluster:
    """munged, slurmctld and the nodes, all below ``folder``; ``root`` is the folder that the packages were unpacked to."""

    def __init__(self, root: Path, folder: Path):
        self.root, self.folder = root, folder
        self.bin = folder / "bin"
        self.conf = folder / "slurm.conf"
        self.socket = folder / "munge.socket"
        self.processes: dict[str, subprocess.Popen] = {}
        self.plugins = next(root.glob("usr/lib/*/slurm*/auth_munge.so")).parent
        self.library_path = f"{self.plugins.parent}:{self.plugins}"

    def __enter__(self) -> Cluster:
        if len(str(self.socket)) > 100:
            raise SystemExit(f"{self.folder}: the path is too long for a socket")
        self.folder.mkdir(parents=True)
        self._write_key()
        self._write_conf()
        self._write_clients()
        try:
            self._start_munged()
            for folder in ("state", *NODES):
                (self.folder / folder).mkdir()
            self._start("slurmctld", [str(self.program("slurmctld")), "-D", "-c"])
            for node in NODES:
                self.start_node(node)
        except BaseException:
            self.__exit__()
            raise
        return self

    def __exit__(self, *_: object) -> None:
        for name in reversed(list(self.processes)):
            self.stop(name)

    def program(self, name: str) -> Path:
        """Returns a program of the packages; Debian's have a suffix until an installation script links them."""
        places = [self.root / "usr" / part / f"{name}{suffix}" for part in ("sbin", "bin") for suffix in ("", "-wlm")]
        return next(place for place in places if place.exists())

    def environment(self) -> dict[str, str]:
        return os.environ | {"SLURM_CONF": str(self.conf), "LD_LIBRARY_PATH": self.library_path}

    def version(self) -> str:
        return self.client("sinfo", "--version").strip()

    def start_node(self, node: str, small_disk: tuple[Path, int] | None = None) -> None:
        """Starts a node; ``small_disk`` is a folder and the size in kB of a file system that only this node has there."""
        start = "exec " + shlex.join([str(self.program("slurmd")), "-D", "-N", node, "-d", str(self.program("slurmstepd"))])
        if small_disk:
            folder, size = small_disk
            start = f"mount -t tmpfs -o size={size}k none {shlex.quote(str(folder))} && {start}"
        self._start(node, ["unshare", "--mount", "--pid", "--fork", "--mount-proc", "--kill-child", "sh", "-c", start])
        self.wait_for_node(node, "idle")

    def stop(self, name: str) -> None:
        """Ends a process that this program started; a node ends at once, with all of its jobs."""
        process = self.processes.pop(name)
        if name in NODES:
            process.kill()
        else:
            process.terminate()
        try:
            process.wait(PATIENCE)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()

    def client(self, name: str, *arguments: str) -> str:
        return subprocess.run([self.bin / name, *arguments], check=True, capture_output=True, text=True).stdout

    def state(self, node: str) -> str:
        return self.client("sinfo", "--noheader", "--Node", "--nodes", node, "--format", "%T").strip()

    def wait_for_node(self, node: str, state: str) -> None:
        wait(f"node {node} to be {state}", lambda: self.state(node) == state)

    def files_on(self, node: str, folder: Path) -> list[str]:
        """Returns the files of a folder as the node sees it."""
        inner = Path(f"/proc/{self.processes[node].pid}/task/{self.processes[node].pid}/children").read_text().split()[0]
        listing = subprocess.run(["nsenter", "--target", inner, "--mount", "find", folder, "-type", "f"], check=True, capture_output=True, text=True)
        return listing.stdout.splitlines()

    def running(self, node: str) -> list[tuple[str, str]]:
        """Returns the numbers and comments of the jobs that run on a node."""
        lines = self.client("squeue", "--noheader", "--states", "R", "--nodelist", node, "--format", "%i|%k").splitlines()
        return [tuple(line.split("|", 1)) for line in lines]

    def restarts(self, job: str) -> int:
        words = self.client("scontrol", "show", "job", job).split()
        return int(next(word.removeprefix("Restarts=") for word in words if word.startswith("Restarts=")))

    def _start(self, name: str, command: list[str]) -> None:
        log = (self.folder / f"{name}.log").open("ab")
        self.processes[name] = subprocess.Popen(command, env=self.environment(), stdin=subprocess.DEVNULL, stdout=log, stderr=log)

    def _start_munged(self) -> None:
        places = {"key-file": "munge.key", "socket": "munge.socket", "pid-file": "munge.pid", "log-file": "munge.log", "seed-file": "munge.seed"}
        options = [f"--{option}={self.folder / name}" for option, name in places.items()]
        self._start("munged", [str(self.program("munged")), "--foreground", "--force", *options])
        wait("munged", self.socket.exists)

    def _write_key(self) -> None:
        key = self.folder / "munge.key"
        key.touch(mode=0o600)
        key.write_bytes(os.urandom(1024))

    def _write_conf(self) -> None:
        host = socket.gethostname().split(".")[0]
        ports = free_ports(1 + len(NODES))
        lines = [
            "ClusterName=loopback",
            f"SlurmctldHost={host}(127.0.0.1)",
            f"SlurmctldPort={ports[0]}",
            # A job whose node was lost starts again after this number of seconds, by default 120.
            f"AuthInfo=socket={self.socket},cred_expire=10",
            "AuthType=auth/munge",
            "SlurmUser=root",
            f"PluginDir={self.plugins}",
            f"StateSaveLocation={self.folder / 'state'}",
            f"SlurmdSpoolDir={self.folder}/%n",
            f"SlurmctldPidFile={self.folder / 'slurmctld.pid'}",
            f"SlurmdPidFile={self.folder}/%n.pid",
            "ProctrackType=proctrack/linuxproc",
            "TaskPlugin=task/none",
            "MpiDefault=none",
            "SelectType=select/cons_tres",
            "SelectTypeParameters=CR_Core_Memory",
            "SchedulerParameters=sched_min_interval=500000,bf_interval=5",
            # Two nodes have more cores together than the machine.
            "SlurmdParameters=config_overrides",
            "AccountingStorageType=accounting_storage/none",
            "JobAcctGatherType=jobacct_gather/none",
            "PropagateResourceLimits=NONE",
            "MailProg=/bin/true",
            "ReturnToService=2",
            "SlurmdTimeout=10",
            # Without accounting, states of ended jobs are those that slurmctld still has.
            "MinJobAge=600",
            "JobRequeue=1",
        ]
        for node, port in zip(NODES, ports[1:]):
            lines.append(f"NodeName={node} NodeHostname={host} NodeAddr=127.0.0.1 Port={port} CPUs={CPUS} RealMemory={MEMORY_MB}")
        lines.append(f"PartitionName=work Nodes={','.join(NODES)} Default=YES MaxTime=120 State=UP")
        self.conf.write_text("\n".join(lines) + "\n")

    def _write_clients(self) -> None:
        """Writes the commands of Slurm: Snakemake's plugin takes variables such as SLURM_CONF out of the environment."""
        self.bin.mkdir()
        for name in CLIENTS:
            script = self.bin / name
            script.write_text(f'#!/bin/sh\nSLURM_CONF={self.conf} LD_LIBRARY_PATH={self.library_path} exec {self.program(name)} "$@"\n')
            script.chmod(0o755)


def wait(what: str, done, seconds: float = PATIENCE) -> None:
    """Waits until ``done()`` holds; a command that fails meanwhile is an answer that is not there yet."""
    end = time.monotonic() + seconds
    while True:
        try:
            if done():
                return
        except subprocess.CalledProcessError:
            pass
        if time.monotonic() > end:
            raise SystemExit(f"waited {seconds:.0f} s for {what}")
        time.sleep(0.2)


def free_ports(number: int) -> list[int]:
    """Returns ports of loopback that nothing uses now."""
    sockets = [socket.socket() for _ in range(number)]
    for each in sockets:
        each.bind(("127.0.0.1", 0))
    ports = [each.getsockname()[1] for each in sockets]
    for each in sockets:
        each.close()
    return ports

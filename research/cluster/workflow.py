"""The workflow of ``packaging/snakemake`` on a cluster, and the same by single calls of bm."""

from __future__ import annotations

import gzip
import hashlib
import json
import os
import re
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

import multiqc_page
from reads import Lane, write_sheet
from slurm import CPUS, Cluster

PACKAGING = Path(__file__).resolve().parents[2] / "packaging" / "snakemake"
MEMORY_MB = 2000

# Written by Snakemake into each folder that a rule makes.
TIMESTAMP = ".snakemake_timestamp"

# Values of a report that tell how bm was called.
OF_THE_CALLS = ("outputs", "time", "parts")

TIMED_BM = """#!/bin/sh
# bm, with its CPU time in a file.
{bm} "$@"
code=$?
times > "$(mktemp {folder}/XXXXXXXX.times)"
exit $code
"""


@dataclass
class Workflow:
    """A folder in which the workflow runs."""

    cluster: Cluster
    bm: Path
    folder: Path
    lanes: list[Lane]
    shards: int = 1  # of each lane

    def __post_init__(self) -> None:
        self.times = self.folder / "times"
        self.times.mkdir(parents=True)
        write_sheet(self.lanes, self.folder / "samples.csv")
        timed = self.folder / "bin" / "bm"
        timed.parent.mkdir()
        timed.write_text(TIMED_BM.format(bm=self.bm, folder=self.times))
        timed.chmod(0o755)

    @property
    def results(self) -> Path:
        return self.folder / "results"

    def start(self, *options: str) -> subprocess.Popen:
        """Starts Snakemake, which submits the jobs, with the profile for Slurm."""
        threads = [f"{rule}={CPUS}" for rule in ("observe", "adapt", "filter_pairs", "filter_single")]
        command = [sys.executable, "-m", "snakemake", "--snakefile", PACKAGING / "workflow" / "Snakefile", "--directory", self.folder]
        command += ["--profile", PACKAGING / "profiles" / "slurm", "--config", "samples=samples.csv"]
        command += [f"memory_mb={MEMORY_MB}", f"shards={self.shards}"]
        command += ["--set-threads", *threads, "--default-resources", "slurm_partition=work"]
        # There is no accounting, and these jobs take seconds.
        command += ["--slurm-status-command", "squeue", "--slurm-init-seconds-before-status-checks", "2"]
        command += ["--seconds-between-status-checks", "2", "--latency-wait", "10", *options]
        paths = [self.folder / "bin", self.cluster.bin, Path(sys.executable).parent, os.environ["PATH"]]
        environment = os.environ | {"PATH": os.pathsep.join(map(str, paths)), "XDG_CACHE_HOME": str(self.folder / "cache")}
        # Inside another cluster's job, Snakemake would take this for its own.
        environment = {key: value for key, value in environment.items() if not key.startswith("SLURM_")}
        log = (self.folder / "snakemake.log").open("ab")
        return subprocess.Popen(command, env=environment, stdin=subprocess.DEVNULL, stdout=log, stderr=log)

    def run(self, *options: str) -> None:
        """Runs the workflow to its end.

        Raises
        ------
        SystemExit
            When it fails.
        """
        if self.start(*options).wait() != 0:
            raise SystemExit(f"the workflow failed; its log ends:\n{self.log()[-3000:]}")

    def log(self) -> str:
        return (self.folder / "snakemake.log").read_text(errors="replace")

    def cpu_s(self) -> float:
        """CPU seconds of all calls of bm that ended."""
        seconds = 0.0
        for file in self.times.glob("*.times"):
            # The second line has the user and system times of children, as 1m2.345s.
            children = file.read_text().splitlines()[1]
            seconds += sum(60 * int(minutes) + float(rest) for minutes, rest in re.findall(r"(\d+)m([\d.]+)s", children))
        return seconds

    def multiqc_sections(self) -> dict[str, set[str]]:
        """Returns the rows of each section in MultiQC's page."""
        return multiqc_page.check(self.results / "reports" / "multiqc", self.results / "multiqc")

    def digests(self) -> dict[str, str]:
        return digests(self.results)


def single_calls(bm: Path, lanes: list[Lane], folder: Path) -> dict[str, str]:
    """Runs bm adapt once per sample on all of its files, bm filter once per lane and bm report merge; returns the digests of what they write."""
    models, kept, reports = folder / "models", folder / "kept", folder / "reports"
    for each in (models, kept, reports):
        each.mkdir(parents=True)
    threads = ["-j", str(CPUS), "-q"]
    for sample in dict.fromkeys(lane.sample for lane in lanes):
        own = [lane for lane in lanes if lane.sample == sample]
        model = models / f"{sample}.model"
        files = [file for lane in own for file in lane.files]
        subprocess.run([bm, "adapt", *files, "--evidence", "--max-memory", f"{MEMORY_MB}M", *threads, "-o", model], check=True)
        parts = []
        for number, lane in enumerate(own, start=1):
            name = f"{sample}_L{number:03}"
            outputs = ["-o", kept / f"{name}.fastq.gz"]
            if len(lane.files) == 2:
                outputs = ["-o", kept / f"{name}_R1.fastq.gz", "-O", kept / f"{name}_R2.fastq.gz"]
            parts.append(folder / f"{name}.json")
            subprocess.run([bm, "filter", *lane.files, "-m", model, *threads, *outputs, "--report", parts[-1], "--distributions"], check=True)
        counts = reports / "multiqc" / sample
        counts.mkdir(parents=True)
        for_multiqc = ["--multiqc", counts / f"{sample}{multiqc_page.END}", "--sample", sample]
        subprocess.run([bm, "report", "merge", *parts, "-o", reports / f"{sample}.filter.json", *for_multiqc], check=True)
    return digests(folder)


def digests(folder: Path) -> dict[str, str]:
    """Returns the SHA-256 of every file of the packages and for MultiQC, of the text of every file of reads, and of the merged reports, by name."""
    models = folder / "models"
    found = {}
    for parent in (models, folder / "reports" / "multiqc"):
        files = [file for file in sorted(parent.rglob("*")) if file.is_file() and file.name != TIMESTAMP]
        found |= {str(file.relative_to(parent)): hashlib.sha256(file.read_bytes()).hexdigest() for file in files}
    for file in sorted((folder / "kept").glob("*.gz")):
        with gzip.open(file) as text:
            found[file.name] = hashlib.file_digest(text, "sha256").hexdigest()
    for file in sorted((folder / "reports").glob("*.filter.json")):
        found[file.name] = hashlib.sha256(counted(json.loads(file.read_text())).encode()).hexdigest()
    return found


def counted(report: dict) -> str:
    """Returns what a report counted, without times and names of files."""
    return json.dumps({key: value for key, value in report.items() if key not in OF_THE_CALLS}, sort_keys=True)


def compare(what: str, found: dict[str, str], expected: dict[str, str]) -> None:
    """Raises SystemExit with the names of the files that differ or are missing."""
    if wrong := sorted(name for name in found.keys() | expected.keys() if found.get(name) != expected.get(name)):
        raise SystemExit(f"{what}: not as from single calls: {', '.join(wrong)}")

#!/usr/bin/env python3
"""Run the workflow of packaging/snakemake on two nodes of Slurm on this machine, and compare it with single calls of bm.

    cluster.py --bm BM --slurm DIR --scratch DIR --output DIR [--data DIR] [--reads N]

The same reads are filtered by single calls; on the cluster, each lane by one, two and four jobs; on the cluster while a node is
killed in the middle of a job; on the cluster with a full disk on one node, which must fail, and then without. ``cargo xtask cluster`` calls this,
with an interpreter that has Snakemake. Needs root, for the namespaces of the nodes.
"""

from __future__ import annotations

import argparse
import datetime
import hashlib
import json
import os
import platform
import re
import shutil
import signal
import subprocess
import sys
import time
from importlib.metadata import version
from pathlib import Path

import page
import reads
from cpu import Group
from slurm import NODES, Cluster, wait
from workflow import Workflow, compare, single_calls

ROOT = Path(__file__).resolve().parents[2]

# Jobs for a lane.
SHARDS = (1, 2, 4)

# Seconds until a job must have come to the second node.
LONG = 900


def sources(data: Path | None) -> dict[str, list[list[Path]]]:
    """Returns the files of the lanes of each sample: two lanes of pairs, and one of single reads."""
    test = ROOT / "testdata"
    pairs = [[test / "hiseq_measles" / f"hiseq_measles_{mate}.fastq.gz" for mate in (1, 2)]] * 2
    if data:
        names = ["novaseq_sars2_berlin", "novaseq_sars2_berlin_t5"]
        pairs = [sorted((data / "train" / name).glob("*_[12].fastq.gz")) for name in names]
    return {"pairs": pairs, "single": [[test / "hiseqx_phage" / "hiseqx_phage.fastq.gz"]]}


def plain(workflow: Workflow, expected: dict[str, str], group: Group) -> dict[str, object]:
    began, cpu = time.monotonic(), group.seconds()
    workflow.run()
    wall, cpu = time.monotonic() - began, group.seconds() - cpu
    compare(f"with {workflow.shards} jobs for a lane", workflow.digests(), expected)
    sections, samples = workflow.multiqc_sections(), {lane.sample for lane in workflow.lanes}
    if wrong := [name for name, rows in sections.items() if {row.removesuffix(" R1").removesuffix(" R2") for row in rows} != samples]:
        raise SystemExit(f"MultiQC does not show all of {', '.join(sorted(samples))} in {', '.join(wrong)}")
    used = {"wall_s": round(wall, 1), "cpu_s": round(cpu, 1), "cpu_bm_s": round(workflow.cpu_s(), 1)}
    return {"shards": workflow.shards, **used, "multiqc_samples": len(samples), "multiqc_sections": len(sections)}


def filter_job(cluster: Cluster, node: str) -> str | None:
    """Returns the number of a job of bm filter that runs on the node."""
    return next((job for job, comment in cluster.running(node) if "filter" in comment), None)


def killed_node(workflow: Workflow, expected: dict[str, str]) -> dict[str, object]:
    """Kills the second node while bm filter writes there; Slurm must start the job again on the other node."""
    cluster, node = workflow.cluster, NODES[1]
    began = time.monotonic()
    snakemake = workflow.start()
    try:
        wait(f"bm filter on {node}", lambda: snakemake.poll() is not None or filter_job(cluster, node), LONG)
        job = filter_job(cluster, node)
        if job is None:
            raise SystemExit(f"the workflow ended before a job came to {node}:\n{workflow.log()[-3000:]}")
        partial = workflow.results / "kept"
        # Snakemake makes the folder when bm is about to start; what bm writes has another name until it is complete.
        wait("output of bm filter", lambda: job != filter_job(cluster, node) or unfinished(partial), LONG)
        if job != filter_job(cluster, node):
            raise SystemExit(f"job {job} ended before its node could be killed; take more --reads")
        unfinished_files = unfinished(partial)
        cluster.stop(node)
        code = snakemake.wait(LONG)
    finally:
        snakemake.kill()
        snakemake.wait()
    if code != 0:
        raise SystemExit(f"the workflow failed after a node was killed; its log ends:\n{workflow.log()[-3000:]}")
    restarts = cluster.restarts(job)
    if restarts < 1:
        raise SystemExit(f"job {job} ended although its node was killed")
    wall = time.monotonic() - began
    compare("after a node was killed", workflow.digests(), expected)
    left = unfinished(partial)
    cluster.start_node(node)
    return {
        "wall_s": round(wall, 1),
        "restarts": restarts,
        "files_unfinished_at_kill": len(unfinished_files),
        "files_unfinished_at_end": len(left),
    }


def unfinished(folder: Path) -> list[Path]:
    """Returns files whose names are not final."""
    return [file for file in folder.iterdir() if not file.name.endswith(".fastq.gz") or file.name.startswith(".")] if folder.is_dir() else []


def full_disk(workflow: Workflow, expected: dict[str, str], size: int) -> dict[str, object]:
    """Gives the second node a disk of ``size`` kB where kept reads go: its jobs must fail and leave nothing; then runs what is missing."""
    cluster, node = workflow.cluster, NODES[1]
    kept = workflow.results / "kept"
    kept.mkdir(parents=True)
    cluster.stop(node)
    cluster.wait_for_node(NODES[0], "idle")
    cluster.start_node(node, small_disk=(kept, size))
    code = workflow.start("--retries", "0", "--keep-going").wait()
    if code == 0:
        raise SystemExit(f"the workflow did not fail with a full disk on {node}")
    on_node = cluster.files_on(node, kept)
    if on_node:
        raise SystemExit(f"on the full disk: {', '.join(on_node)}")
    finished = workflow.digests()
    if wrong := [name for name, digest in finished.items() if expected[name] != digest]:
        raise SystemExit(f"with a full disk on one node, these have a final name and are wrong: {', '.join(wrong)}")
    for name in expected.keys() - finished.keys():
        part = re.sub(r"(_R[12])?\.fastq\.gz$", "", name)
        if reports := [file.name for file in (workflow.results / "reports" / "parts").glob(f"{part}.json")]:
            raise SystemExit(f"{name} could not be written, and has reports: {', '.join(reports)}")
    logs = sorted((workflow.results / "logs" / "filter").glob("*.log"))
    messages = [line for log in logs for line in log.read_text(errors="replace").splitlines() if line.startswith("bm: ") and "No space left" in line]
    if not messages:
        raise SystemExit(f"no log names the full disk:\n{workflow.log()[-3000:]}")
    cluster.stop(node)
    cluster.start_node(node)
    missing = len(expected) - len(finished)
    if missing == 0:
        raise SystemExit("nothing was missing after the full disk")
    workflow.run()
    compare("after a full disk", workflow.digests(), expected)
    return {"snakemake_exit_code": code, "message": messages[0].replace(str(workflow.folder) + "/", ""), "outputs_missing_after_failure": missing}


def provenance(bm: Path, slurm: str) -> dict[str, object]:
    def git(*arguments: str) -> str:
        return subprocess.run(["git", *arguments], cwd=ROOT, check=False, capture_output=True, text=True).stdout.strip()

    models = [line.split(": ", 1)[1] for line in Path("/proc/cpuinfo").read_text().splitlines() if line.startswith("model name")]
    return {
        "date": datetime.date.today().isoformat(),
        "commit": git("rev-parse", "HEAD") or None,
        "uncommitted_changes": bool(git("status", "--porcelain")),
        "bm": subprocess.run([bm, "--version"], check=True, capture_output=True, text=True).stdout.splitlines()[0],
        "bm_sha256": hashlib.sha256(bm.read_bytes()).hexdigest(),
        "slurm": slurm,
        "python": platform.python_version(),
        **{name.replace("-", "_"): version(name) for name in ("snakemake", "snakemake-executor-plugin-slurm", "multiqc")},
        "cpu": models[0] if models else None,
        "cores": os.cpu_count(),
    }


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--bm", type=Path, required=True, help="the program")
    parser.add_argument("--slurm", type=Path, required=True, help="folder that Slurm's packages were unpacked to; / if they are installed")
    parser.add_argument("--scratch", type=Path, required=True, help="folder for reads, results and daemons; emptied first")
    parser.add_argument("--output", type=Path, required=True, help="folder for cluster.json and cluster.md")
    parser.add_argument("--data", type=Path, help="folder of truth sets, for two lanes of a NovaSeq run [default: reads of testdata]")
    parser.add_argument("--reads", type=int, default=2_000_000, help="about this number of reads in all [default: %(default)s]")
    options = parser.parse_args()
    if os.geteuid() != 0:
        raise SystemExit("cluster.py needs root: each node is a namespace of processes and mounts")
    # The daemons end with this program.
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))
    bm, scratch = options.bm.resolve(), options.scratch.resolve()
    shutil.rmtree(scratch, ignore_errors=True)
    files = sources(options.data.resolve() if options.data else None)
    note("making reads")
    lanes, number = reads.make(files, options.reads, scratch / "reads")
    with Group() as group:
        note("single calls")
        began, cpu = time.monotonic(), group.seconds()
        expected = single_calls(bm, lanes, scratch / "single")
        single = {"wall_s": round(time.monotonic() - began, 1), "cpu_s": round(group.seconds() - cpu, 1)}
        began = time.monotonic()
        with Cluster(options.slurm.resolve(), scratch / "slurm") as cluster:
            started = round(time.monotonic() - began, 1)
            note(f"{cluster.version()} started in {started} s")
            versions = provenance(bm, cluster.version())
            on_cluster = []
            for shards in SHARDS:
                note(f"on two nodes, {shards} jobs for a lane")
                on_cluster.append(plain(Workflow(cluster, bm, scratch / "plain", lanes, shards), expected, group))
                shutil.rmtree(scratch / "plain")
            note("a node killed")
            killed = killed_node(Workflow(cluster, bm, scratch / "killed", lanes), expected)
            note("a full disk on a node")
            # Smaller than any file of kept reads.
            size = min(file.stat().st_size for file in (scratch / "single" / "kept").iterdir()) // 2 // 1024
            disk = full_disk(Workflow(cluster, bm, scratch / "disk", lanes), expected, size)
    result = {
        "format": 1,
        "provenance": versions,
        "input": {sample: [[file.name for file in lane] for lane in all_lanes] for sample, all_lanes in files.items()},
        "reads": number,
        "lanes": len(lanes),
        "files_compared": len(expected),
        "slurm_start_s": started,
        "single_calls": single,
        "cluster": on_cluster,
        "killed_node": killed,
        "full_disk": disk,
    }
    options.output.mkdir(parents=True, exist_ok=True)
    (options.output / "cluster.json").write_text(json.dumps(result, indent=2) + "\n")
    (options.output / "cluster.md").write_text(page.render(result))
    for folder in ("reads", "single", "killed", "disk"):
        shutil.rmtree(scratch / folder)
    note(f"wrote {options.output}")


def note(text: str) -> None:
    print(text, flush=True)


if __name__ == "__main__":
    main()

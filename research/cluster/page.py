"""The table of the results."""

from __future__ import annotations


def render(result: dict) -> str:
    """Returns the page, in Markdown, for the results of cluster.py."""
    of, killed, disk = result["provenance"], result["killed_node"], result["full_disk"]
    single, cluster = result["single_calls"], result["cluster"]
    rows = "\n".join(
        f"| two nodes, {row['shards']} job{'s' if row['shards'] > 1 else ''} for a lane | {row['wall_s']} | {row['cpu_s']} | {row['cpu_bm_s']} | all |"
        for row in cluster
    )
    return f"""# The workflow on two nodes of Slurm

`cargo xtask cluster --keep` wrote this on {of["date"]}: {of["bm"]}, {of["slurm"]}, Snakemake {of["snakemake"]} with its plugin for Slurm
{of["snakemake_executor_plugin_slurm"]}, Python {of["python"]}; {of["cores"]} cores, {of["cpu"]}. {result["reads"]} reads in {result["lanes"]} lanes: real reads,
repeated under new names. {result["files_compared"]} files were compared: those of the packages and for MultiQC byte by byte, kept reads as text,
merged reports but for times and names of files. MultiQC's page has {cluster[0]["multiqc_samples"]} samples in {cluster[0]["multiqc_sections"]} sections.

| | wall, s | CPU, s | CPU of bm alone, s | files as from single calls |
|---|---|---|---|---|
| single calls | {single["wall_s"]} | {single["cpu_s"]} | {single["cpu_s"]} | |
{rows}
| a node killed during bm filter | {killed["wall_s"]} | – | – | all |
| a full disk on a node, then a second run | – | – | – | all |

Both nodes are on one machine, with {of["cores"]} cores together: wall times show the cost of the workflow, not the gain of a second
machine. Slurm was up after {result["slurm_start_s"]} s. The CPU of the cluster includes Snakemake, which starts anew in each job, MultiQC
and Slurm.

The killed node: Slurm started the job again (restarts: {killed["restarts"]}). Files under names that were not final:
{killed["files_unfinished_at_kill"]} when the node was killed, {killed["files_unfinished_at_end"]} at the end.

The full disk: Snakemake ended with exit code {disk["snakemake_exit_code"]}, {disk["outputs_missing_after_failure"]} files were missing, and no other
was wrong. The log of the job:

```text
{disk["message"]}
```
"""

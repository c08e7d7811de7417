#!/usr/bin/env python3
"""Render results/README.md from the results files: python research/parts/page.py"""

from __future__ import annotations

import json
from pathlib import Path

RESULTS = Path(__file__).resolve().parent / "results"

# Machines of the arithmetic, of two cores each, and the reads of a run.
MACHINES = (1, 2, 4, 8, 16, 64)
RUNS = (10**9, 10**11)
CORES = 2


def shards(result: dict) -> str:
    """What shards cost, and what follows for larger runs."""
    run, ways = result["run"], result["ways"]
    whole = ways["whole"]["cpu_all_s"]
    lines = [
        "## The cost of shards",
        "",
        f"`research/parts/shards.py` wrote `shards.json` on {result['date']}: {result['bm']}; {result['machine']}. {run['reads']:,} reads of "
        f"{run['read_bases']} bases of a random genome of {run['genome_bases']:,} bases, at depth {run['depth']:g}, in BGZF; CPU seconds of all calls, "
        f"medians of {result['repeats']} interleaved repeats. The packages had the same bytes in all ways, and the kept reads the same text.",
        "",
        "| | observe | adapt | filter | report merge | all | times one call |",
        "|---|---|---|---|---|---|---|",
    ]
    for name, way in ways.items():
        label = "one call" if name == "whole" else f"{name} shard{'s' if name != '1' else ''}"
        cells = [f"{way['cpu_s'][step]:.1f}" if step in way["cpu_s"] else "–" for step in ("observe", "adapt", "filter", "report merge")]
        lines.append(f"| {label} | {' | '.join(cells)} | {way['cpu_all_s']:.1f} | {way['cpu_all_s'] / whole:.2f} |")
    one, four = ways["1"], ways["4"]
    per_read = {step: one["cpu_s"][step] / run["reads"] for step in ("observe", "filter")}
    per_shard = {step: max(0.0, (four["cpu_s"][step] - one["cpu_s"][step]) / 3) for step in ("observe", "filter")}
    learn = one["longest_call_s"]["adapt"]
    merge = max(0.0, (four["longest_call_s"]["adapt"] - learn) / 3)
    observed = [size / 1e6 for size in result["observed_bytes"].values()]
    lines += [
        "",
        f"Each further shard costs {per_shard['observe']:.2f} s of CPU to observe, {merge:.2f} s of wall time to merge, and {per_shard['filter']:.2f} s to filter. "
        "Every shard looks at the first reads of the files, and writes nearly all k-mers of the genome, which its part of the reads covers "
        f"{run['depth'] / 4:g} times or more: the files of `bm observe` have {', '.join(f'{size:.0f}' for size in observed)} MB together.",
        "",
        "### Arithmetic for larger runs, not measured",
        "",
        f"A read takes {1e6 * per_read['observe']:.1f} µs of CPU to observe and {1e6 * per_read['filter']:.1f} µs to filter. With n machines of {CORES} cores, "
        f"each with an equal shard, a run takes at least (observe + filter) / n, the cost of a shard, {learn:.1f} s to learn, and the time to merge n files:",
        "",
        "| reads | " + " | ".join(f"{machines} machine{'s' if machines > 1 else ''}" for machines in MACHINES) + " | shortest |",
        "|---|" + "---|" * (len(MACHINES) + 1),
    ]

    def hours(reads: int, machines: int) -> float:
        divided = sum(per_read[step] * reads / machines + per_shard[step] for step in per_read) / CORES
        return (divided + learn + merge * machines) / 3600

    for reads in RUNS:
        # Where dividing further saves less than merging one more file costs.
        best = max(1, round((sum(per_read.values()) * reads / CORES / max(merge, 1e-3)) ** 0.5))
        cells = [f"{hours(reads, machines):.2f} h" for machines in MACHINES]
        lines.append(f"| {reads:,} | {' | '.join(cells)} | {hours(reads, best):.2f} h, {best} machines |")
    lines += [
        "",
        "For a genome of this size. A larger one takes longer to merge, and a disk or network that all machines share may end the gain earlier.",
        "",
    ]
    return "\n".join(lines)


def large_genome(result: dict) -> str:
    """What a large genome takes."""
    run, observed = result["run"], result["observe"]
    lines = [
        "## A large genome",
        "",
        f"`research/parts/large_genome.py` wrote `large_genome.json` on {result['date']}: {result['bm']}; {result['machine']}. {run['reads']:,} reads of "
        f"{run['read_bases']} bases of a random genome of {run['genome_bases']:,} bases, a fifth of it diverged copies, at depth {run['depth']:g}, with the "
        f"qualities and errors of {run['templates']:,} real reads ({100 * run['error_rate']:.2f} % of the bases).",
        "",
        f"| `bm observe --max-memory {result['memory']}` | wall, s | CPU, s | peak, MiB | file, MB |",
        "|---|---|---|---|---|",
    ]
    for row in observed:
        lines.append(f"| `--shards-of-kmers {row['shard']}` | {row['wall_s']:.0f} | {row['cpu_s']:.0f} | {row['peak_mib']} | {row['bytes'] / 1e6:.0f} |")
    lines += [
        "",
        "| `bm adapt *.obs --evidence` | wall, s | CPU, s | peak, MiB | k-mers in the index | part of all |",
        "|---|---|---|---|---|---|",
    ]
    for row in result["adapt"]:
        lines.append(
            f"| `--max-memory {row['memory']}` | {row['wall_s']:.0f} | {row['cpu_s']:.0f} | {row['peak_mib']} | {row['kmers']:,} | {row['share']:g} |"
        )
    if whole := result.get("whole"):
        same = "has the same bytes" if whole["same_bytes_as_in_shards"] else "**differs**"
        lines += [
            "",
            f"Learned from the reads in one call with `--max-memory {whole['memory']}`: {whole['wall_s']:.0f} s, {whole['cpu_s']:.0f} s of CPU, "
            f"{whole['peak_mib']} MiB; the package {same} as that from shards with `--max-memory {result['adapt'][0]['memory']}`.",
        ]
    # The part of the memory that does not grow with the k-mers is small beside it.
    peak = sum(row["peak_mib"] for row in observed)
    scale = 3.1e9 / run["genome_bases"]
    human, index = peak * scale / 1024, result["adapt"][0]["kmers"] / result["adapt"][0]["share"] * scale * 4 / 0.6 / 2**30
    least = next(shards for shards in range(1, 1000) if human / shards < 6)
    lines += [
        "",
        "### Arithmetic for a human genome, not measured",
        "",
        f"A human genome has {scale:.1f} times the bases. At the same depth and error rate, its k-mers take {human:.0f} GiB to count together: {least} shards of less "
        f"than 6 GiB each, so two on each of eight machines of 8 GB. The index of all k-mers seen twice takes {index:.0f} GiB, on every machine that filters; "
        "where that is not there, `--max-memory` of `bm adapt` halves the k-mers until they fit, with the loss that the next table shows.",
        "",
    ]
    return "\n".join(lines)


def sampled(result: dict) -> str:
    """What a sample of the k-mers loses."""
    run = result["run"]
    lines = [
        "## A sample of the k-mers",
        "",
        f"`research/parts/large_genome.py --name sampled` wrote `sampled.json` on {result['date']}: {result['bm']}; {result['machine']}. {run['reads']:,} reads "
        f"of a genome of {run['genome_bases']:,} bases, made in the same way; the first {result['model_alone']['reads']:,} were scored, of which "
        f"{result['model_alone']['bad']:,} have more than one error in a hundred bases.",
        "",
        "| | part of the k-mers | MCC | AUC | errors per expected |",
        "|---|---|---|---|---|",
    ]
    rows = [(f"`bm adapt *.obs --evidence --max-memory {row['memory']}`", f"{row['share']:g}", row["verdicts"]) for row in result["adapt"]]
    for label, share, figures in [*rows, ("the default model, not adapted", "none", result["model_alone"])]:
        lines.append(f"| {label} | {share} | {figures['mcc']:.3f} | {figures['auc']:.4f} | {figures['errors_per_expected']:.2f} |")
    return "\n".join([*lines, ""])


def main() -> None:
    """Write the page."""
    parts = ["# One run on many machines: what it takes\n\n`python research/parts/page.py` wrote this from the files beside it.\n"]
    for name, render in (("shards", shards), ("large_genome", large_genome), ("sampled", sampled)):
        file = RESULTS / f"{name}.json"
        if file.exists():
            parts.append(render(json.loads(file.read_text(encoding="utf-8"))))
    (RESULTS / "README.md").write_text("\n".join(parts), encoding="utf-8")


if __name__ == "__main__":
    main()

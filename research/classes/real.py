"""Real reads of known origin: those of the runs with truth tables that map to the run's own reference."""

from __future__ import annotations

import gzip
import re
from pathlib import Path

MATE = re.compile("/[12]$")  # the end of a name that says which mate a read is

TRAINING = {  # class: runs
    "phage": ["train/hiseqx_phage"],
    "sars2": ["train/novaseq_sars2_berlin", "train/miseq_sars2_sanger", "train/ont_sars2_r9"],
    "dwv": ["train/gaiix_dwv"],
    "mouse_mt": ["train/novaseq_10x_mouse_mt"],
    "flu": ["train/ont_r1041_flu"],
}
REPORTED = {
    "measles": ["devtest/hiseq_measles"],
    "ebola": ["devtest/miseq_ebov_seedstock"],
    "lambda": ["devtest/ont_lambda_r9"],
    "mpox": ["devtest/ont_r1041_mpx"],
    "phix": ["train/ont_phix_r9"],
    "e_coli": ["devtest/hifi_ecoli_k12", "devtest/ion_dh10b"],
    "none": ["train/novaseq_sars2_biohub", "train/hiseqx_phage", "train/gaiix_dwv", "devtest/ont_sirv_cdna", "devtest/nextseq_sars2_biohub_r432"],
}


def records(path: Path):
    """Yields name, sequence and quality scores of each record of a FASTQ file."""
    opened = gzip.open(path) if path.suffix == ".gz" else open(path, "rb")
    with opened as file:
        while True:
            lines = [file.readline().rstrip(b"\n") for _ in range(4)]
            if not lines[0]:
                return
            yield lines[0][1:].split()[0].decode(), lines[1], lines[3]


def mapped(run: Path) -> dict[tuple[str, str], tuple[int, int]]:
    """Returns the mapped reads of a run, by name and mate, with the bases clipped at both ends."""
    with gzip.open(next(run.glob("*.truth.tsv.gz")), "rt") as file:
        columns = file.readline().lstrip("#").rstrip("\n").split("\t")
        rows = (dict(zip(columns, line.rstrip("\n").split("\t"))) for line in file)
        wanted = [row for row in rows if row["mapped"] == "1" and int(row["mapq"]) >= 20]
    return {(MATE.sub("", row["name"]), row["mate"]): (int(row["clip5"]), int(row["clip3"])) for row in wanted}


def reads(run: Path, most: int) -> list[tuple[bytes, bytes]]:
    """Returns sequence and quality scores of up to so many reads, spread over the run, without their clipped ends."""
    of = mapped(run)
    found = []
    for path in sorted(p for p in run.iterdir() if ".f" in p.name and any(p.name.endswith(e) for e in ("q.gz", "q"))):
        mate = "2" if any(mark in path.name for mark in ("_R2", "_2.f", "_2_", ".2.f")) else None
        for name, bases, scores in records(path):
            base_name = MATE.sub("", name)
            suffix = name[len(base_name) + 1 :]
            clips = of.get((base_name, suffix or mate or "1")) or of.get((base_name, suffix or mate or "0"))
            if clips:
                kept = slice(clips[0], len(bases) - clips[1])
                if len(bases[kept]) >= 30:
                    found.append((bases[kept], scores[kept]))
    return found[:: max(1, len(found) // most)][:most]

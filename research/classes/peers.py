"""Other programs: for each read, what they find of the best class, and which class that is. More is better; -1 for nothing."""

from __future__ import annotations

import subprocess
from pathlib import Path

import numpy as np

import program

PIECE = 20_000

Found = list[tuple[int, float]]  # class or -1, and what is found of it


def kraken2(folder: Path, genomes: dict, fastq: Path, kmer: int, minimizer: int, spaces: int, groups: int) -> Found:
    """kraken2 with a database of these genomes; what is found of a class is its number of k-mers."""
    base = folder / f"kraken_{kmer}"
    if not base.exists():
        (base / "taxonomy").mkdir(parents=True)
        nodes = ["1\t|\t1\t|\tno rank\t|\t\t|\n"] + [f"{10 + i}\t|\t1\t|\tspecies\t|\t\t|\n" for i in range(len(genomes))]
        names = ["1\t|\troot\t|\t\t|\tscientific name\t|\n"] + [f"{10 + i}\t|\t{name}\t|\t\t|\tscientific name\t|\n" for i, name in enumerate(genomes)]
        (base / "taxonomy/nodes.dmp").write_text("".join(nodes))
        (base / "taxonomy/names.dmp").write_text("".join(names))
        for i, (name, genome) in enumerate(genomes.items()):
            text = "".join(f">{name}_{n}|kraken:taxid|{10 + i}\n{program.letters(bases).decode()}\n" for n, bases in enumerate(genome))
            (folder / "one.fa").write_text(text)
            subprocess.run(["kraken2-build", "--add-to-library", folder / "one.fa", "--db", base, "--no-masking"], check=True, capture_output=True)
        lengths = ["--kmer-len", str(kmer), "--minimizer-len", str(minimizer), "--minimizer-spaces", str(spaces)]
        subprocess.run(["kraken2-build", "--build", "--db", base, "--threads", "1", *lengths], check=True, capture_output=True)
    out = folder / "kraken.tsv"
    subprocess.run(["kraken2", "--db", base, "--threads", "1", "--minimum-hit-groups", str(groups), "--output", out, fastq], check=True, capture_output=True)
    found = []
    for line in out.read_text().splitlines():
        called, _, taxon, _, hits = line.split("\t")
        kmers = sum(int(hit.split(":")[1]) for hit in hits.split() if hit.startswith(f"{taxon}:"))
        found.append((int(taxon) - 10, kmers) if called == "C" and int(taxon) >= 10 else (-1, -1))
    return found


def sourmash(genomes: dict, reads: list, kmer: int) -> Found:
    """sourmash with all k-mers (scaled=1); what is found of a class is the number of hashes in common."""
    from sourmash import MinHash

    def hashes_of(sequence: str) -> set[int]:
        hashes = MinHash(n=0, ksize=kmer, scaled=1)
        if len(sequence) >= kmer:
            hashes.add_sequence(sequence, force=True)
        return set(hashes.hashes)

    # A sketch inserts into a sorted list, so large ones are made of pieces.
    pieces = lambda text: (text[start : start + PIECE + kmer - 1] for start in range(0, len(text), PIECE))  # noqa: E731
    classes = [set().union(*(hashes_of(piece) for bases in genome for piece in pieces(program.letters(bases).decode()))) for genome in genomes.values()]
    found = []
    for _, bases, _ in reads:
        hashes = hashes_of(bases.decode())
        common = [sum(h in known for h in hashes) for known in classes]
        best = int(np.argmax(common))
        found.append((best, common[best]) if common[best] else (-1, -1))
    return found


def minimap2(folder: Path, genomes: dict, fastq: Path, reads: list) -> Found:
    """minimap2 -x sr, an aligner; what is found of a class is the alignment score."""
    names = list(genomes)
    text = "".join(f">{name}|{n}\n{program.letters(bases).decode()}\n" for name, genome in genomes.items() for n, bases in enumerate(genome))
    (folder / "all.fa").write_text(text)
    sam = subprocess.run(["minimap2", "-ax", "sr", "-t", "1", "--secondary=no", folder / "all.fa", fastq], check=True, capture_output=True, text=True).stdout
    best = {}
    for line in sam.splitlines():
        fields = line.split("\t")
        if line.startswith("@") or int(fields[1]) & 0x904:
            continue
        score = next(int(tag[5:]) for tag in fields[11:] if tag.startswith("AS:i:"))
        best[fields[0]] = (names.index(fields[2].split("|")[0]), score)
    return [best.get(name, (-1, -1)) for name, _, _ in reads]


def bm(classify: Path, folder: Path, genomes: dict, fastq: Path, level: int) -> Found:
    """bm-classes with one in 2^level seeds; what is found of a class is one less the probability of none."""
    index = program.build(classify, folder, genomes, f"level={level}")
    columns, rows = program.rows(classify, index, fastq)
    none, classes = columns.index("none"), [columns.index(f"p_{name}") for name in genomes]
    found = []
    for row in rows:
        probabilities = [float(row[c]) for c in classes]
        found.append((int(np.argmax(probabilities)), 1 - float(row[none])))
    return found

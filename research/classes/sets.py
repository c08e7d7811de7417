"""The genomes that seeds are chosen and weights are trained on, and those that are reported on.

No class that is reported on was used for choosing or training. There are too few genomes to say so of those in no class: of these, SARS-CoV-2,
DWV and the phage, and other strains of the two bacteria, were classes of the other side, and foreign in some cases of training.
"""

from __future__ import annotations

import gzip
import lzma
import tempfile
from pathlib import Path

import numpy as np

from genomes import read_fasta

Genomes = dict[str, list[np.ndarray]]
DOC = "usr/share/doc"


def unpacked(path: Path) -> list[np.ndarray]:
    """Returns the sequences of a file of Debian: FASTA, also as xz, or GenBank."""
    if path.suffix == ".gz" and ".gbk" not in path.name:
        return read_fasta(path)
    with lzma.open(path, "rt") if path.suffix == ".xz" else gzip.open(path, "rt") as file:
        text = file.read()
    if ".gbk" in path.name:
        origins = [record.split("\n//")[0] for record in text.split("\nORIGIN")[1:]]
        text = "".join(">\n" + "".join(c for c in origin if c.isalpha()) + "\n" for origin in origins)
    with tempfile.NamedTemporaryFile("w", suffix=".fa") as copy:
        copy.write(text)
        copy.flush()
        return read_fasta(Path(copy.name))


def choosing(data: Path, debian: Path, bacteria: bool) -> tuple[Genomes, Genomes]:
    """Returns the classes and the genomes of no class that seeds are chosen and weights are trained on."""
    train = data / "train"
    classes = {
        "sars2": read_fasta(train / "sars2_theiagen/ref.fa"),
        "dwv": read_fasta(data / "train/gaiix_dwv/ref.fa"),
        "phage": read_fasta(train / "hiseqx_phage/ref.fa"),
        "mouse_mt": read_fasta(train / "novaseq_10x_mouse_mt/ref.fa"),
        "flu": read_fasta(train / "ont_r1041_flu/ref.fa"),
    }
    if bacteria:
        classes["s_aureus"] = read_fasta(train / "ont_r9_saureus_C222/ref.fa")
        classes["h_pylori"] = unpacked(debian / DOC / "ragout/examples/H.Pylori/references/G27.fasta.gz")
    others = {
        "v_cholerae": unpacked(debian / DOC / "ragout/examples/V.Cholerae/references/O395.fasta.gz"),
        "leptospira": unpacked(debian / DOC / "any2fasta/examples/test.gbk.gz"),
    }
    return classes, others


def reporting(data: Path, debian: Path, bacteria: bool) -> tuple[Genomes, Genomes]:
    """Returns the classes and the genomes of no class that are reported on."""
    devtest, weird = data / "devtest", data / "weird"
    classes = {
        "measles": read_fasta(devtest / "hiseq_measles/ref.fa"),
        "ebola": read_fasta(devtest / "miseq_ebov_seedstock/ref.fa"),
        "lambda": read_fasta(devtest / "ont_lambda_r9/ref.fa"),
        "mpox": read_fasta(devtest / "ont_r1041_mpx/ref.fa"),
        "dengue": read_fasta(weird / "454_dengue/ref.fa"),
        "mammoth_mt": read_fasta(weird / "hiseq2500_mammoth_adna_raw/ref.fa"),
        "phix": read_fasta(data / "train/ont_phix_r9/ref.fa"),
    }
    if bacteria:
        classes["e_coli"] = read_fasta(devtest / "hifi_ecoli_k12/ref.fa")
        classes["klebsiella"] = unpacked(debian / DOC / "kleborate/examples/data/Klebs_HS11286.fna.xz")
    others = {
        "s_aureus": unpacked(debian / DOC / "ragout/examples/S.Aureus/references/N315.fasta.gz"),
        "h_pylori": unpacked(debian / DOC / "ragout/examples/H.Pylori/references/SJM180.fasta.gz"),
        "sars2": read_fasta(data / "train/sars2_theiagen/ref.fa"),
        "dwv": read_fasta(data / "train/gaiix_dwv/ref.fa"),
        "phage": read_fasta(data / "train/hiseqx_phage/ref.fa"),
    }
    return classes, others

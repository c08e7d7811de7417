"""The genomes that the network is trained on, those that settings are chosen on, and those that are reported on.

The three lists share no species but for mitochondria, of a mouse and of a mammoth.
"""

from __future__ import annotations

import sys
from pathlib import Path

import numpy as np

sys.path.append(str(Path(__file__).resolve().parents[1] / "classes"))
from genomes import read_fasta  # noqa: E402
from sets import DOC, unpacked  # noqa: E402

Genomes = dict[str, list[np.ndarray]]


def training(data: Path, debian: Path) -> Genomes:
    """Genomes that the network learns from."""
    train = data / "train"
    return {
        "h_pylori": unpacked(debian / DOC / "ragout/examples/H.Pylori/references/G27.fasta.gz"),
        "v_cholerae": unpacked(debian / DOC / "ragout/examples/V.Cholerae/references/O395.fasta.gz"),
        "leptospira": unpacked(debian / DOC / "any2fasta/examples/test.gbk.gz"),
        "deinococcus": unpacked(debian / DOC / "shovill-examples/test.fna.gz"),
        "sars2": read_fasta(train / "sars2_theiagen/ref.fa"),
        "dwv": read_fasta(train / "gaiix_dwv/ref.fa"),
        "phage": read_fasta(train / "hiseqx_phage/ref.fa"),
        "flu": read_fasta(train / "ont_r1041_flu/ref.fa"),
        "mouse_mt": read_fasta(train / "novaseq_10x_mouse_mt/ref.fa"),
    }


def choice(data: Path, debian: Path) -> Genomes:
    """Genomes that settings and the method are chosen on."""
    return {
        "s_aureus": read_fasta(data / "train/ont_r9_saureus_C222/ref.fa"),
        "s_suis": unpacked(debian / DOC / "abacas-examples/SS_SC84.dna.gz"),
    }


def report(data: Path, debian: Path) -> Genomes:
    """Genomes of figures: neither trained nor chosen on."""
    devtest, weird = data / "devtest", data / "weird"
    return {
        "measles": read_fasta(devtest / "hiseq_measles/ref.fa"),
        "lambda": read_fasta(devtest / "ont_lambda_r9/ref.fa"),
        "mpox": read_fasta(devtest / "ont_r1041_mpx/ref.fa"),
        "dengue": read_fasta(weird / "454_dengue/ref.fa"),
        "mammoth_mt": read_fasta(weird / "hiseq2500_mammoth_adna_raw/ref.fa"),
        "phix": read_fasta(data / "train/ont_phix_r9/ref.fa"),
        "e_coli": read_fasta(devtest / "hifi_ecoli_k12/ref.fa"),
        "klebsiella": unpacked(debian / DOC / "kleborate/examples/data/Klebs_HS11286.fna.xz"),
    }

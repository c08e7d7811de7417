"""Writes the card of the model from its manifest and the results: ``card.py`` after ``evaluate.py``."""

from __future__ import annotations

import json
from pathlib import Path

from evaluate import SPACED, table

ROOT = Path(__file__).resolve().parents[2]


def only(figures: dict, part: str, cases: list[str]) -> dict:
    """The figures of some cases."""
    return {part: {name: {case: rows[case] for case in cases} for name, rows in figures[part].items()}}


def card(manifest: dict, figures: dict) -> str:
    """The text of the card."""
    training, settings = manifest["training"], manifest["training"]["settings"]
    overlap, origins, runs = figures["overlap"], figures["origins"], figures["runs"]
    genomes = ", ".join(f"{entry['name']} ({entry['bases']:,} bases)" for entry in training["data"])
    tools = ", ".join(f"{name} {version}" for name, version in training["tools"].items())
    cases = list(overlap["embed"])
    own, sketch = overlap["embed"], overlap[SPACED]
    return f"""# embed, version {manifest['version']}

<!-- Written by research/embeddings/card.py from manifest.json and research/embeddings/results; edit that script, not this page. -->

Gives a read a vector of 64 numbers, of length 1: the product of two vectors is their cosine. Reads that overlap have alike vectors, on either strand, and so have reads of
genomes of like composition.

- Input: encoding `word-spectrum` version 1, which fraction of the read's words is each word of three patterns (`1111`, `11111`, `110010011`): 1,160 numbers. A word and its other
  strand are one, so both strands of a read have the same vector. A read of any length is one row. Qualities are not looked at.
- Network: a dense layer of {settings['network']['hidden']} units, ReLU, and a dense layer of 64. Counting the words is a convolution with fixed kernels and a mean over the read.
- Training: by contrast (InfoNCE). Of {settings['training']['steps']:,} × {settings['training']['batch']} pairs of reads of 60 to 250 bases, nine in ten overlap by 40 to 100 % and differ
  in 0 to 20 % of the bases; the others lie up to 500 bases apart.
- `model.ane.onnx` is the same network in half precision; a value differs by at most {manifest['metrics']['max_difference']['float16']:.0e}.

## Intended use, and limits

For neighbours, clusters and pictures of the reads of a run without references, as a vector for programs that take vectors.

- **It does not replace k-mers where overlaps are wanted.** A MinHash sketch of the same 256 bytes finds the overlapping read far more often, also where one base in five differs:
  {sketch[cases[3]]['recall_1']:.0%} against {own[cases[3]]['recall_1']:.0%}. Of vectors compared by their cosine, this is the best one below where reads differ;
  where they do not, hashed k-mers are better. Any value of two reads that have half of their bases in common correlates by at most 0.5, if bases are independent (Dembo, Kagan and
  Shepp 2001), so 64 of them compared by their cosine cannot do what a sketch does.
- Read lengths of 60 to 250 bases were trained. Longer ones are looked at as a whole; there, tetranucleotide frequencies make better clusters (1,000 bases, below).
- On pieces of 100 bases of real runs, most of them Nanopore, tetranucleotide frequencies make better clusters; on those of 150 bases, clusters as good.
- Reads of two genomes of like composition are not told apart, unless they overlap. A cluster is not a species.
- Vectors of another version of the model cannot be compared with these.

## On genomes and runs that it has not seen

256 bytes a read each. How often the read that a query overlaps is the most alike one among {figures['reads']:,} / among the ten most alike:

{table(only(figures, 'overlap', cases), 'overlap', ['recall_1', 'recall_10'])}
Fraction of reads whose nearest neighbour / of ten neighbours that are of the same of eight genomes, and the same for pieces of real reads of six runs:

{table({'both': {name: {**origins[name], **runs[name]} for name in origins}}, 'both', ['first', 'ten'])}
Clusters of these reads, adjusted Rand index / normalised mutual information:

{table({'both': {name: {**origins[name], **runs[name]} for name in origins}}, 'both', ['ari', 'nmi'])}
Measured {figures['date']} by `{figures['command']}`; `research/embeddings/results/compare.md` says how. The other methods' settings were chosen on *S. aureus* and *S. suis*, the model's too
(`research/embeddings/results/choice.tsv`).
One draw of reads, without intervals: differences of some 0.03 say nothing, and those of clusters vary more.

## Training data

Genomes: {genomes}; each also with its bases relabelled in seven ways that keep complements. `research/embeddings/split.py` has the sources: references of runs in
`research/data/sources.toml`, and Debian packages (ragout-examples, any2fasta-examples, shovill-examples). Trained {training['date']} by `cargo xtask train --model embed --data DIR`
with {tools}.
"""


def main() -> None:
    folder = ROOT / "models/embed"
    manifest = json.loads((folder / "manifest.json").read_text(encoding="utf-8"))
    figures = json.loads((ROOT / "research/embeddings/results/compare.json").read_text(encoding="utf-8"))
    (folder / "README.md").write_text(card(manifest, figures), encoding="utf-8")


if __name__ == "__main__":
    main()

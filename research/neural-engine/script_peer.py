"""Scores a FASTQ file with `mean-q20` as a Python user would: dnaio reads, numpy encodes, ONNX Runtime runs the network.

`cargo xtask bench` compares `bm` with this script. The script is made fast: dnaio inflates with ISA-L in a separate thread, a whole
batch is encoded by table look-up, and the network runs on `--threads` threads. It is also correct: `tests/test_script_peer.py`
compares its probabilities with the golden reads of the model.

    python script_peer.py --model ../../models/mean-q20/model.onnx --threads 2 reads.fastq.gz scores.tsv
"""

import argparse
import itertools
from collections.abc import Iterable, Iterator
from pathlib import Path

import numpy as np
import onnxruntime

WINDOW = 150
BATCH = 1024


def base_values() -> np.ndarray:
    """Encoding scalar-150: the value of each byte of a sequence, float32 [256]; 0 for the padding."""
    values = np.full(256, 1.0, dtype=np.float32)
    for value, base in enumerate("ACGT"):
        values[[ord(base), ord(base.lower())]] = value / 4
    values[0] = 0.0
    return values


def quality_values() -> np.ndarray:
    """Encoding scalar-150: the value of each byte of a quality string, float32 [256]; 0 for the padding."""
    phred = np.clip(np.arange(256) - 33, 0, 93)
    return (phred / 93).astype(np.float32)


BASES, QUALITIES = base_values(), quality_values()


def encode(reads: list) -> np.ndarray:
    """Features of reads of at most 150 bases: float32 [reads, 300]."""
    features = np.empty((len(reads), 2 * WINDOW), dtype=np.float32)
    sequences = "".join([read.sequence.ljust(WINDOW, "\0") for read in reads]).encode()
    qualities = "".join([read.qualities.ljust(WINDOW, "\0") for read in reads]).encode()
    if len(sequences) != len(reads) * WINDOW:
        raise SystemExit(f"a read is longer than {WINDOW} bases")
    features[:, :WINDOW] = BASES[np.frombuffer(sequences, dtype=np.uint8)].reshape(-1, WINDOW)
    features[:, WINDOW:] = QUALITIES[np.frombuffer(qualities, dtype=np.uint8)].reshape(-1, WINDOW)
    return features


def scores(session: onnxruntime.InferenceSession, reads: Iterable) -> Iterator[tuple[object, float]]:
    """Yields every read with its probability."""
    reads = iter(reads)
    while batch := list(itertools.islice(reads, BATCH)):
        (probability,) = session.run(["probability"], {"features": encode(batch)})
        yield from zip(batch, probability[:, 0].tolist(), strict=True)


def session(model: Path, threads: int) -> onnxruntime.InferenceSession:
    """The network, on ``threads`` threads."""
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = threads
    return onnxruntime.InferenceSession(model, options, providers=["CPUExecutionProvider"])


def main() -> None:
    """Writes the table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--model", type=Path, required=True)
    parser.add_argument("--threads", type=int, default=1)
    parser.add_argument("input")
    parser.add_argument("output", type=Path)
    arguments = parser.parse_args()
    import dnaio  # imported here, so that the tests do not need it

    network = session(arguments.model, arguments.threads)
    # A second thread inflates, except with one thread in total.
    with dnaio.open(arguments.input, open_threads=arguments.threads - 1) as reads, arguments.output.open("w") as output:
        output.write("read\tlength\tprobability\n")
        output.writelines(f"{read.id}\t{len(read)}\t{p:.7g}\n" for read, p in scores(network, reads))


if __name__ == "__main__":
    main()

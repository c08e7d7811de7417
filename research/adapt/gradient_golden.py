#!/usr/bin/env python3
"""Write crates/bm-adapt/tests/golden/gradient.json: examples, with PyTorch's loss and gradient in double precision.

    gradient_golden.py --bm target/release/bm            write the file
    gradient_golden.py --bm target/release/bm --check    compare the file with what the script would write

`bm adapt` trains with a hand-written gradient over tables; here the definition is differentiated automatically. Both use
`bm encode`, which is tested elsewhere. Parameters and weights are drawn in single precision, so that both sides have identical
values and any difference comes from their arithmetic.
"""

from __future__ import annotations

import argparse
import json
import sys
from pathlib import Path

import numpy as np
import torch

from definition import BIAS, LAST, PARAMETERS, Adapted, log_loss
from labelled import encode, vectors

ROOT = Path(__file__).resolve().parents[2]
TARGET = ROOT / "crates/bm-adapt/tests/golden/gradient.json"
SEED = 5
# Shorter than half a window, shorter than a window, and long enough to have a middle place.
LENGTHS = [1, 2, 3, 4, 5, 8, 9, 10, 17, 30, 60, 101, 120]
EXAMPLES = 240
# A unit nearer to zero than this (ten times the error of single precision) could be on for one side and off for the other.
KINK = 1e-5
# Relative to the largest entry; machines may add in another order.
TOLERANCE = 1e-9


def draw_reads(rng: np.random.Generator) -> list[tuple[bytes, bytes]]:
    """Sequence and quality of three reads of every length; a tenth of the bases are unknown, and Phred scores are 0 to 93."""
    letters = np.frombuffer(b"ACGTacgtUN", np.uint8)
    chance = [0.17] * 4 + [0.04] * 4 + [0.06, 0.1]
    reads = []
    for length in 3 * LENGTHS:
        quality = np.where(rng.random(length) < 0.9, rng.integers(2, 42, length), rng.integers(0, 94, length))
        reads.append((rng.choice(letters, length, p=chance).tobytes(), (quality + 33).astype(np.uint8).tobytes()))
    return reads


def draw_examples(rng: np.random.Generator, length: list[int]) -> list[dict]:
    """For each read: positions, including all near the ends; labels; weights. A third of the examples are wrong bases."""
    room = EXAMPLES / sum(length)
    examples = []
    for bases in length:
        ends = {i for i in range(bases) if min(i, bases - 1 - i) < 3}
        others = rng.permutation(bases)[: max(0, round(bases * room))].tolist()
        at = sorted(ends | set(others))
        wrong = rng.random(len(at)) < 1 / 3
        weight = np.where(wrong, 0.05, 1.5) * rng.uniform(0.5, 1.5, len(at))
        examples.append({"at": at, "wrong": wrong.tolist(), "weight": short(weight)})
    return examples


def short(values: np.ndarray) -> list[float]:
    """Each number with the fewest digits that identify it in single precision."""
    return [float(str(value)) for value in values.astype(np.float32)]


def draw_parameters(rng: np.random.Generator, inputs: list[torch.Tensor], examples: list[dict]) -> np.ndarray:
    """Random parameters, float32 [PARAMETERS]: small values, a near 1 as in use, biases so that each unit is on for half of the examples."""
    flat = rng.normal(size=PARAMETERS) * 0.1
    flat[BIAS] = 0
    flat[LAST] *= 3
    flat[-2:] = [0.9, -0.3]
    net = Adapted(flat.astype(np.float32))
    with torch.no_grad():
        hidden = torch.cat([net.hidden(x)[0][:, each["at"]] for x, each in zip(inputs, examples)], dim=1)
    flat[BIAS] = 0.01 - hidden.median(dim=1).values.numpy()  # the median is an example, which would be on the kink
    return flat.astype(np.float32)


def golden(bm: Path) -> dict:
    """The content of the file."""
    rng = np.random.default_rng(SEED)
    reads = draw_reads(rng)
    codes = np.split(encode(bm, reads), np.cumsum([len(sequence) for sequence, _ in reads])[:-1])
    examples = draw_examples(rng, [len(each) for each in codes])
    of_code = torch.tensor(vectors(bm), dtype=torch.float64)
    inputs = [of_code[each.astype(np.int64)].T[None] for each in codes]  # each [1, CHANNELS, bases]
    parameters = draw_parameters(rng, inputs, examples)
    loss, gradient = differentiate(parameters, inputs, examples)
    rows = [{"codes": each.tolist(), **example} for each, example in zip(codes, examples)]
    return {"parameters": short(parameters), "reads": rows, "loss": loss, "gradient": gradient.tolist()}


def differentiate(parameters: np.ndarray, inputs: list[torch.Tensor], examples: list[dict]) -> tuple[float, np.ndarray]:
    """Mean weighted log loss of the examples, and its gradient with respect to the parameters, float64 [PARAMETERS]."""
    net = Adapted(parameters)
    logits, wrong, weight = [], [], []
    for x, example in zip(inputs, examples):
        at = torch.tensor(example["at"])
        if (nearest := float(net.hidden(x)[:, :, at].detach().abs().min())) < KINK:
            raise SystemExit(f"a unit is at {nearest:.1e}, too near to its kink: use another seed")
        logits.append(net(x)[0, at])
        wrong += example["wrong"]
        weight += np.float32(example["weight"]).tolist()
    labels, weights = (torch.tensor(values, dtype=torch.float64) for values in (wrong, weight))
    loss = log_loss(torch.cat(logits), labels, weights)
    loss.backward()
    gradient = net.flat(lambda parameter: parameter.grad)
    if not gradient.all():
        raise SystemExit(f"{int((gradient == 0).sum())} parameters have no gradient: more examples are needed")
    return loss.item(), gradient


def differences(found: dict, committed: dict) -> list[str]:
    """Differences between the committed file and what the script finds now; empty if there are none."""
    out = [f"{key} differ" for key in ("parameters", "reads") if found[key] != committed[key]]
    for key in ("loss", "gradient"):
        ours, theirs = np.array(found[key]), np.array(committed[key])
        off = np.abs(ours - theirs).max() / np.abs(ours).max() if ours.shape == theirs.shape else np.inf
        if not off <= TOLERANCE:
            out.append(f"{key}: differs by {off:.1e} of the largest entry, allowed: {TOLERANCE:.0e}")
    return out


def text(content: dict) -> str:
    """JSON with one line per read, so that a diff shows where a change is."""
    line = lambda value: json.dumps(value, separators=(",", ":"))  # noqa: E731
    reads = ",\n".join(f"  {line(read)}" for read in content["reads"])
    keys = [f' "{key}": {line(content[key])}' for key in ("parameters", "loss", "gradient")]
    return "{\n" + ",\n".join([keys[0], f' "reads": [\n{reads}\n ]', *keys[1:]]) + "\n}\n"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--bm", type=Path, default=ROOT / "target/release/bm", help="the bm program, which encodes the reads")
    parser.add_argument("--check", action="store_true", help="write nothing; exit with 1 if the file differs")
    options = parser.parse_args()
    torch.set_num_threads(1)
    found = golden(options.bm.resolve())
    examples = sum(len(read["at"]) for read in found["reads"])
    if options.check:
        if findings := differences(found, json.loads(TARGET.read_text(encoding="utf-8"))):
            sys.exit(f"{TARGET.name}: {'; '.join(findings)}")
        print(f"{TARGET.name} agrees with PyTorch {torch.__version__}: {examples} examples, {PARAMETERS} parameters")
    else:
        TARGET.write_text(text(found), encoding="utf-8")
        print(f"wrote {TARGET.name}: {examples} examples, {PARAMETERS} parameters, loss {found['loss']:.6f}")


if __name__ == "__main__":
    main()

"""Compare the tables of `bm truth`, read by read, with tables made by an independent program.

Every run of a folder (`DIR/*/NAME/` with FASTQ files, `ref.fa` and `NAME.truth.tsv.gz`) is aligned again, counted with `bm truth`,
and joined with its table by name and mate. bwa, minimap2 and bm must be on PATH.

    python3 research/truth/check_truth.py --data DIR [--json research/truth/results/agreement.json]
"""

import argparse
import gzip
import json
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

# Runs that were not aligned by `bwa mem` with its defaults: the aligner, and options for `bm truth`.
LONG = (["minimap2", "-ax", "map-ont"], ["--long"])
SPECIAL = {
    # Several strains in one reference: most reads have mapping quality 0.
    "gaiix_dwv": (["bwa", "mem"], ["--min-mapq", "0"]),
    # Several strains too, and 454 reads with homopolymer indels.
    "454_dengue": (["minimap2", "-ax", "map-hifi"], ["--long", "--min-mapq", "0"]),
    "ont_lambda_r9": LONG,
    # Two clones in one reference.
    "ont_phix_r9": (LONG[0], ["--long", "--min-mapq", "0"]),
    "ont_sars2_r9": LONG,
    # cDNA aligned to genes with introns.
    "ont_sirv_cdna": (["minimap2", "-ax", "splice"], ["--long"]),
}
# Runs whose tables were not made by aligning each read, so there is nothing to compare.
LEFT_OUT = {"nextseq_rabies_amplicon": "an amplicon table of 54 bases a read, without an alignment"}
COLUMNS = ["mapped", "mapq", "alnlen", "clip5", "clip3", "sub", "ins", "del", "n", "masked", "scored", "ee", "errpos"]
COUNTS = ["sub", "ins", "del"]


def table(path):
    """Return the rows of a truth table by (name, mate); each row is a dict of strings."""
    opener = gzip.open if path.suffix == ".gz" else open
    with opener(path, "rt") as lines:
        header = next(lines).lstrip("#").rstrip("\n").split("\t")
        rows = (dict(zip(header, line.rstrip("\n").split("\t"))) for line in lines)
        return {(row["name"], row["mate"]): row for row in rows}


def run(command, **options):
    """Run a command; its messages are shown only if it fails."""
    done = subprocess.run(command, stderr=subprocess.PIPE, check=False, **options)
    if done.returncode:
        sys.exit(f"{command}: {done.stderr.decode()}")
    return done


def align_and_count(folder, scratch, threads):
    """Align a run and count it with `bm truth`; return the path of the table, and the commands."""
    reads = sorted(str(path) for pattern in ("*.fastq.gz", "*.fq.gz") for path in folder.glob(pattern))
    aligner, options = SPECIAL.get(folder.name, (["bwa", "mem"], []))
    reference = scratch / "ref.fa"
    shutil.copyfile(folder / "ref.fa", reference)
    if aligner[0] == "bwa":
        run(["bwa", "index", str(reference)], stdout=subprocess.DEVNULL)
    sam, out = scratch / "aligned.sam", scratch / "truth.tsv"
    with open(sam, "wb") as stdout:
        run([*aligner, "-t", str(threads), str(reference), *reads], stdout=stdout)
    run(["bm", "truth", str(sam), "--reference", str(reference), "-o", str(out), *options])
    return out, f"{' '.join(aligner)} | bm truth {' '.join(options)}".rstrip()


def compare(expected, found):
    """Return the fractions of reads mapped in both tables that agree, by column and in all three counts together."""
    common = [key for key, row in expected.items() if row["mapped"] == "1" and found.get(key, {}).get("mapped") == "1"]
    same = {column: sum(expected[key][column] == found[key][column] for key in common) for column in COLUMNS}
    counts = sum(all(expected[key][column] == found[key][column] for column in COUNTS) for key in common)
    near = sum(
        abs(sum(int(expected[key][c]) for c in COUNTS) - sum(int(found[key][c]) for c in COUNTS))
        <= 0.01 * max(100, sum(int(expected[key][c]) for c in COUNTS))
        for key in common
    )
    total = max(1, len(common))
    return {
        "reads": len(expected),
        "reads_found": len(found.keys() & expected.keys()),
        "mapped": sum(row["mapped"] == "1" for row in expected.values()),
        "mapped_in_both": len(common),
        "mapped_in_one": sum(row["mapped"] != found.get(key, row)["mapped"] for key, row in expected.items()),
        "counts_equal": round(counts / total, 6),
        "errors_within_1_or_1_percent": round(near / total, 6),
        "columns_equal": {column: round(count / total, 6) for column, count in same.items()},
        "errors_expected": sum(int(expected[key][c]) for key in common for c in COUNTS),
        "errors_found": sum(int(found[key][c]) for key in common for c in COUNTS),
    }


def version(command):
    """Return the first line of a program's output that has a digit."""
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    lines = (done.stdout + done.stderr).splitlines()
    return next((line.strip() for line in lines if any(character.isdigit() for character in line)), "unknown")


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--data", type=Path, required=True, help="folder of runs, DIR/*/NAME/NAME.truth.tsv.gz")
    parser.add_argument("--json", type=Path, help="results file")
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--only", nargs="*", help="names of runs")
    args = parser.parse_args()
    results = {}
    for truth in sorted(args.data.glob("*/*/*.truth.tsv.gz")):
        folder = truth.parent
        if folder.name in LEFT_OUT or (args.only and folder.name not in args.only):
            continue
        with tempfile.TemporaryDirectory() as scratch:
            out, how = align_and_count(folder, Path(scratch), args.threads)
            result = {"how": how, **compare(table(truth), table(out))}
        results[folder.name] = result
        columns = " ".join(f"{c} {100 * v:.2f}" for c, v in result["columns_equal"].items() if v < 1)
        print(f"{folder.name}: counts equal {100 * result['counts_equal']:.2f} % of {result['mapped_in_both']}; {columns}", flush=True)
    if args.json:
        versions = {"bm": version(["bm", "--version"]), "bwa": version(["bwa"]), "minimap2": version(["minimap2", "--version"])}
        document = {"versions": versions, "left_out": LEFT_OUT, "runs": results}
        args.json.write_text(json.dumps(document, indent=1) + "\n")
        print(f"wrote {args.json}")


if __name__ == "__main__":
    main()

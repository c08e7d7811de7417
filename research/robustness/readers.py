#!/usr/bin/env python3
"""What `bm` and other programs do with broken FASTQ files, full disks and files that are not pairs.

    python3 research/robustness/readers.py --bm target/release/bm --output research/robustness/results

Each installed program gets every broken specimen of testdata (those with `error` in the index), a full device, and pairs of files
that do not belong together. It filters with its defaults, or as little as it allows. Recorded are its exit code, whether anything
was left under the output's name after a failure, and whether it crashed. Linux only; standard library only.

Only the exit code counts, not messages on the terminal, because a pipeline sees only the code.
"""

import argparse
import csv
import gzip
import json
import os
import platform
import shutil
import subprocess
import tempfile
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
BROKEN = ROOT / "testdata" / "broken"
DERIVED = ROOT / "testdata" / "derived"
READS = ROOT / "testdata" / "hiseqx_phage" / "hiseqx_phage.fastq.gz"
SECONDS = 60

# The filter command of each program, from {input} to {output}; `None` if it has no such mode.
PROGRAMS = {
    "bm": {
        "version": ["{bm}", "-V"],
        "single": ["{bm}", "filter", "{input}", "-o", "{output}", "-q"],
        "pair": ["{bm}", "filter", "{input}", "{input2}", "-o", "{output}", "-O", "{output2}", "-q"],
    },
    "fastp": {
        "version": ["fastp", "--version"],
        "single": ["fastp", "-i", "{input}", "-o", "{output}", "-e", "20", "-A", "-j", "/dev/null", "-h", "/dev/null"],
        "pair": ["fastp", "-i", "{input}", "-I", "{input2}", "-o", "{output}", "-O", "{output2}", "-e", "20", "-A",
                 "-j", "/dev/null", "-h", "/dev/null"],
    },
    "seqkit": {
        "version": ["seqkit", "version"],
        "single": ["seqkit", "seq", "-Q", "20", "{input}", "-o", "{output}"],
        "pair": None,
    },
    "seqtk": {
        "version": ["dpkg-query", "-W", "-f", "${Version}", "seqtk"],
        "single": ["sh", "-c", "seqtk seq '{input}' > '{output}'"],
        "pair": None,
    },
    "cutadapt": {
        "version": ["cutadapt", "--version"],
        "single": ["cutadapt", "--quiet", "--max-ee", "1", "-o", "{output}", "{input}"],
        "pair": ["cutadapt", "--quiet", "--max-ee", "1", "-o", "{output}", "-p", "{output2}", "{input}", "{input2}"],
    },
    "vsearch": {
        "version": ["sh", "-c", "vsearch --version 2>&1 | head -1"],
        "single": ["vsearch", "--quiet", "--fastq_filter", "{input}", "--fastq_maxee_rate", "0.01", "--fastqout", "{output}"],
        "pair": ["vsearch", "--quiet", "--fastq_filter", "{input}", "--reverse", "{input2}", "--fastq_maxee_rate", "0.01",
                 "--fastqout", "{output}", "--fastqout_rev", "{output2}"],
    },
    "sickle": {
        "version": ["dpkg-query", "-W", "-f", "${Version}", "sickle"],
        "single": ["sickle", "se", "-f", "{input}", "-t", "sanger", "-o", "{output}", "--quiet"],
        "pair": ["sickle", "pe", "-f", "{input}", "-r", "{input2}", "-t", "sanger", "-o", "{output}", "-p", "{output2}",
                 "-s", "/dev/null", "--quiet"],
    },
    "trimmomatic": {
        "version": ["dpkg-query", "-W", "-f", "${Version}", "trimmomatic"],
        "single": ["TrimmomaticSE", "-quiet", "{input}", "{output}", "AVGQUAL:20"],
        "pair": ["TrimmomaticPE", "-quiet", "{input}", "{input2}", "{output}", "/dev/null", "{output2}", "/dev/null", "AVGQUAL:20"],
    },
    "bbduk": {
        "version": ["dpkg-query", "-W", "-f", "${Version}", "bbmap"],
        "single": ["bbduk.sh", "in={input}", "out={output}", "maq=20", "qin=33", "threads=1"],
        "pair": ["bbduk.sh", "in={input}", "in2={input2}", "out={output}", "out2={output2}", "maq=20", "qin=33",
                 "threads=1"],
    },
    "filtlong": {
        "version": ["filtlong", "--version"],
        "single": ["sh", "-c", "filtlong --keep_percent 90 '{input}' > '{output}'"],
        "pair": None,
    },
    "prinseq-lite": {
        "version": ["dpkg-query", "-W", "-f", "${Version}", "prinseq-lite"],
        "single": ["sh", "-c", "prinseq-lite -fastq '{input}' -min_qual_mean 20 -out_good stdout -out_bad null > '{output}'"],
        "pair": None,
    },
}

# Messages of a program that crashed.
CRASHES = ("Traceback (most recent call last)", "panicked at", "Exception in thread", "Segmentation fault", "java.lang.")


def filled(command, **places):
    """The command with its {placeholders} replaced; other braces and `$` stay as they are."""
    def word(text):
        for key, value in places.items():
            text = text.replace("{" + key + "}", str(value))
        return text
    return [word(text) for text in command]


def run(command, folder):
    """Exit code and output of a command; the code is None if the program does not end in time."""
    try:
        done = subprocess.run(command, cwd=folder, stdin=subprocess.DEVNULL, capture_output=True, timeout=SECONDS, check=False)
    except subprocess.TimeoutExpired:
        return None, ""
    return done.returncode, (done.stdout + done.stderr).decode(errors="replace")


def attempt(command, bm, inputs, full):
    """Run a program once.

    Returns
    -------
    dict with `code` (None if it hung), `left` (bytes under the names of its outputs) and `crashed`
    """
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        outputs = [folder / "kept_1.fastq", folder / "kept_2.fastq"]
        if full:
            outputs[0].symlink_to("/dev/full")
        places = {"bm": bm, "input": inputs[0], "output": outputs[0], "output2": outputs[1]}
        if len(inputs) > 1:
            places["input2"] = inputs[1]
        code, text = run(filled(command, **places), folder)
        left = sum(path.stat().st_size for path in outputs if path.is_file() and not path.is_symlink())
        crashed = code is not None and (code < 0 or code == 139 or any(word in text for word in CRASHES))
        return {"code": code, "left": left, "crashed": crashed}


def cases(folder):
    """Inputs by name: broken files, mismatched pairs, and a good file for the full disk."""
    with open(BROKEN / "index.tsv", encoding="utf-8") as file:
        rows = list(csv.DictReader(file, delimiter="\t", quoting=csv.QUOTE_NONE))
    broken = {row["file"]: [BROKEN / row["file"]] for row in rows if row["expected"] == "error"}
    broken["lengths differ, record 501"] = [DERIVED / "qual_len_mismatch_at_read_500.fastq.gz"]
    # Mates: all reads, one read fewer, and one read with another name.
    lines = (BROKEN / "plain_named.fastq.gz").read_bytes().split(b"\n")
    whole, fewer = folder / "whole.fastq", folder / "fewer.fastq"
    renamed = folder / "renamed.fastq"
    whole.write_bytes(b"\n".join(lines))
    fewer.write_bytes(b"\n".join(lines[:16]) + b"\n")
    other = list(lines)
    other[8] = b"@another:1:1:1:1:1:1 2:N:0:1"
    renamed.write_bytes(b"\n".join(other))
    pairs = {
        "the second file has fewer reads": [whole, fewer],
        "the first file has fewer reads": [fewer, whole],
        "a mate has another name": [whole, renamed],
    }
    # Enough reads that every program keeps some, and more than any program buffers.
    many = folder / "many.fastq"
    with gzip.open(READS, "rb") as file:
        many.write_bytes(file.read())
    return broken, pairs, [many]


def test_program(name, program, bm, folder):
    """All results of one program."""
    broken, pairs, whole = cases(folder)
    version = run(filled(program["version"], bm=bm), folder)[1].strip().splitlines()
    right = attempt(program["single"], bm, whole, full=False)
    result = {
        "program": name,
        "version": version[0].split(",")[0] if version else "",
        # A command that fails on a good file would pass every other test.
        "right_file": right,
        "broken": {case: attempt(program["single"], bm, inputs, full=False) for case, inputs in broken.items()},
        "full": attempt(program["single"], bm, whole, full=True),
        "pairs": None,
    }
    if program["pair"]:
        result["pairs"] = {case: attempt(program["pair"], bm, inputs, full=False) for case, inputs in pairs.items()}
    return result


def table(results):
    """The results as Markdown."""
    head = ("| program | version | broken files with exit 0 | broken files that crash or hang it | partial output left after a failure "
            "| full disk | mismatched pairs with exit 0 |")
    lines = [head, "|---|---|---|---|---|---|---|"]
    for result in results:
        broken = list(result["broken"].values())
        accepted = sum(case["code"] == 0 for case in broken)
        crashed = sum(case["crashed"] or case["code"] is None for case in broken)
        left = sum(case["code"] not in (0, None) and case["left"] > 0 for case in broken)
        full = "exit 0" if result["full"]["code"] == 0 else "an error"
        if result["pairs"] is None:
            pairs = "–"
        else:
            pairs = f"{sum(case['code'] == 0 for case in result['pairs'].values())} of {len(result['pairs'])}"
        count = len(broken)
        lines.append(f"| {result['program']} | {result['version']} | {accepted} of {count} | {crashed} | {left} | {full} | {pairs} |")
    return "\n".join(lines) + "\n"


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--bm", required=True, type=Path, help="the bm program")
    parser.add_argument("--output", required=True, type=Path, help="folder for readers.json and readers.md")
    arguments = parser.parse_args()
    bm = arguments.bm.resolve()
    results = []
    with tempfile.TemporaryDirectory() as folder:
        for name, program in PROGRAMS.items():
            first = program["single"][0] if program["single"][0] not in ("sh", "{bm}") else name
            if name != "bm" and not shutil.which(first):
                print(f"SKIPPED {name}: not installed")
                continue
            result = test_program(name, program, bm, Path(folder))
            if result["right_file"]["code"] != 0:
                print(f"SKIPPED {name}: it fails on a good file, so its command does not work here: {result['right_file']}")
                continue
            results.append(result)
            print(table([result]).splitlines()[-1])
    commit = subprocess.run(["git", "rev-parse", "HEAD"], cwd=ROOT, capture_output=True, text=True, check=False).stdout.strip()
    provenance = {"commit": commit, "machine": platform.machine(), "system": os.uname().sysname}
    arguments.output.mkdir(parents=True, exist_ok=True)
    with open(arguments.output / "readers.json", "w", encoding="utf-8") as file:
        json.dump({"format": 1, "provenance": provenance, "programs": results}, file, indent=1)
        file.write("\n")
    (arguments.output / "readers.md").write_text(table(results), encoding="utf-8")


if __name__ == "__main__":
    main()

"""The programs that are compared, one table for adapters and one for qualities. A program is one entry.

An entry is run as a whole program and its output read as FASTQ, so nothing of it need be known here but its command. To compare one
more, add an entry to `ADAPTERS` (and `QUALITIES`) with a function that runs its command. Filters by length, quality and Ns are
switched off where a program has them, so that a missing read means a read that was cut completely.
"""

from __future__ import annotations

import re
import shutil
import sys
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

EVIDENCE = Path(__file__).resolve().parents[1] / "evidence"
sys.path.append(str(EVIDENCE))
import runs  # noqa: E402
from runs import Failed, Job  # noqa: E402

GIVEN, FOUND, OWN = "given", "found", "own list"  # how a program knows the adapter
TRUSEQ_TRIMMOMATIC = "/usr/share/trimmomatic/TruSeq3-{}.fa"  # as Debian installs it


@dataclass(frozen=True)
class Task:
    """What a program gets."""

    job: Job
    files: list[Path]  # one FASTQ file, or two files of mates
    adapters: tuple[str, ...]  # of each mate; only for programs that are told

    def out(self, name: str) -> Path:
        return self.job.folder / name

    def call(self, *command: object, stdout: Path | None = None) -> None:
        self.job.call(program(str(command[0])), *command[1:], stdout=stdout)


Outputs = list[list[Path]]  # files of each mate; a program may write reads without a mate into a second one


@dataclass(frozen=True)
class Tool:
    """A program with the way it is told the adapter."""

    name: str
    told: str
    command: str  # for the page
    programs: tuple[str, ...]
    single: Callable[[Task], Outputs] | None = None
    paired: Callable[[Task], Outputs] | None = None


@dataclass(frozen=True)
class Trimmer:
    """A program that trims by quality, with its settings."""

    name: str
    command: str  # for the page; Q is the setting
    settings: tuple[int, ...]
    programs: tuple[str, ...]
    run: Callable[[Task, int], Outputs]
    is_peer: bool = True  # False for the programs of this project, which are compared with the best of the others


_named: dict[str, Path] = {}  # programs at other places than the usual


def name_program(name: str, path: Path) -> None:
    """Use this program instead of the installed one."""
    _named[name] = path


def program(name: str) -> Path:
    """Path of a program: as named, else from the Python environment, else as installed. Raises `Failed` if there is none."""
    beside = Path(sys.executable).parent / name
    path = _named.get(name) or (beside if beside.is_file() else None) or runs.found(name)
    if not path:
        raise Failed(f"{name} is not installed")
    return path


def is_installed(names: tuple[str, ...]) -> bool:
    try:
        return all(program(name) for name in names)
    except Failed:
        return False


def fasta(path: Path, records: dict[str, str]) -> Path:
    path.write_text("".join(f">{name}\n{sequence}\n" for name, sequence in records.items()), encoding="ascii")
    return path


def reverse_complement(sequence: str) -> str:
    return sequence.translate(str.maketrans("ACGTN", "TGCAN"))[::-1]


# ---------------------------------------------------------------------------------------------------- nothing


def nothing(task: Task) -> Outputs:
    return [[file] for file in task.files]


# ------------------------------------------------------------------------------------------------------ fastp

FASTP = ("--disable_quality_filtering", "--disable_length_filtering", "--thread", 1, "--json", "/dev/null", "--html", "/dev/null")


def fastp(*options: str, told: bool = False) -> Callable[[Task], Outputs]:
    def run(task: Task) -> Outputs:
        words: list[object] = ["fastp", *FASTP, *options, "-i", task.files[0], "-o", task.out("out_1.fastq")]
        if len(task.files) == 2:
            words += ["-I", task.files[1], "-O", task.out("out_2.fastq")]
        if told:
            for option, adapter in zip(("--adapter_sequence", "--adapter_sequence_r2"), task.adapters, strict=False):
                words += [option, adapter]
        task.call(*words)
        return [[task.out(f"out_{mate}.fastq")] for mate in range(1, len(task.files) + 1)]

    return run


# --------------------------------------------------------------------------------------------------- cutadapt


def cutadapt_with(task: Task, adapters: tuple[str, ...]) -> Outputs:
    words: list[object] = ["cutadapt", "--quiet", "-o", task.out("out_1.fastq")]
    if len(task.files) == 2:
        words += ["-p", task.out("out_2.fastq")]
    for option, adapter in zip(("-a", "-A"), adapters, strict=False):
        words += [option, adapter]
    task.call(*words, *task.files)
    return [[task.out(f"out_{mate}.fastq")] for mate in range(1, len(task.files) + 1)]


def cutadapt(task: Task) -> Outputs:
    return cutadapt_with(task, task.adapters)


def cutadapt_after_bbmerge(task: Task) -> Outputs:
    found = task.out("adapters.fa")
    task.call("bbmerge.sh", "-Xmx1g", "threads=1", f"in1={task.files[0]}", f"in2={task.files[1]}", f"outa={found}")
    adapters = tuple(found.read_text(encoding="ascii").split("\n")[1::2])[:2]
    if len(adapters) < 2 or not all(re.search("[ACGT]{8}", adapter) for adapter in adapters):
        return nothing(task)  # it found none
    return cutadapt_with(task, adapters)


# --------------------------------------------------------------------------------------------- AdapterRemoval


def adapter_removal_with(task: Task, adapters: tuple[str, ...]) -> Outputs:
    words: list[object] = ["AdapterRemoval", "--minlength", 0, "--qualitymax", 93, "--basename", task.out("ar")]
    for place, file in enumerate(task.files, 1):
        words += [f"--file{place}", file, f"--output{place}", task.out(f"out_{place}.fastq")]
    for place, adapter in enumerate(adapters, 1):
        words += [f"--adapter{place}", adapter]
    task.call(*words)
    return [[task.out(f"out_{mate}.fastq")] for mate in range(1, len(task.files) + 1)]


def adapter_removal(task: Task) -> Outputs:
    return adapter_removal_with(task, task.adapters)


def adapter_removal_own(task: Task) -> Outputs:
    return adapter_removal_with(task, ())


def adapter_removal_identify(task: Task) -> Outputs:
    report = task.out("identified.txt")
    one, other = task.files
    task.call("AdapterRemoval", "--identify-adapters", "--qualitymax", 93, "--file1", one, "--file2", other, stdout=report)
    found = tuple(re.findall(r"^\s*Consensus:\s*([ACGTN]+)", report.read_text(encoding="ascii"), re.MULTILINE))[:2]
    if len(found) < 2 or not all(re.search("[ACGT]{8}", adapter) for adapter in found):
        return nothing(task)  # it found none
    return adapter_removal_with(task, found)


# ------------------------------------------------------------------------------------------------------ BBDuk


def bbduk(*options: str, told: bool) -> Callable[[Task], Outputs]:
    def run(task: Task) -> Outputs:
        words: list[object] = ["bbduk.sh", "-Xmx1g", "threads=1", "ordered=t", "minlength=0", *options]
        for mate, file in enumerate(task.files, 1):
            words += [f"in{mate}={file}", f"out{mate}={task.out(f'out_{mate}.fastq')}"]
        if told:
            words += [f"literal={','.join(task.adapters)}", "ktrim=r", f"k={min(23, *map(len, task.adapters))}", "mink=11", "hdist=1"]
        task.call(*words)
        return [[task.out(f"out_{mate}.fastq")] for mate in range(1, len(task.files) + 1)]

    return run


# ------------------------------------------------------------------------------------------------ Trimmomatic


def trimmomatic_with(task: Task, step: str) -> Outputs:
    if len(task.files) == 1:
        task.call("TrimmomaticSE", "-threads", 1, "-phred33", task.files[0], task.out("out_1.fastq"), step)
        return [[task.out("out_1.fastq")]]
    outputs = [[task.out(f"out_{mate}{kind}.fastq") for kind in ("", "_alone")] for mate in (1, 2)]
    task.call("TrimmomaticPE", "-threads", 1, "-phred33", *task.files, *outputs[0], *outputs[1], step)
    return outputs


def trimmomatic(task: Task) -> Outputs:
    sequences = {f"adapter/{mate}": adapter for mate, adapter in enumerate(task.adapters, 1)}
    if len(task.files) == 2:
        # In its palindrome mode, it looks for what precedes the mates, the other strand of the other mate's adapter.
        one, other = task.adapters
        sequences |= {"PrefixPair/1": reverse_complement(other), "PrefixPair/2": reverse_complement(one)}
    return trimmomatic_with(task, f"ILLUMINACLIP:{fasta(task.out('adapters.fa'), sequences)}:2:30:10:1:true")


def trimmomatic_own(task: Task) -> Outputs:
    return trimmomatic_with(task, f"ILLUMINACLIP:{TRUSEQ_TRIMMOMATIC.format('SE' if len(task.files) == 1 else 'PE-2')}:2:30:10:1:true")


# --------------------------------------------------------------------------------------------------------- bm

BM = ("--threshold", 0, "--threads", 1, "--quiet")  # nothing is dropped for its quality


def bm_with(task: Task, *options: object) -> Outputs:
    words: list[object] = ["bm", "filter", *task.files, *BM, *options, "-o", task.out("out_1.fastq")]
    if len(task.files) == 2:
        words += ["-O", task.out("out_2.fastq"), "--pair", "any"]  # else a mate of Ns costs the other one
    task.call(*words)
    return [[task.out(f"out_{mate}.fastq")] for mate in range(1, len(task.files) + 1)]


def bm(task: Task) -> Outputs:
    return bm_with(task, "--trim=adapters")


def bm_given(task: Task) -> Outputs:
    words: list[object] = []
    for option, adapter in zip(("--adapter", "--adapter2"), task.adapters, strict=False):
        words += [option, adapter]
    return bm_with(task, "--trim=adapters", *words)


ADAPTERS = (
    Tool("nothing", "", "no program, every read as it is", (), nothing, nothing),
    Tool("fastp", GIVEN, "fastp -a A [--adapter_sequence_r2 A2]", ("fastp",), fastp(told=True), fastp(told=True)),
    Tool("cutadapt", GIVEN, "cutadapt -a A [-A A2]", ("cutadapt",), cutadapt, cutadapt),
    Tool("AdapterRemoval", GIVEN, "AdapterRemoval --adapter1 A [--adapter2 A2]", ("AdapterRemoval",), adapter_removal, adapter_removal),
    Tool("BBDuk", GIVEN, "bbduk.sh literal=A[,A2] ktrim=r k=23 (the adapter's length if it is shorter) mink=11 hdist=1 [tbo tpe]", ("bbduk.sh",),
         bbduk(told=True), bbduk("tbo", "tpe", told=True)),
    Tool("Trimmomatic", GIVEN, "Trimmomatic ILLUMINACLIP:A.fa:2:30:10:1:true", ("TrimmomaticSE", "TrimmomaticPE"), trimmomatic, trimmomatic),
    Tool("bm", GIVEN, "bm filter --trim=adapters --adapter A [--adapter2 A2]", ("bm",), bm_given, bm_given),
    Tool("bm", FOUND, "bm filter --trim=adapters", ("bm",), bm, bm),
    Tool("fastp", FOUND, "fastp", ("fastp",), fastp(), fastp()),
    Tool("fastp, detecting", FOUND, "fastp --detect_adapter_for_pe", ("fastp",), None, fastp("--detect_adapter_for_pe")),
    Tool("BBMerge, cutadapt", FOUND, "bbmerge.sh outa=A.fa, then cutadapt -a A -A A2", ("bbmerge.sh", "cutadapt"),
         None, cutadapt_after_bbmerge),
    Tool("AdapterRemoval, identifying", FOUND, "AdapterRemoval --identify-adapters, then --adapter1 A --adapter2 A2",
         ("AdapterRemoval",), None, adapter_removal_identify),
    Tool("BBDuk, overlap", FOUND, "bbduk.sh tbo", ("bbduk.sh",), None, bbduk("tbo", told=False)),
    Tool("AdapterRemoval", OWN, "AdapterRemoval", ("AdapterRemoval",), adapter_removal_own, adapter_removal_own),
    Tool("Trimmomatic", OWN, "Trimmomatic ILLUMINACLIP:TruSeq3-SE.fa (PE-2):2:30:10:1:true", ("TrimmomaticSE", "TrimmomaticPE"),
         trimmomatic_own, trimmomatic_own),
)  # fmt: skip


# -------------------------------------------------------------------------------------------------- qualities


def cutadapt_quality(limits: str) -> Callable[[Task, int], Outputs]:
    def run(task: Task, q: int) -> Outputs:
        task.call("cutadapt", "--quiet", "-q", limits.format(q), "-o", task.out("out.fastq"), task.files[0])
        return [[task.out("out.fastq")]]

    return run


def fastp_quality(task: Task, q: int) -> Outputs:
    words = (*FASTP, "--disable_adapter_trimming", "--disable_trim_poly_g", "--cut_right", "--cut_right_mean_quality", q)
    task.call("fastp", *words, "-i", task.files[0], "-o", task.out("out.fastq"))
    return [[task.out("out.fastq")]]


def sickle(task: Task, q: int) -> Outputs:
    task.call("sickle", "se", "--quiet", "-t", "sanger", "-l", 0, "-q", q, "-f", task.files[0], "-o", task.out("out.fastq"))
    return [[task.out("out.fastq")]]


def trimmomatic_quality(task: Task, q: int) -> Outputs:
    return trimmomatic_with(task, f"SLIDINGWINDOW:4:{q}")


def bbduk_quality(task: Task, q: int) -> Outputs:
    return bbduk("qtrim=rl", f"trimq={q}", told=False)(task)


def bm_quality(*options: str) -> Callable[[Task, int], Outputs]:
    def run(task: Task, price: int) -> Outputs:
        return bm_with(task, "--trim=ends", "--trim-price", price, *options)

    return run


PRICES = (1, 4, 9, 19, 49, 199, 999, 9999)

Q_2_TO_40 = (2, 5, 10, 15, 20, 25, 28, 30, 32, 35, 38, 40)

QUALITIES = (
    Trimmer("cutadapt", "cutadapt -q Q", Q_2_TO_40, ("cutadapt",), cutadapt_quality("{0}")),
    Trimmer("cutadapt, both ends", "cutadapt -q Q,Q", Q_2_TO_40, ("cutadapt",), cutadapt_quality("{0},{0}")),
    Trimmer("fastp", "fastp --cut_right --cut_right_mean_quality Q", (2, 5, 10, 15, 18, 20, 23, 25, 28, 30), ("fastp",), fastp_quality),
    Trimmer("sickle", "sickle se -q Q -l 0", Q_2_TO_40, ("sickle",), sickle),
    Trimmer("Trimmomatic", "TrimmomaticSE SLIDINGWINDOW:4:Q", Q_2_TO_40, ("TrimmomaticSE",), trimmomatic_quality),
    Trimmer("BBDuk", "bbduk.sh qtrim=rl trimq=Q", Q_2_TO_40, ("bbduk.sh",), bbduk_quality),
    Trimmer("bm", "bm filter --trim=ends --trim-price Q", PRICES, ("bm",), bm_quality(), is_peer=False),
    Trimmer("bm, adapted", "bm filter --adapt --trim=ends --trim-price Q", PRICES, ("bm",), bm_quality("--adapt"), is_peer=False),
)  # fmt: skip

PACKAGES = {"fastp": "fastp", "AdapterRemoval": "adapterremoval", "bbduk.sh": "bbmap", "bbmerge.sh": "bbmap", "sickle": "sickle",
            "TrimmomaticSE": "trimmomatic", "TrimmomaticPE": "trimmomatic", "cutadapt": "cutadapt"}  # fmt: skip


def versions(names: set[str]) -> dict[str, str]:
    """Versions of these programs, by name: of cutadapt by itself, of others by Debian's package."""
    found = {}
    for name in sorted(names):
        path = program(name)
        if path == Path(sys.executable).parent / name and shutil.which(str(path)):
            import importlib.metadata

            found[name] = f"PyPI {importlib.metadata.version(name)}"
        elif name in PACKAGES and (version := runs.version_of(PACKAGES[name])):
            found[name] = f"Debian {version}"
        else:
            found[name] = "unknown"
    return found

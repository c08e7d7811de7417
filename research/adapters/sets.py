"""Reads of which it is known where the sample ends.

`Trimmed` holds one set: reads, and for every read the number of its bases that are of the sample, its *end*. Bases from the end on
are not of the sample: adapter, and what follows it. A read whose end is not known is `AMBIGUOUS`: programs see it, figures do not.
How each set is made is described in README.md; every random draw has a fixed seed.
"""

from __future__ import annotations

import sys
from collections.abc import Iterable
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np

sys.path.append(str(Path(__file__).resolve().parents[1] / "evaluation"))
import own_labels  # noqa: E402
import truth  # noqa: E402

AMBIGUOUS = -1
SEED = 20
LETTERS = np.frombuffer(b"ACGTN", np.uint8)
CODE = np.full(256, 4, np.int8)
CODE[LETTERS[:4]] = np.arange(4)
COMPLEMENT = bytes.maketrans(b"ACGTN", b"TGCAN")

TRUSEQ = (
    "AGATCGGAAGAGCACACGTCTGAACTCCAGTCA",
    "AGATCGGAAGAGCGTCGTGTAGGGAAAGAGTGT",
)
NEXTERA = (
    "CTGTCTCTTATACACATCTCCGAGCCCACGAGAC",
    "CTGTCTCTTATACACATCTGACGCTGCCGACGA",
)
SMALL_RNA = "TGGAATTCTCGGGTGCCAAGG"
ADAPTER_LENGTH = 34  # bases of an adapter that is drawn at random, the length of the common ones

# Mates' overlap: log-odds of one compared base, for errors in 5 % of the bases against unrelated bases.
MATCH, MISMATCH = np.log(4 * 0.95), np.log(4 * 0.05 / 3)
LEAST_ODDS = 16.0  # nats; unrelated mates of 272 bases reach about 9
LEAST_MARGIN = 10.0  # nats that the best insert length must have more than the second best
SHORTEST = 16  # bases; a shorter insert cannot reach the least log-odds with an error in it
MOST_BEYOND = 3  # bases that an aligner may align by chance beyond the end of the insert


@dataclass
class Record:
    """One read."""

    name: str  # its first word, as in the file
    sequence: bytes  # upper case
    quality: bytes  # Phred+33

    def __len__(self) -> int:
        return len(self.sequence)


@dataclass
class Trimmed:
    """One set: the records of one file, or of two files of mates, and their ends."""

    name: str
    kind: str  # real, simulated, clean: no read has an adapter, or unknown: only what is cut is counted
    what: str  # one line for the page
    records: list[list[Record]]  # [files][records]
    ends: list[np.ndarray]  # [files], int [records]; AMBIGUOUS where it is not known
    told: tuple[str, ...]  # adapter of each mate that programs are told
    sources: dict[str, str] = field(default_factory=dict)  # SHA-256 of the files it was made from

    @property
    def paired(self) -> bool:
        return len(self.records) == 2

    def write(self, folder: Path) -> list[Path]:
        """Write one FASTQ file per mate; refuses names that occur twice, because outputs are joined by name."""
        files = []
        for mate, records in enumerate(self.records, 1):
            if len({record.name for record in records}) < len(records):
                raise SystemExit(f"{self.name}: a read name occurs twice in file {mate}")
            files.append(folder / f"reads_{mate}.fastq")
            with files[-1].open("wb") as out:
                for record in records:
                    out.write(b"@%b\n%b\n+\n%b\n" % (record.name.encode(), record.sequence, record.quality))
        return files


# --------------------------------------------------------------------------------------------------- reading


def read(path: Path) -> list[Record]:
    """All records of a FASTQ file with four-line records."""
    found = []
    with truth.opened(path) as lines:
        while head := lines.readline():
            sequence, _, quality = (lines.readline().rstrip() for _ in range(3))
            name = head[1:].split()[0].decode("latin-1")
            if not head.startswith(b"@") or len(sequence) != len(quality):
                raise SystemExit(f"{path}: not FASTQ with four lines per record, near {name}")
            found.append(Record(name, sequence.upper(), quality))
    return found


class Source:
    """A folder of the truth sets: its reads and their rows, by mate."""

    def __init__(self, data: Path, name: str):
        self.folder = data / name
        if not self.folder.is_dir():
            raise SystemExit(f"{self.folder}: no such truth set; --data is the folder that holds train and devtest")
        table = next(self.folder.glob("*" + truth.SUFFIX))
        self.files = truth.fastq_files(self.folder)
        self.rows = truth.read_table(table)
        self.records = [read(file) for file in self.files]
        self.sha256 = {f"{name}/{path.name}": truth.sha256(path) for path in (table, *self.files)}

    def row(self, record: Record, mate: int) -> truth.Row | None:
        return self.rows.get((truth.bare(record.name), str(mate)))

    def is_clear(self, record: Record, mate: int) -> bool:
        """Whether the read is unambiguous (truth.py) and aligned up to its last base."""
        row = self.row(record, mate)
        return row is not None and row.comparable and row.clipped <= truth.MOST_CLIPPED and row.clip3 == 0

    def rates(self) -> np.ndarray:
        """Measured errors per base of each Phred score, float [94]; few bases of a score are completed by 200 as reported."""
        bases, wrong = np.zeros(94), np.zeros(94)
        for mate, records in enumerate(self.records, 1):
            for record in records:
                if not self.is_clear(record, mate):
                    continue
                row, q = self.row(record, mate), phred(record.quality)
                inside = slice(row.clip5, len(record))
                error = own_labels.error_bases(row.places, len(record))
                bases += np.bincount(q[inside], minlength=94)
                wrong += np.bincount(q[inside], error[inside], minlength=94)
        return np.minimum((wrong + 200 * truth.ERROR_PROBABILITY) / (bases + 200), 0.75)


def phred(quality: bytes) -> np.ndarray:
    """Phred scores, int [bases]."""
    return np.frombuffer(quality, np.uint8).astype(int) - 33


def codes(sequence: bytes) -> np.ndarray:
    """0 to 3 for A, C, G, T and 4 for others, int8 [bases]."""
    return CODE[np.frombuffer(sequence, np.uint8)]


def text(bases: np.ndarray) -> bytes:
    """The letters of these codes."""
    return LETTERS[bases].tobytes()


def reverse_complement(sequence: bytes) -> bytes:
    return sequence.translate(COMPLEMENT)[::-1]


def random_bases(rng: np.random.Generator, many: int) -> bytes:
    return text(rng.integers(0, 4, many))


# ------------------------------------------------------------------------------------- where the insert ends


def by_overlap(first: list[bytes], second: list[bytes], block: int = 500) -> np.ndarray:
    """Length of each pair's insert by the overlap of its mates, int [pairs].

    An insert of t bases has base i of the first mate opposite base t - 1 - i of the second. Every t is compared without gaps over all
    bases that both mates have. 0: no t reaches the least log-odds, so the mates do not overlap; AMBIGUOUS: two reach nearly the same.
    """
    found = []
    for start in range(0, len(first), block):
        one, other = first[start : start + block], [s.translate(COMPLEMENT) for s in second[start : start + block]]
        width = max(map(len, one)) + max(map(len, other)) + 1
        a, b = (np.stack([np.pad(codes(s), (0, width - len(s)), constant_values=4) for s in each]) for each in (one, other))

        def convolved(x: np.ndarray, y: np.ndarray, width: int = width) -> np.ndarray:  # bool [pairs, width] each
            return np.rint(np.fft.irfft(np.fft.rfft(x, width) * np.fft.rfft(y, width), width))

        compared = convolved(a < 4, b < 4)
        matches = sum(convolved(a == base, b == base) for base in range(4))
        odds = matches * MATCH + (compared - matches) * MISMATCH  # [pairs, t - 1]
        odds[:, : SHORTEST - 1] = 0
        rows, best = np.arange(len(one)), odds.argmax(axis=1)
        highest = odds[rows, best]
        odds[rows, best] = -np.inf
        clear = highest - np.maximum(odds.max(axis=1), 0) >= LEAST_MARGIN
        found.append(np.where(highest < LEAST_ODDS, 0, np.where(clear, best + 1, AMBIGUOUS)))
    return np.concatenate(found)


def ends_of_pair(insert: int, lengths: tuple[int, int], rows: tuple[truth.Row | None, truth.Row | None]) -> tuple[int, int]:
    """Ends of both mates, from the length of the insert by overlap and the mates' rows in the truth table.

    Mates without overlap have no adapter where they are aligned up to the last base; else their ends are not known. An alignment that
    goes on beyond the end by overlap contradicts it: then neither end is known.
    """
    if insert == AMBIGUOUS:
        return AMBIGUOUS, AMBIGUOUS
    if insert == 0:
        aligned = [row is not None and row.comparable and row.clip3 == 0 for row in rows]
        return tuple(length if whole else AMBIGUOUS for length, whole in zip(lengths, aligned, strict=True))
    for length, row in zip(lengths, rows, strict=True):
        if row is not None and row.scored > 0 and length - row.clip3 > insert + MOST_BEYOND:
            return AMBIGUOUS, AMBIGUOUS
    return min(insert, lengths[0]), min(insert, lengths[1])


def real_pairs(source: Source) -> list[np.ndarray]:
    """Ends of the mates of a run, int [records] for each file."""
    first, second = source.records
    inserts = by_overlap([r.sequence for r in first], [r.sequence for r in second])
    ends = [ends_of_pair(int(t), (len(a), len(b)), (source.row(a, 1), source.row(b, 2))) for t, a, b in zip(inserts, first, second, strict=True)]
    return [np.array(each) for each in zip(*ends, strict=True)]


def short_tails(records: list[Record], ends: np.ndarray, rng: np.random.Generator) -> tuple[list[Record], np.ndarray]:
    """The reads with an adapter, cut so that they end -20 to 20 bases after the sample does; other reads as they are.

    A read that would be shorter than 30 bases, or that is too short for its tail, becomes the longest that it can be.
    """
    short, known = [], []
    for record, end in zip(records, ends, strict=True):
        tail = int(rng.integers(-20, 21))
        keep = len(record) if end in (AMBIGUOUS, len(record)) else min(max(end + tail, 30), len(record))
        short.append(Record(record.name, record.sequence[:keep], record.quality[:keep]))
        known.append(min(end, keep))
    return short, np.array(known)


# ------------------------------------------------------------------------------------------------ simulated


def with_errors(bases: np.ndarray, quality: bytes, rates: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """The bases, each replaced by another one at the rate of its quality; int8 [bases]."""
    error = rng.random(len(bases)) < rates[phred(quality)]
    return np.where(error, (bases + rng.integers(1, 4, len(bases))) % 4, bases).astype(np.int8)


def tail_of(adapter: str, many: int) -> np.ndarray:
    """The first bases of an adapter, and G after it, as instruments with two colours read nothing; int8 [many]."""
    return codes((adapter.encode() + b"G" * many)[:many])


def drawn_end(length: int, rng: np.random.Generator) -> int:
    """The end of a read that gets an adapter: tails of 1 to 12 bases in 40 %, else any insert from 18 bases on."""
    return length - int(rng.integers(1, 13)) if rng.random() < 0.4 else int(rng.integers(18, length))


def with_adapter(records: list[Record], adapter: str, share: float, rates: np.ndarray, rng: np.random.Generator):
    """Real reads, of which a share is cut and continued with the adapter. Returns records and ends."""
    made, ends = [], []
    for record in records:
        end = drawn_end(len(record), rng) if rng.random() < share else len(record)
        tail = with_errors(tail_of(adapter, len(record) - end), record.quality[end:], rates, rng)
        made.append(Record(record.name, record.sequence[:end] + text(tail), record.quality))
        ends.append(end)
    return made, np.array(ends)


class Corrected:
    """Reads with their counted errors replaced by the bases of the reference; variants stay."""

    SEED_BASES = 21

    def __init__(self, reference: Path):
        with reference.open("rb") as lines:
            joined = b"".join(b"N" if line.startswith(b">") else line.strip().upper() for line in lines)
        self.strands = (joined, reverse_complement(joined))

    def fragment(self, record: Record, places: str) -> bytes | None:
        """The sequence without errors; None if the read is not found in the reference, or has an insertion or deletion."""
        if not places:
            return record.sequence
        if "I" in places or "D" in places:
            return None
        wrong, k = own_labels.error_bases(places, len(record)), self.SEED_BASES
        for start in range(0, len(record) - k + 1):
            if wrong[start : start + k].any():
                continue
            for strand in self.strands:
                at = strand.find(record.sequence[start : start + k]) - start
                right = strand[at : at + len(record)] if at >= 0 else b""
                if len(right) == len(record):
                    return text(np.where(wrong, codes(right), codes(record.sequence)))
        return None


def simulated_pairs(source: Source, adapters: tuple[str, str], share: float, rng: np.random.Generator):
    """Pairs of short fragments: the first mate keeps its bases, the second reads the other strand of the same fragment.

    The fragment is the first mate's sequence without its errors, up to the end that is drawn. The second mate has the length and
    qualities of the real one, and errors at the measured rates. Returns records and ends of both mates.
    """
    corrected, rates = Corrected(source.folder / "ref.fa"), source.rates()
    pairs: tuple[list[Record], list[Record]] = ([], [])
    ends: tuple[list[int], list[int]] = ([], [])
    for one, other in zip(*source.records, strict=True):
        if not source.is_clear(one, 1) or len(other) < len(one):
            continue
        fragment = corrected.fragment(one, source.row(one, 1).places)
        if fragment is None:
            continue
        end = drawn_end(len(one), rng) if rng.random() < share else len(one)
        tail = with_errors(tail_of(adapters[0], len(one) - end), one.quality[end:], rates, rng)
        pairs[0].append(Record(one.name, one.sequence[:end] + text(tail), one.quality))
        # A pair without an adapter has mates of the same length that overlap completely.
        quality = other.quality if end < len(one) else other.quality[: len(one)]
        bases = np.concatenate([codes(reverse_complement(fragment[:end])), tail_of(adapters[1], len(quality) - end)])
        pairs[1].append(Record(other.name, text(with_errors(bases, quality, rates, rng)), quality))
        ends[0].append(end)
        ends[1].append(end)
    return list(pairs), [np.array(each) for each in ends]


# ---------------------------------------------------------------------------------------------------- clean


def sequenced(name: str, fragments: Iterable[bytes], qualities: list[bytes], rates: np.ndarray, rng: np.random.Generator) -> list[Record]:
    """One read of each fragment, with the quality string of a real read and errors at the measured rates."""
    made = []
    for number, fragment in enumerate(fragments):
        quality = qualities[int(rng.integers(len(qualities)))][: len(fragment)]
        made.append(Record(f"{name}{number}", text(with_errors(codes(fragment), quality, rates, rng)), quality))
    return made


def changed(sequence: bytes, share: float, rng: np.random.Generator) -> bytes:
    """The sequence with this share of its bases replaced."""
    bases = codes(sequence)
    at = rng.random(len(bases)) < share
    return text(np.where(at, (bases + rng.integers(1, 4, len(bases))) % 4, bases))


def rna_fragments(many: int, length: int, rng: np.random.Generator) -> list[bytes]:
    """Stranded RNA: 40 % of one ribosomal RNA of 5 kb, the rest of 2,000 transcripts, 40 % of which hold a repeat.

    The repeat has 300 bases; its copies differ from it in 10 % of the bases and begin anywhere in a transcript. So its words come
    after many different bases, as an adapter does. Expression is log-normal.
    """
    ribosomal, repeat = random_bases(rng, 5000), random_bases(rng, 300)
    transcripts = []
    for _ in range(2000):
        sequence = random_bases(rng, int(rng.integers(600, 3000)))
        if rng.random() < 0.4:
            at = int(rng.integers(0, len(sequence)))
            sequence = sequence[:at] + changed(repeat, 0.1, rng) + sequence[at:]
        transcripts.append(sequence)
    expression = np.exp(rng.normal(0, 1.5, len(transcripts))) * [len(t) for t in transcripts]
    chosen = rng.choice(len(transcripts), many, p=expression / expression.sum())
    made = []
    for which in chosen:
        sequence = ribosomal if rng.random() < 0.4 else transcripts[which]
        at = int(rng.integers(0, len(sequence) - length + 1))
        made.append(sequence[at : at + length])
    return made


def bisulfite_fragments(many: int, length: int, genome: int, rng: np.random.Generator) -> list[bytes]:
    """Directional bisulfite reads of a random genome: C becomes T on the strand of the read, but in 70 % of the CpG sites."""
    forward = random_bases(rng, genome)
    converted = []
    for strand in (forward, reverse_complement(forward)):
        bases = codes(strand)
        before_g = np.append(bases[1:] == 2, False)
        kept = before_g & (rng.random(genome) < 0.7)
        converted.append(text(np.where((bases == 1) & ~kept, 3, bases)))
    starts = rng.integers(0, genome - length + 1, many)
    return [converted[strand][at : at + length] for at, strand in zip(starts, rng.integers(0, 2, many), strict=True)]


def all_clean(records: list[Record]) -> np.ndarray:
    """The ends of reads without an adapter."""
    return np.array([len(record) for record in records])


# ----------------------------------------------------------------------------------------------------- all sets

T5, NEXTSEQ, AVITI = "train/novaseq_sars2_berlin_t5", "devtest/nextseq_sars2_biohub_r432", "devtest/aviti_wastewater"
PHAGE, SANGER, TWIST = "train/hiseqx_phage", "train/miseq_sars2_sanger", "train/miseq_twist_MN908947"
MEASLES, BERLIN = "devtest/hiseq_measles", "train/novaseq_sars2_berlin"


def generator(name: str) -> np.random.Generator:
    """The generator of one set: adding a set changes no other."""
    return np.random.default_rng([SEED, *name.encode()])


def t5_mate2(data: Path, name: str) -> Trimmed:
    source = Source(data, T5)
    ends = real_pairs(source)
    return Trimmed(name, "real", "NovaSeq, short inserts, second mates alone", source.records[1:], ends[1:], TRUSEQ[1:], source.sha256)


def t5_tails(data: Path, name: str) -> Trimmed:
    whole = t5_mate2(data, name)
    records, ends = short_tails(whole.records[0], whole.ends[0], generator(name))
    return Trimmed(name, "real", "The same, cut to tails of -20 to 20 bases", [records], [ends], whole.told, whole.sources)


def run_of_pairs(folder: str, what: str, told: tuple[str, str]):
    def make(data: Path, name: str) -> Trimmed:
        source = Source(data, folder)
        return Trimmed(name, "real", what, source.records, real_pairs(source), told, source.sha256)

    return make


def simulated(folder: str, share: float, what: str):
    def make(data: Path, name: str) -> Trimmed:
        source, rng = Source(data, folder), generator(name)
        adapter = random_bases(rng, ADAPTER_LENGTH).decode()
        clear = [r for r in source.records[0] if source.is_clear(r, 1) and len(r) >= 60]
        records, ends = with_adapter(clear, adapter, share, source.rates(), rng)
        return Trimmed(name, "simulated", what, [records], [ends], (adapter,), source.sha256)

    return make


def simulated_mates(folder: str, what: str):
    def make(data: Path, name: str) -> Trimmed:
        source, rng = Source(data, folder), generator(name)
        adapters = (random_bases(rng, ADAPTER_LENGTH).decode(), random_bases(rng, ADAPTER_LENGTH).decode())
        records, ends = simulated_pairs(source, adapters, 0.5, rng)
        return Trimmed(name, "simulated", what, records, ends, adapters, source.sha256)

    return make


def clean(folder: str, what: str):
    def make(data: Path, name: str) -> Trimmed:
        source = Source(data, folder)
        ends = [np.array([len(r) if source.is_clear(r, mate) else AMBIGUOUS for r in records]) for mate, records in enumerate(source.records, 1)]
        return Trimmed(name, "clean", what, source.records, ends, TRUSEQ[: len(ends)], source.sha256)

    return make


def one_file(path: str, kind: str, what: str, told: str = TRUSEQ[0]):
    """A file without a table of truth, whose reads are taken as without adapters."""

    def make(data: Path, name: str) -> Trimmed:
        records = read(data / path)
        return Trimmed(name, kind, what, [records], [all_clean(records)], (told,), {path: truth.sha256(data / path)})

    return make


def made_up(fragments, what: str):
    def make(data: Path, name: str) -> Trimmed:
        source, rng = Source(data, PHAGE), generator(name)
        qualities = [record.quality for record in source.records[0]]
        records = sequenced(name, fragments(rng), qualities, source.rates(), rng)
        return Trimmed(name, "clean", what, [records], [all_clean(records)], TRUSEQ[:1], source.sha256)

    return make


# By name; each is called with the data folder and its name.
SETS = {
    "t5_mate2": t5_mate2,
    "t5_tails": t5_tails,
    "phage_50": simulated(PHAGE, 0.5, "HiSeq X, a random adapter on 50 % of the reads"),
    "phage_1": simulated(PHAGE, 0.01, "HiSeq X, a random adapter on 1 % of the reads"),
    "sanger_50": simulated(SANGER, 0.5, "MiSeq with 4 % errors, a random adapter on 50 % of the reads"),
    "sanger_1": simulated(SANGER, 0.01, "MiSeq with 4 % errors, a random adapter on 1 % of the reads"),
    "t5_pairs": run_of_pairs(T5, "NovaSeq, short inserts; first mates were trimmed before", TRUSEQ),
    "nextseq_pairs": run_of_pairs(NEXTSEQ, "NextSeq, Nextera, poly-G", NEXTERA),
    "aviti_pairs": run_of_pairs(AVITI, "AVITI, short tails", TRUSEQ),
    "measles_pairs": simulated_mates(MEASLES, "HiSeq, random adapters on 50 % of the pairs"),
    "berlin_pairs": simulated_mates(BERLIN, "NovaSeq, random adapters on 50 % of the pairs"),
    "phage_clean": clean(PHAGE, "HiSeq X, no adapter"),
    "twist_clean": clean(TWIST, "MiSeq pairs of a synthetic control, no adapter"),
    "16s_clean": one_file("weird/real_MiSeq_16S_dada2_sam1F.fastq.gz", "clean", "MiSeq, amplicons of 16S rRNA that are longer than the reads"),
    "rna_clean": made_up(lambda rng: rna_fragments(20_000, 100, rng), "Simulated RNA with ribosomal RNA and repeats"),
    "bisulfite_clean": made_up(lambda rng: bisulfite_fragments(20_000, 100, 100_000, rng), "Simulated bisulfite reads, depth 20"),
    "rna_real": one_file("weird/real_GAIIx_RNAseq_Q2tail_ERR127302_1.fastq.gz", "unknown", "Genome Analyzer IIx, RNA"),
    "rrbs_real": one_file("weird/real_SRAconstQ30_NovaSeq_RRBS_10k.fastq.gz", "unknown", "NovaSeq, bisulfite (RRBS), one quality value"),
    "sra_lite_real": one_file("weird/real_SRAlite_2quals_10k.fastq.gz", "unknown", "RNA by template switching, two quality values"),
    "small_rna_real": one_file(
        "weird/real_smallRNA_adapters_MiSeq_20k.fastq.gz", "unknown", "MiSeq, small RNA: nearly every read holds the adapter", SMALL_RNA
    ),
}  # fmt: skip

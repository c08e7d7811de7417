"""BAM that bm reads and writes, beside what samtools and pysam read and write.

`BM` names the program, `SAMTOOLS` that of samtools, and `SAMTOOLS_LIBRARIES` the folder of its shared libraries, if
it has one. `cargo xtask test` sets them.
"""

import os
import random
import subprocess
import tempfile
import unittest
from array import array
from pathlib import Path

import pysam

ROOT = Path(__file__).resolve().parents[3]
PAIRS = ROOT / "testdata/bam/pairs.bam"
LONG = ROOT / "testdata/bam/nanopore.bam"
FRONT, TAIL = 40, 25
STRIDE = 6


def bm(*arguments: object) -> str:
    """Run bm; return what it says on stderr."""
    command = [os.environ["BM"], *map(str, arguments)]
    return subprocess.run(command, check=True, capture_output=True, text=True).stderr


def keep_all(source: Path, target: Path, *arguments: object) -> str:
    """Run `bm filter` so that all reads pass; return what it says on stderr."""
    return bm("filter", source, "-o", target, "--max-ee-rate", 1, *arguments)


def samtools(*arguments: object) -> str:
    """Run samtools; return its stdout."""
    environment = dict(os.environ)
    if libraries := environment.get("SAMTOOLS_LIBRARIES"):
        environment["LD_LIBRARY_PATH"] = libraries
    command = [os.environ["SAMTOOLS"], *map(str, arguments)]
    return subprocess.run(command, check=True, capture_output=True, text=True, env=environment).stdout


def records(path: Path) -> list[pysam.AlignedSegment]:
    """Return the records of a BAM file."""
    with pysam.AlignmentFile(str(path), check_sq=False) as bam:
        return list(bam)


def described(record: pysam.AlignedSegment) -> tuple:
    """Return all that a record has, the types of its tags among it."""
    fields = (record.query_name, record.flag, record.query_sequence, record.query_qualities)
    return fields, record.get_tags(with_value_type=True)


def without_programs(path: Path) -> list[str]:
    """Return the lines of a header but those of programs, as samtools prints them."""
    lines = samtools("view", "-H", "--no-PG", path).splitlines()
    return [line for line in lines if not line.startswith("@PG")]


class Case(unittest.TestCase):
    """Has a folder for the files of a test."""

    def setUp(self) -> None:
        scratch = tempfile.TemporaryDirectory()
        self.addCleanup(scratch.cleanup)
        self.folder = Path(scratch.name)

    def assert_same_reads(self, one: Path, other: Path) -> None:
        """Compare the records of two files, as both programs read them."""
        self.assertEqual(list(map(described, records(one))), list(map(described, records(other))))
        self.assertEqual(samtools("view", one), samtools("view", other))


class Whole(Case):
    def test_reads_tags_and_header_are_kept(self):
        for source in (PAIRS, LONG):
            kept = self.folder / "kept.bam"
            keep_all(source, kept)
            samtools("quickcheck", "-u", kept)
            self.assert_same_reads(kept, source)
            self.assertEqual(without_programs(kept), without_programs(source))
            programs = [
                line for line in samtools("view", "-H", "--no-PG", kept).splitlines() if line.startswith("@PG")
            ]
            self.assertTrue(programs[-1].startswith("@PG\tID:bm\tPN:bm\tVN:"), programs)
            with pysam.AlignmentFile(str(source), check_sq=False) as bam:
                last = bam.header.to_dict()["PG"][-1]["ID"]
            self.assertIn(f"\tPP:{last}\tCL:", programs[-1])

    def test_discarded_reads_are_the_others(self):
        kept, others = self.folder / "kept.bam", self.folder / "others.bam"
        bm("filter", PAIRS, "-o", kept, "--discarded", others, "--max-ee", 0.5)
        found = [record for path in (kept, others) for record in records(path)]
        expected = sorted(map(described, records(PAIRS)), key=lambda it: it[0][:2])
        self.assertTrue(records(kept) and records(others))
        for record in records(others):
            self.assertTrue(record.get_tag("ZR"))
        for record in found:
            record.set_tag("ZR", None)
        self.assertEqual(sorted(map(described, found), key=lambda it: it[0][:2]), expected)


class Pairs(Case):
    def test_both_mates_are_divided_as_by_samtools(self):
        names = [str(self.folder / name) for name in ("1.fq", "2.fq", "3.fq", "4.fq")]
        samtools("fastq", "-n", "-1", names[0], "-2", names[1], "-s", names[2], "-0", names[3], PAIRS)
        ours = [self.folder / "ours_1.fq", self.folder / "ours_2.fq"]
        keep_all(PAIRS, ours[0], "-O", ours[1])
        for name, path in zip(names, ours, strict=False):
            self.assertEqual(Path(name).read_text(), path.read_text())
            self.assertEqual(path.read_text().count("\n"), 2 * len(records(PAIRS)))

    def test_bam_of_two_files_is_that_of_samtools_import(self):
        mates = [self.folder / "1.fq", self.folder / "2.fq"]
        keep_all(PAIRS, mates[0], "-O", mates[1])
        theirs, ours = self.folder / "theirs.bam", self.folder / "ours.bam"
        samtools("import", "-1", mates[0], "-2", mates[1], "-o", theirs)
        bm("filter", *mates, "-o", ours, "--max-ee-rate", 1)
        self.assert_same_reads(ours, theirs)
        # Read as pairs again.
        again = self.folder / "again.bam"
        keep_all(theirs, again, "--pair", "both")
        self.assert_same_reads(again, theirs)


class Descriptions(Case):
    def test_what_bm_adds_behind_plain_names_is_sam_where_aligners_copy_it(self):
        reads, kept, dropped = (self.folder / name for name in ("reads.fastq", "kept.fastq", "dropped.fastq"))
        draw = random.Random(1)
        with reads.open("w") as file:
            for number in range(40):
                bases = "".join(draw.choice("ACGT") for _ in range(100))
                quality = "I" * 100 if number % 2 else "#" * 100
                file.write(f"@r{number}\n{bases}\n+\n{quality}\n")
        bm("filter", reads, "-o", kept, "--discarded", dropped, "--annotate", "--recalibrate", "--max-ee", 1)
        sam = self.folder / "copied.sam"
        # As `bwa mem -C` and `minimap2 -y` write what is behind the name.
        with sam.open("w") as file:
            for output in (kept, dropped):
                lines = output.read_text().splitlines()
                for definition, bases, _, quality in zip(*[iter(lines)] * 4, strict=True):
                    name, _, description = definition[1:].partition("\t")
                    self.assertTrue(description)
                    file.write("\t".join([name, "4", "*", "0", "0", "*", "*", "0", "0", bases, quality, description]) + "\n")
        rows = [line.split("\t") for line in samtools("view", sam).splitlines()]
        self.assertEqual(len(rows), 40)
        for row in rows:
            kinds = [field[:5] for field in row[11:]]
            last = "ZM:Z:" if int(row[0][1:]) % 2 else "ZR:Z:"
            self.assertEqual(kinds, ["ZP:f:", "ZE:f:", last])

    def test_tags_in_fastq_are_those_of_samtools_and_come_back(self):
        for source, tags in ((LONG, "*"), (PAIRS, "*"), (LONG, "RG,MN,qs"), (PAIRS, "BC")):
            fastq = self.folder / "ours.fq"
            keep_all(source, fastq, "-T", tags)
            theirs = samtools("fastq", "-n", "-T", tags, source)
            self.assertEqual(fastq.read_text(), theirs)
            if tags != "*":
                continue
            ours = self.folder / "ours.bam"
            keep_all(fastq, ours, *(["--interleaved"] if source == PAIRS else []))
            # SAM has one type of whole numbers.
            self.assertEqual(samtools("view", source), samtools("view", ours))
            if source == LONG:
                imported = self.folder / "imported.bam"
                samtools("import", "-T", "*", "-o", imported, "-0", fastq)
                self.assertEqual(samtools("view", imported), samtools("view", ours))


def long_reads(path: Path, group: str) -> list[pysam.AlignedSegment]:
    """Write reads with tags as of dorado and PacBio, whose values are made up; return them."""
    header = {"HD": {"VN": "1.6", "SO": "unknown"}, "RG": [{"ID": group, "PL": "ONT"}]}
    chance = random.Random(7)
    made = []
    with pysam.AlignmentFile(str(path), "wb", header=pysam.AlignmentHeader.from_dict(header)) as bam:
        for source in records(LONG):
            bases = len(source.query_sequence)
            steps = [0]
            for _ in range(bases):
                steps += [1] + [0] * chance.randrange(3)
            record = pysam.AlignedSegment(bam.header)
            record.query_name, record.flag = source.query_name, 4
            record.query_sequence, record.query_qualities = source.query_sequence, source.query_qualities
            for tag in ("MM", "ML", "MN"):
                if source.has_tag(tag):
                    record.set_tag(tag, source.get_tag(tag))
            record.set_tag("RG", group)
            record.set_tag("mv", array("b", [STRIDE, *steps]))
            record.set_tag("ts", 100)
            record.set_tag("ns", 100 + STRIDE * len(steps))
            record.set_tag("OQ", "".join(chance.choices("ABCDEFG", k=bases)))
            for tag in ("fi", "fp", "ri", "rp"):
                record.set_tag(tag, array("B", chance.choices(range(256), k=bases)))
            record.set_tag("ip", array("H", chance.choices(range(900), k=bases)))
            for tag, value in (("np", 9), ("ec", 9.5), ("rq", 0.999), ("zm", 17), ("ch", 5)):
                record.set_tag(tag, value)
            bam.write(record)
            made.append(record)
    return made


def samples_of(record: pysam.AlignedSegment) -> list[tuple[int, int]]:
    """Return where the signal of each base begins and ends."""
    stride, *steps = record.get_tag("mv")
    starts = [at for at, step in enumerate(steps) if step]
    ends = [*starts[1:], len(steps)]
    return [tuple(record.get_tag("ts") + stride * at for at in both) for both in zip(starts, ends, strict=True)]


def modified(record: pysam.AlignedSegment) -> dict:
    """Return the places of modified bases, as pysam reads MM and ML."""
    return {kind: places for kind, places in record.modified_bases.items() if places}


class Cut(Case):
    def cut(self, group: str) -> tuple[list, list, str]:
        """Return reads, what is left where both ends are cut, and what bm says."""
        source, kept = self.folder / "long.bam", self.folder / "kept.bam"
        given = long_reads(source, group)
        said = keep_all(source, kept, "--cut-front", FRONT, "--cut-tail", TAIL)
        samtools("quickcheck", "-u", kept)
        found = records(kept)
        self.assertEqual([it.query_name for it in found], [it.query_name for it in given])
        return given, found, said

    def test_tags_are_those_of_the_bases_that_are_left(self):
        given, found, said = self.cut("0b1f_dna_r9.4.1_e8_hac@v3.3")
        self.assertNotIn("left out", said)
        for old, new in zip(given, found, strict=True):
            part = slice(FRONT, len(old.query_sequence) - TAIL)
            self.assertEqual(new.query_sequence, old.query_sequence[part])
            self.assertEqual(new.query_qualities, old.query_qualities[part])
            for tag in ("fi", "fp", "ip", "OQ"):
                self.assertEqual(new.get_tag(tag), old.get_tag(tag)[part])
            for tag in ("ri", "rp"):
                # Of the other strand: from its start on.
                self.assertEqual(new.get_tag(tag)[::-1], old.get_tag(tag)[::-1][part])
            for tag in ("np", "ec", "rq", "zm", "ch", "RG"):
                self.assertEqual(new.get_tag(tag), old.get_tag(tag))
            self.assertEqual(new.get_tag("MN"), len(new.query_sequence))
            shifted = {
                kind: [(place - FRONT, value) for place, value in places if part.start <= place < part.stop]
                for kind, places in modified(old).items()
            }
            self.assertTrue(shifted)
            self.assertEqual(modified(new), shifted)
            samples = samples_of(old)[part]
            self.assertEqual(samples_of(new), samples)
            self.assertEqual(new.get_tag("ns"), samples[-1][1])

    def test_the_signal_of_rna_is_left_out_and_named(self):
        given, found, said = self.cut("0b1f_rna004_130bps_sup@v5.1.0")
        names = ", ".join(f"{tag} ({len(given)} reads)" for tag in ("mv", "ns", "ts"))
        self.assertIn(names, said)
        self.assertFalse(any(record.has_tag(tag) for record in found for tag in ("mv", "ts", "ns")))


class AlignedReads(Case):
    """Alignments that samtools wrote."""

    def test_cram_gives_the_tables_and_calls_of_bam(self) -> None:
        measles = ROOT / "testdata/hiseq_measles"
        reference = self.folder / "ref.fa"  # samtools writes an index beside it
        reference.write_bytes((measles / "ref.fa").read_bytes())
        sorted_bam = self.folder / "sorted.bam"
        samtools("sort", "-o", sorted_bam, measles / "hiseq_measles.bam")
        outputs = {}
        for version in ("3.0", "3.1", None):
            alignment = sorted_bam
            if version:
                alignment = self.folder / f"{version}.cram"
                samtools("view", "-C", "-T", reference, "--output-fmt-option", f"version={version}", "-o", alignment, sorted_bam)
            name = version or "bam"
            bm("truth", alignment, "--reference", reference, "-o", self.folder / f"{name}.tsv")
            bm("call", alignment, "-r", reference, "-o", self.folder / f"{name}.vcf")
            outputs[name] = [(self.folder / f"{name}.{it}").read_bytes() for it in ("tsv", "vcf")]
        self.assertEqual(outputs["3.0"], outputs["bam"])
        self.assertEqual(outputs["3.1"], outputs["bam"])
        self.assertGreater(outputs["bam"][1].count(b"\nENA"), 5)


if __name__ == "__main__":
    unittest.main()

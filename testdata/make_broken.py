#!/usr/bin/env python3
"""Write the specimen files of testdata/broken and their index.

    python3 testdata/make_broken.py           write the files
    python3 testdata/make_broken.py --check   compare the files with what the script would write

Every specimen has the first five reads of the HiSeq X run with one change, so that the input of a
failing test is easy to read. The script uses no random numbers and no clock, so it always makes the
same bytes. The gzip specimens are an exception: their compressed bytes depend on the version of
zlib. `--check` therefore compares them after decompression, including the fault.

Standard library only.
"""

import argparse
import gzip
import hashlib
import struct
import sys
import zlib
from pathlib import Path

HERE = Path(__file__).resolve().parent
SOURCE = HERE / "hiseqx_phage" / "hiseqx_phage.fastq.gz"
TARGET = HERE / "broken"
COLUMNS = ("file", "expected", "record", "records", "unscored", "what")


def first_records(count):
    """The first `count` records of the source; each is a list of four lines without line ends."""
    lines = gzip.decompress(SOURCE.read_bytes()).split(b"\n")
    return [lines[4 * i : 4 * i + 4] for i in range(count)]


def text(records, end=b"\n"):
    """The records as one FASTQ file."""
    return b"".join(line + end for record in records for line in record)


def with_line(records, record, line, value):
    """A copy of `records` with one line (0 name, 1 sequence, 2 plus, 3 quality) replaced by `value`.

    `record` counts from 1, like the error messages.
    """
    copy = [list(r) for r in records]
    copy[record - 1][line] = value
    return copy


def cut_before(records, record, line):
    """The file up to the given line of the given record, without that line."""
    lines = [x for r in records for x in r]
    return b"".join(x + b"\n" for x in lines[: 4 * (record - 1) + line])


def with_quality_byte(records, record, position, byte):
    """A copy with one quality byte (position from 0) replaced."""
    quality = records[record - 1][3]
    return with_line(records, record, 3, quality[:position] + byte + quality[position + 1 :])


def member(data):
    """One gzip member without file name and time stamp."""
    deflate = zlib.compressobj(9, zlib.DEFLATED, -15)
    body = deflate.compress(data) + deflate.flush()
    head = b"\x1f\x8b\x08\x00\x00\x00\x00\x00\x02\xff"
    return head + body + struct.pack("<II", zlib.crc32(data), len(data) & 0xFFFFFFFF)


def noise(size):
    """Pseudo-random bytes that are the same on every system: SHA-256 of a counter."""
    blocks = (hashlib.sha256(struct.pack("<I", i)).digest() for i in range(size // 32 + 1))
    return b"".join(blocks)[:size]


def specimens():
    """Rows of the index and the bytes of each file.

    Returns
    -------
    list of (file, expected, record, records, unscored, what, bytes)
        expected: `ok`, `error` or `either`. record: number, from 1, of the record at fault or of
        the unscored read; None if no single record is at fault. records and unscored: for files that
        are read to the end.
    """
    reads = first_records(5)
    name, sequence, _, quality = reads[2]
    plain = text(reads)
    rows = []

    def error(file, record, what, data):
        rows.append((file, "error", record, None, None, what, data))

    def valid(file, what, data, record=None, records=5, unscored=0):
        rows.append((file, "ok", record, records, unscored, what, data))

    # Invalid records.
    error("no_at.fastq", 3, "the name line lacks its @", text(with_line(reads, 3, 0, name[1:])))
    lines = plain.split(b"\n")
    del lines[4 * 2 + 2]
    error("no_plus.fastq", 3, "the + line is missing, the quality stands in its place", b"\n".join(lines))
    error("cut_after_name.fastq", 3, "the file ends after the name", cut_before(reads, 3, 1))
    error("cut_after_sequence.fastq", 3, "the file ends after the sequence", cut_before(reads, 3, 2))
    error("cut_after_plus.fastq", 3, "the file ends after the + line: 150 bases, no quality", cut_before(reads, 3, 3))
    error("cut_mid_quality.fastq", 3, "the file ends after 80 of 150 quality bytes, no line end",
          cut_before(reads, 3, 3) + quality[:80])
    error("quality_too_long.fastq", 3, "150 bases, 151 quality bytes", text(with_line(reads, 3, 3, quality + b"J")))
    error("quality_too_short.fastq", 3, "150 bases, 149 quality bytes", text(with_line(reads, 3, 3, quality[:-1])))
    for label, byte in (("space", b" "), ("tab", b"\t"), ("del", b"\x7f"), ("nul", b"\x00")):
        error(f"quality_{label}.fastq", 3,
              f"quality byte 0x{byte[0]:02x} at position 75 (from 0); 0x21 to 0x7e are allowed",
              text(with_quality_byte(reads, 3, 75, byte)))
    lines = plain.split(b"\n")
    lines.insert(4 * 2, b"")
    error("blank_line_middle.fastq", 3, "an empty line between records 2 and 3", b"\n".join(lines))

    # Files of other formats.
    fasta = b"".join(b">" + r[0][1:] + b"\n" + r[1] + b"\n" for r in reads)
    error("fasta.fastq", 1, "FASTA", fasta)
    error("binary.fastq", 1, "2,048 bytes of noise behind the first bytes of an ELF program",
          b"\x7fELF\x02\x01\x01\x00" + noise(2040))
    sam = b"@HD\tVN:1.6\tSO:unsorted\n@SQ\tSN:phage\tLN:39218\n@PG\tID:bwa\tPN:bwa\n" + b"".join(
        b"\t".join((r[0][1:].split()[0], b"4\t*\t0\t0\t*\t*\t0\t0", r[1], r[3])) + b"\n" for r in reads)
    error("sam.fastq", 1, "SAM, whose header lines also begin with @", sam)
    error("html.fastq", 1, "a web page, as a failed download leaves it",
          b"<!DOCTYPE html>\n<html><head><title>404 Not Found</title></head>\n<body><h1>Not Found</h1></body></html>\n")
    error("bom.fastq", 1, "a UTF-8 byte order mark before the first @", b"\xef\xbb\xbf" + plain)

    # Unusual but valid.
    valid("blank_lines_end.fastq", "three empty lines after the last record", plain + b"\n\n\n")
    valid("crlf.fastq", "CRLF line ends", text(reads, b"\r\n"))
    ends = [b"\n", b"\r\n"]
    mixed = b"".join(x + ends[(i // 4 + (i % 4 if i // 4 == 2 else 0)) % 2]
                     for i, x in enumerate(line for r in reads for line in r))
    valid("mixed_line_ends.fastq", "LF and CRLF records in turn, both within record 3", mixed)
    leading = with_quality_byte(with_quality_byte(reads, 2, 0, b"@"), 3, 0, b"+")
    leading = with_quality_byte(leading, 5, 0, b"@")
    valid("at_and_plus_leading_quality.fastq", "quality lines that begin with @ (2 and 5) and + (3)", text(leading))
    valid("latin1_header.fastq", "a name line with bytes that are not UTF-8 (record 3)",
          text(with_line(reads, 3, 0, name + " échantillon n° 3, 5 µl".encode("latin-1"))))
    rows.append(("plus_line_other_name.fastq", "either", 3, 5, 0,
                 "the + line repeats a name, but another read's; the format's description wants the same "
                 "name or nothing, most programs do not look",
                 text(with_line(reads, 3, 2, b"+" + reads[0][0][1:]))))

    # Valid, with a read that cannot be scored.
    valid("all_n.fastq", "record 3 is N from end to end",
          text(with_line(with_line(reads, 3, 1, b"N" * len(sequence)), 3, 3, b"#" * len(sequence))), 3, 5, 1)
    valid("empty_read.fastq", "record 3 has no base and no quality",
          text(with_line(with_line(reads, 3, 1, b""), 3, 3, b"")), 3, 5, 1)

    # Compression. No record number, because a decoder may stop before it returns the records before
    # the fault.
    whole = member(plain)
    error("trailing_garbage.fastq.gz", None, "a whole gzip member, then 64 bytes that are no member", whole + noise(64))
    bad_crc = bytearray(whole)
    bad_crc[-8] ^= 0xFF
    error("bad_crc.fastq.gz", None, "the checksum at the end of the member is wrong", bytes(bad_crc))
    bad_size = bytearray(whole)
    bad_size[-4] ^= 0xFF
    error("bad_size.fastq.gz", None, "the length at the end of the member is wrong", bytes(bad_size))
    error("truncated.fastq.gz", None, "the member ends after half of its bytes", whole[: len(whole) // 2])
    error("truncated_trailer.fastq.gz", None, "all data are there, the last 4 bytes of the member are not", whole[:-4])
    valid("multi_member.fastq.gz", "three members, the cuts in the middle of records",
          member(plain[:500]) + member(plain[500:1000]) + member(plain[1000:]))
    valid("gzip_named.fastq", "gzip under a name without .gz", whole)
    valid("plain_named.fastq.gz", "plain text under a name with .gz", plain)
    return rows


def same(file, found, made):
    """Whether a file on disk equals what the script makes (for gzip, see the module's docstring)."""
    if found == made:
        return True
    if made[:2] != b"\x1f\x8b" or found[:2] != b"\x1f\x8b":
        return False
    if file.startswith("truncated."):
        inflate = zlib.decompressobj(-15)
        content = inflate.decompress(found[10:])
        return bool(content) and not inflate.eof and text(first_records(5)).startswith(content)
    return unpacked(found) == unpacked(made)


def unpacked(data):
    """Content and trailer of each member, and the bytes after the last member."""
    parts = []
    while data[:2] == b"\x1f\x8b":
        inflate = zlib.decompressobj(-15)
        content = inflate.decompress(data[10:])
        data = inflate.unused_data
        trailer, data = data[:8], data[8:]
        parts.append((content, trailer))
    return parts, data


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--check", action="store_true", help="only compare; exit with 1 if a file differs")
    check = parser.parse_args().check
    rows = specimens()
    index = "\t".join(COLUMNS) + "\n"
    for row in rows:
        index += "\t".join("-" if x is None else str(x) for x in row[:-1]) + "\n"
    wanted = {row[0]: row[-1] for row in rows} | {"index.tsv": index.encode()}
    if check:
        on_disk = {p.name for p in TARGET.iterdir()}
        wrong = sorted(on_disk ^ set(wanted))
        wrong += [f for f in sorted(on_disk & set(wanted)) if not same(f, (TARGET / f).read_bytes(), wanted[f])]
        for file in wrong:
            print(f"differs: broken/{file}", file=sys.stderr)
        return 1 if wrong else 0
    TARGET.mkdir(exist_ok=True)
    for file, data in wanted.items():
        (TARGET / file).write_bytes(data)
    print(f"wrote {len(wanted)} files to {TARGET.name}/", file=sys.stderr)
    return 0


if __name__ == "__main__":
    sys.exit(main())

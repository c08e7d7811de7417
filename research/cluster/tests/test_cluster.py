"""Tests of the parts that need no Slurm."""

import gzip
import json
import sys
import tempfile
import unittest
from pathlib import Path

HERE = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(HERE))

import multiqc_page
import reads
import workflow


class Reads(unittest.TestCase):
    def test_copies_have_new_names_and_the_same_reads(self):
        with tempfile.TemporaryDirectory() as name:
            folder = Path(name)
            source = folder / "a.fastq.gz"
            source.write_bytes(gzip.compress(b"@r1 1:N:0\nAC\n+\nII\n@r2/1\nG\n+\n#\n"))
            self.assertEqual(reads.repeat(source, 2, folder / "b.fastq.gz"), 4)
            lines = gzip.decompress((folder / "b.fastq.gz").read_bytes()).split(b"\n")
            self.assertEqual(lines[0::4], [b"@r1:1 1:N:0", b"@r2:1/1", b"@r1:2 1:N:0", b"@r2:2/1", b""])
            self.assertEqual(lines[1:4], [b"AC", b"+", b"II"])

    def test_the_size_of_each_block_is_in_its_header(self):
        with tempfile.TemporaryDirectory() as name:
            file = Path(name) / "a.gz"
            texts = [b"%d\n" % number for number in range(30_000)]
            reads.write_bgzf(texts, file)
            data, sizes = file.read_bytes(), []
            self.assertEqual(gzip.decompress(data), b"".join(texts))
            while data:
                size = int.from_bytes(data[16:18], "little") + 1
                sizes.append(len(gzip.decompress(data[:size])))
                data = data[size:]
            self.assertEqual(sizes, [reads.BLOCK, reads.BLOCK, len(b"".join(texts)) - 2 * reads.BLOCK, 0])

    def test_lanes_of_one_file_have_different_reads(self):
        with tempfile.TemporaryDirectory() as name:
            folder = Path(name)
            source = folder / "a.fastq.gz"
            source.write_bytes(gzip.compress(b"".join(b"@r%d\nAC\n+\nII\n" % read for read in range(5))))
            lanes, number = reads.make({"s": [[source], [source]]}, 10, folder / "lanes")
            self.assertEqual(number, 10)
            names = [gzip.decompress(lane.files[0].read_bytes()).split(b"\n")[0:-1:4] for lane in lanes]
            self.assertEqual(names, [[b"@r0:1", b"@r1:1", b"@r0:2", b"@r1:2"], [f"@r{read}:{copy}".encode() for copy in (1, 2) for read in (2, 3, 4)]])


class Results(unittest.TestCase):
    def test_timestamps_of_snakemake_and_the_compression_of_reads_do_not_count(self):
        with tempfile.TemporaryDirectory() as name:
            found = []
            for level in (1, 9):
                folder = Path(name) / str(level)
                (folder / "models" / "s.model").mkdir(parents=True)
                (folder / "kept").mkdir()
                (folder / "models" / "s.model" / "manifest.json").write_text("{}")
                (folder / "models" / "s.model" / workflow.TIMESTAMP).write_text(str(level))
                (folder / "kept" / "s.fastq.gz").write_bytes(gzip.compress(b"@r\nACGT\n+\nIIII\n", level))
                (folder / "reports").mkdir()
                (folder / "reports" / "s.filter.json").write_text(json.dumps({"reads": {"in": 3}, "time": {"wall_s": level}}))
                found.append(workflow.digests(folder))
            self.assertEqual(sorted(found[0]), ["s.fastq.gz", "s.filter.json", "s.model/manifest.json"])
            workflow.compare("two levels", *found)

    def test_files_that_differ_or_are_missing_are_named(self):
        expected = {"a": "1", "b": "2"}
        for found, wrong in [({"a": "1", "b": "3"}, "b"), ({"a": "1"}, "b"), ({"a": "1", "b": "2", "c": "4"}, "c")]:
            with self.assertRaisesRegex(SystemExit, f"single calls: {wrong}$"):
                workflow.compare("a test", found, expected)


class MultiqcPage(unittest.TestCase):
    def test_a_section_or_row_that_the_page_lacks_is_named(self):
        with tempfile.TemporaryDirectory() as name:
            counts, output = Path(name) / "counts", Path(name) / "multiqc"
            (output / "multiqc_data").mkdir(parents=True)
            (output / "multiqc_report.html").write_text('<th id="header_custom_content_bm_general-kept"><div id="bm_gc_plot">')
            (output / "multiqc_data" / "multiqc_general_stats.txt").write_text("Sample\tbm_general-kept\ns\t1\n")
            (output / "multiqc_data" / "multiqc_bm_gc_plot.txt").write_text("s R1\t[1.0, 2.0]\n")
            (counts / "s").mkdir(parents=True)
            with self.assertRaisesRegex(SystemExit, "no files"):
                multiqc_page.check(counts, output)

            def write(section: str, plot: str, *rows: str) -> None:
                content = {"id": f"bm_{section}", "plot_type": plot, "data": dict.fromkeys(rows, {})}
                (counts / "s" / f"s_{section}_mqc.json").write_text(json.dumps(content))

            write("general", "generalstats", "s")
            write("gc", "linegraph", "s R1")
            self.assertEqual(multiqc_page.check(counts, output), {"bm_general": {"s"}, "bm_gc": {"s R1"}})
            write("gc", "linegraph", "s R1", "s R2")
            with self.assertRaisesRegex(SystemExit, "bm_gc of s R2"):
                multiqc_page.check(counts, output)
            write("gc", "linegraph", "s R1")
            write("lengths", "linegraph", "s R1")
            with self.assertRaisesRegex(SystemExit, "bm_lengths of s R1"):
                multiqc_page.check(counts, output)


if __name__ == "__main__":
    unittest.main()

"""Ctrl-C ends a call within a second, wherever it is, and the next call works."""

import gzip
import itertools
import os
import signal
import subprocess
import sys
import tempfile
import threading
import time
import unittest
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

import bm
import numpy as np

GOOD = ("ACGTTGCATC" * 10, "I" * 100)
# Longest time from Ctrl-C to KeyboardInterrupt.
LIMIT_S = 1.0
# Longest time that threads need to end after that, on a busy machine.
SETTLED_S = 5.0


def after(seconds: float, call: Callable[[], object]) -> threading.Timer:
    """Calls a function later, in another thread."""
    timer = threading.Timer(seconds, call)
    timer.start()
    return timer


class Interrupt(unittest.TestCase):
    def setUp(self):
        # The handler that a terminal's user has: a parent process may have switched Ctrl-C off.
        before = signal.signal(signal.SIGINT, signal.default_int_handler)
        self.addCleanup(signal.signal, signal.SIGINT, before)
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        self.folder = Path(folder.name)

    def press(self) -> None:
        """Presses Ctrl-C."""
        self.pressed = time.monotonic()
        os.kill(os.getpid(), signal.SIGINT)

    def assert_interrupted(self, call: Callable[[], object], seconds: float = 0.3) -> None:
        """Presses Ctrl-C while `call` runs; it ends soon, without threads or open files, and the module works."""
        threads, files = self.threads(), self.open_files()
        self.assert_ends(call, seconds)
        # A thread that was joined may be listed for a moment, here and before the call.
        give_up = time.monotonic() + SETTLED_S
        while self.threads() > threads and time.monotonic() < give_up:
            time.sleep(0.01)
        self.assertLessEqual(self.threads(), threads)
        self.assertEqual(self.open_files(), files)

    def assert_ends(self, call: Callable[[], object], seconds: float) -> None:
        self.pressed = None
        timer = after(seconds, self.press) if seconds else None
        try:
            with self.assertRaises(KeyboardInterrupt):
                call()
        finally:
            if timer:
                timer.cancel()
                timer.join()
        self.assertIsNotNone(self.pressed)
        self.assertLess(time.monotonic() - self.pressed, LIMIT_S)
        self.assertEqual(bm.score([GOOD] * 3).passes.tolist(), [True] * 3)

    def threads(self) -> int:
        return len(os.listdir("/proc/self/task")) if sys.platform == "linux" else 0

    def open_files(self) -> int:
        return len(os.listdir("/proc/self/fd")) if sys.platform == "linux" else 0

    def large_file(self, reads: int = 20_000_000) -> Path:
        """A file that takes long to score, and few bytes."""
        part = gzip.compress(("@read\n{}\n+\n{}\n".format(*GOOD) * 100_000).encode(), 1)
        path = self.folder / "large.fastq.gz"
        with path.open("wb") as file:
            for _ in range(reads // 100_000):
                file.write(part)
        return path

    def test_a_large_file(self):
        path = self.large_file()
        for threads in (None, 1):
            self.assert_interrupted(lambda threads=threads: bm.score(path, threads=threads))

    def test_reads_in_memory_while_they_are_scored(self):
        long = ("ACGTTGCATC" * 10_000, "I" * 100_000)

        def reads() -> Iterator[tuple[str, str]]:
            yield from itertools.repeat(long, 3_000)
            # All reads are copied when this is reached, and scoring begins.
            self.timer = after(0.05, self.press)

        self.assert_interrupted(lambda: bm.score(reads(), threads=1), seconds=0)
        self.timer.join()

    def test_an_iterable_that_never_ends(self):
        # No Python code runs between the reads of this iterator.
        self.assert_interrupted(lambda: bm.score(itertools.repeat(GOOD)))

    def test_an_iterable_that_is_slow(self):
        def reads() -> Iterator[tuple[str, str]]:
            while True:
                yield GOOD
                time.sleep(30)

        self.assert_interrupted(lambda: bm.score(reads()))

    def test_a_read_that_is_slow(self):
        class Slow(Sequence):
            """A read whose parts take long."""

            def __len__(self):
                return 2

            def __getitem__(self, place):
                time.sleep(30)
                return GOOD[place]

        self.assert_interrupted(lambda: bm.score([Slow()]))

    @unittest.skipUnless(sys.platform == "linux", "only Linux does not wait for pipes")
    def test_a_pipe_without_a_writer(self):
        pipe = self.folder / "pipe"
        os.mkfifo(pipe)
        self.assert_interrupted(lambda: bm.score(pipe))

    @unittest.skipUnless(sys.platform == "linux", "only Linux does not wait for pipes")
    def test_a_pipe_whose_writer_stalls(self):
        pipe = self.folder / "pipe"
        os.mkfifo(pipe)
        for text in (b"", b"@re", b"@read\nACGT\n+\nIIII\n@next\nAC", b"@read\nACGT\n+\nIIII\n" * 2_000):
            # A pipe opened for both does not wait for the other end.
            writer = os.open(pipe, os.O_RDWR)
            os.write(writer, text)
            try:
                self.assert_interrupted(lambda: bm.score(pipe))
            finally:
                os.close(writer)

    def test_a_model_that_is_a_pipe(self):
        # The system does not return from opening the pipe: the thread stays until there is a writer.
        pipe = self.folder / "model.onnx"
        os.mkfifo(pipe)
        self.assert_ends(lambda: bm.score([GOOD], model=str(pipe)), 0.3)
        os.close(os.open(pipe, os.O_WRONLY))

    @unittest.skipUnless(sys.platform == "linux", "only Linux does not wait for pipes")
    def test_stdin(self):
        script = """
import signal, sys, time
signal.signal(signal.SIGINT, signal.default_int_handler)
import bm
print("begins", flush=True)
try:
    bm.score("-")
except KeyboardInterrupt:
    print("interrupted", flush=True)
print(len(bm.score([("ACGT", "IIII")])), flush=True)
"""
        run = subprocess.Popen([sys.executable, "-c", script], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
        with run:
            self.assertEqual(run.stdout.readline(), "begins\n")
            time.sleep(0.3)
            pressed = time.monotonic()
            run.send_signal(signal.SIGINT)
            self.assertEqual(run.stdout.readline(), "interrupted\n")
            self.assertLess(time.monotonic() - pressed, LIMIT_S)
            self.assertEqual(run.stdout.readline(), "1\n")
        self.assertEqual(run.returncode, 0)

    def test_stdin_is_read(self):
        script = "import bm; print(bm.score('-').names)"
        for text in (b"@one\nACGT\n+\nIIII\n", gzip.compress(b"@one\nACGT\n+\nIIII\n")):
            run = subprocess.run([sys.executable, "-c", script], input=text, stdout=subprocess.PIPE, check=True)
            self.assertEqual(run.stdout, b"['one']\n")

    def test_a_handler_that_raises_nothing_does_not_end_the_call(self):
        handled = []
        signal.signal(signal.SIGINT, lambda *_: handled.append(time.monotonic()))
        path = self.large_file(3_000_000)
        timer = after(0.1, self.press)
        scores = bm.score(path)
        timer.join()
        self.assertEqual((len(scores), len(handled)), (3_000_000, 1))
        # It was called while the reads were scored, not afterwards.
        self.assertLess(handled[0] - self.pressed, LIMIT_S)

    def test_an_exception_of_any_handler_ends_the_call(self):
        class Late(Exception):
            pass

        def handler(*_):
            raise Late

        before = signal.signal(signal.SIGALRM, handler)
        self.addCleanup(signal.signal, signal.SIGALRM, before)
        path = self.large_file()
        signal.setitimer(signal.ITIMER_REAL, 0.3)
        began = time.monotonic()
        with self.assertRaises(Late):
            bm.score(path)
        self.assertLess(time.monotonic() - began, 0.3 + LIMIT_S)

    def test_a_call_in_another_thread_goes_on(self):
        path = self.large_file(3_000_000)
        outcomes = []
        worker = threading.Thread(target=lambda: outcomes.append(bm.score(path, threads=1)))
        worker.start()
        # The main thread gets the interrupt, and the call in the other thread its scores.
        timer = after(0.1, self.press)
        with self.assertRaises(KeyboardInterrupt):
            time.sleep(30)
        self.assertEqual(outcomes, [])
        timer.join()
        worker.join()
        self.assertEqual(len(outcomes[0]), 3_000_000)
        self.assertTrue(np.isfinite(outcomes[0].probability).all())


if __name__ == "__main__":
    unittest.main()

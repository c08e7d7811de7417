"""Run a command and write what it took: seconds, seconds computed, bytes of memory at most.

    timed.py OUT.json COMMAND ARGUMENT …

A program of its own: what a child has been before it became another program counts as its memory, so its parent must be small.
"""

import json
import resource
import subprocess
import sys
import time
from pathlib import Path

UNIT = 1 if sys.platform == "darwin" else 1024  # bytes, of what the system tells


def main() -> None:
    began = time.monotonic()
    code = subprocess.run(sys.argv[2:]).returncode
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    took = {"wall_s": time.monotonic() - began, "cpu_s": used.ru_utime + used.ru_stime, "peak_bytes": used.ru_maxrss * UNIT}
    Path(sys.argv[1]).write_text(json.dumps(took), encoding="utf-8")
    sys.exit(code)


if __name__ == "__main__":
    main()

"""Run a command and write its wall seconds, CPU seconds and peak memory in bytes.

    timed.py OUT.json COMMAND ARGUMENT …

This is a separate program because a child's peak memory includes that of the parent it was forked from, so the parent must be small.
"""

import json
import resource
import subprocess
import sys
import time
from pathlib import Path

UNIT = 1 if sys.platform == "darwin" else 1024  # bytes per unit of ru_maxrss


def main() -> None:
    began = time.monotonic()
    code = subprocess.run(sys.argv[2:]).returncode
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    took = {"wall_s": time.monotonic() - began, "cpu_s": used.ru_utime + used.ru_stime, "peak_bytes": used.ru_maxrss * UNIT}
    Path(sys.argv[1]).write_text(json.dumps(took), encoding="utf-8")
    sys.exit(code)


if __name__ == "__main__":
    main()

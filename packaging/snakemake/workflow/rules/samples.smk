# The configuration, the sample sheet, and the parts of each sample.
import csv
import dataclasses

from snakemake.exceptions import WorkflowError
from snakemake.utils import validate

validate(config, "../schemas/config.schema.json")

RESULTS = config["results"].rstrip("/")


@dataclasses.dataclass(frozen=True)
class Part:
    """What one job observes or filters: a shard of a lane. A lane is one shard."""

    sample: str
    lane: int  # from 1, in the order of the sample sheet
    reads: tuple[str, ...]  # one file, or two of mates
    shard: int = 1
    shards: int = 1

    @property
    def name(self) -> str:
        lane = f"L{self.lane:03}"
        return lane if self.shards == 1 else f"{lane}.{self.shard}of{self.shards}"


def read_parts(path: str) -> list[Part]:
    """Returns the parts of all samples, in the order of the sample sheet."""
    lanes: dict[str, int] = {}
    ends: dict[str, int] = {}
    seen: dict[str, int] = {}
    parts = []
    with open(path, newline="", encoding="utf-8-sig") as sheet:
        for line, row in enumerate(csv.DictReader(sheet), start=2):
            row = {key: (value or "").strip() for key, value in row.items() if key is not None}
            try:
                validate(row, "../schemas/row.schema.json")
            except WorkflowError as error:
                raise WorkflowError(f"{path}, line {line}: not a row of a sample sheet", error) from error
            sample, reads = row["sample"], tuple(row[key] for key in ("fastq_1", "fastq_2") if row.get(key))
            if ends.setdefault(sample, len(reads)) != len(reads):
                raise WorkflowError(f"{path}, line {line}: sample {sample} has pairs and single reads; give them two names")
            for file in reads:
                if file in seen:
                    raise WorkflowError(f"{path}, line {line}: {file} is also in line {seen[file]}")
                seen[file] = line
            lanes[sample] = lanes.get(sample, 0) + 1
            parts.append(Part(sample, lanes[sample], reads))
    if not parts:
        raise WorkflowError(f"{path}: no samples")
    return parts


PARTS = read_parts(config["samples"])
PAIRED = {part.sample for part in PARTS if len(part.reads) == 2}
SINGLE = {part.sample for part in PARTS} - PAIRED


def parts_of(sample: str) -> list[Part]:
    return [part for part in PARTS if part.sample == sample]


def reads_of_part(wildcards) -> list[str]:
    return [file for part in parts_of(wildcards.sample) if part.name == wildcards.part for file in part.reads]


def reads_of_sample(wildcards) -> list[str]:
    return [file for part in parts_of(wildcards.sample) for file in part.reads]


def observations_of_sample(wildcards) -> list[str]:
    return [f"{RESULTS}/observed/{part.sample}/{part.name}.obs" for part in parts_of(wildcards.sample)]


def kept(part: Part) -> list[str]:
    """The files of the reads of a part that pass."""
    mates = ["_R1", "_R2"] if part.sample in PAIRED else [""]
    return [f"{RESULTS}/kept/{part.sample}_{part.name}{mate}.fastq.gz" for mate in mates]


def any_of(samples: set[str]) -> str:
    """A regular expression for these names; without any, one that nothing fits."""
    return "|".join(re.escape(sample) for sample in sorted(samples)) or "(?!)"


wildcard_constraints:
    sample=any_of(PAIRED | SINGLE),
    part=r"L\d+(\.\d+of\d+)?",

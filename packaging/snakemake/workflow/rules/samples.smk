# The configuration, the sample sheet, and the parts of each sample.
import csv
import dataclasses

from snakemake.exceptions import WorkflowError
from snakemake.utils import validate

validate(config, "../schemas/config.schema.json")

RESULTS = config["results"].rstrip("/")


@dataclasses.dataclass(frozen=True)
class Part:
    """What one job observes or filters: a shard of a lane, or all of it."""

    sample: str
    lane: int  # from 1, in the order of the sample sheet
    reads: tuple[str, ...]  # one file, or two of mates
    shard: int  # from 1
    shards: int

    @property
    def lane_name(self) -> str:
        return f"L{self.lane:03}"

    @property
    def name(self) -> str:
        return self.lane_name if self.shards == 1 else f"{self.lane_name}.{self.shard}of{self.shards}"

    @property
    def option(self) -> str:
        """What tells bm which part of the files to read."""
        return "" if self.shards == 1 else f"--shard {self.shard}/{self.shards}"


def read_parts(path: str, shards: int) -> list[Part]:
    """Returns the parts of all samples, in the order of the sample sheet; each lane has this many."""
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
            parts += [Part(sample, lanes[sample], reads, shard, shards) for shard in range(1, shards + 1)]
    if not parts:
        raise WorkflowError(f"{path}: no samples")
    return parts


PARTS = read_parts(config["samples"], config["shards"])
PAIRED = {part.sample for part in PARTS if len(part.reads) == 2}
SINGLE = {part.sample for part in PARTS} - PAIRED

# Where bm filter writes: shards are put together afterwards.
FILTERED = f"{RESULTS}/kept" if config["shards"] == 1 else f"{RESULTS}/shards"


def parts_of(sample: str) -> list[Part]:
    return [part for part in PARTS if part.sample == sample]


def part_of(wildcards) -> Part:
    return next(part for part in parts_of(wildcards.sample) if part.name == wildcards.part)


def reads_of_part(wildcards) -> list[str]:
    return list(part_of(wildcards).reads)


def shard_option(wildcards) -> str:
    return part_of(wildcards).option


def reads_of_sample(wildcards) -> list[str]:
    return list(dict.fromkeys(file for part in parts_of(wildcards.sample) for file in part.reads))


def observations_of_sample(wildcards) -> list[str]:
    return [f"{RESULTS}/observed/{part.sample}/{part.name}.obs" for part in parts_of(wildcards.sample)]


def reports_of_sample(wildcards) -> list[str]:
    return [f"{RESULTS}/reports/parts/{part.sample}_{part.name}.json" for part in parts_of(wildcards.sample)]


def shards_of_lane(wildcards) -> list[str]:
    """The files of what the shards of a lane keep, in order, for one mate or for single reads."""
    lane = [part for part in parts_of(wildcards.sample) if part.lane_name == wildcards.lane]
    return [f"{FILTERED}/{part.sample}_{part.name}{wildcards.mate}.fastq.gz" for part in lane]


def kept(part: Part) -> list[str]:
    """The files of the reads of a lane that pass."""
    mates = ["_R1", "_R2"] if part.sample in PAIRED else [""]
    return [f"{RESULTS}/kept/{part.sample}_{part.lane_name}{mate}.fastq.gz" for mate in mates]


def any_of(samples: set[str]) -> str:
    """A regular expression for these names; without any, one that nothing fits."""
    return "|".join(re.escape(sample) for sample in sorted(samples)) or "(?!)"


wildcard_constraints:
    sample=any_of(PAIRED | SINGLE),
    lane=r"L\d+",
    part=r"L\d+(\.\d+of\d+)?",
    mate="(_R[12])?",

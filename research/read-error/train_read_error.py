#!/usr/bin/env python3
"""Train `read-error`: per base the probability of error, from the qualities around it. FASTQ in, no reference, no window cuts.

    train_read_error.py --data DIR --output read-error.npz [--loro] [--devtest] [--seeds N]

The model. A base shows as one of 95 symbols: its Phred value 0..93 (N counts as at most 2), or 94, outside the read.
    x[s]     = 6 smooth features of the symbol s (FEATURES below)
    h        = relu(bias + start[bin(i)] + end[bin(n-1-i)] + sum over o = -4..4 of x[s(i+o)] @ W[o])
    logit p  = a logit(10^(-Q/10)) + b + h @ out              out starts at zero, so training starts at the reported quality
The sum over the window is a sum of rows of the 9 tables x @ W[o] (each 95 x WIDTH), which is how an embedded kernel computes it.
Read: expected errors = sum of p; P(true error rate <= 1 %) = P(X <= floor(len / 100)), X negative binomial with SCALE times that mean and
dispersion DISPERSION (`probability`).

The training set. Truth tables of the Illumina runs, every base of the unambiguous reads; and, for runs without truth, labels from
recurrent k-mers, with a floor a run that is learned and thrown away: P(label) = p (1 - f) + f. The floor takes up what k-mers cannot
tell from errors (splice sites, relatives, low depth), and leaves what carries over: what low qualities are worth. Errors and a weighted
sample of right bases, each run with the same total weight of errors. A penalty on the mean squared correction keeps the answer near
a logit + b where a run is unlike those seen. --seeds averages networks, --distil teaches the mean to one: neither helped.

Chosen by leaving one run out of training at a time (--loro): mean over runs of MCC, AUC and |log2(predicted/true errors)|.
Same seed, library versions, processor type and one thread: same weights.
"""
import argparse, glob, gzip, json, re, time
import numpy as np, torch

TRUTH = {  # folder of the run: the sequencing run it belongs to (left out together), weight
    "train/hiseqx_phage": ("hiseqx", 1.0), "train/miseq_sars2_sanger": ("sanger", 1.0), "train/novaseq_sars2_berlin": ("berlin", 0.5),
    "train/novaseq_sars2_berlin_t5": ("berlin", 0.5), "train/gaiix_dwv": ("gaiix", 1.0), "train/miseq_twist_MN908947": ("twist", 1.0)}
SELF = {  # file: Phred offset, weight; labels from the run's own k-mers
    "weird/real_GAIIx_RNAseq_Q2tail_ERR127302_1.fastq.gz": (33, 1.0), "weird/real_MiSeq_16S_dada2_sam1F.fastq.gz": (33, 0.5),
    "weird/real_MiSeq_16S_dada2_sam1R.fastq.gz": (33, 0.5), "weird/real_phred64_GAIIx_velvet_10k.fastq.gz": (64, 1.0),
    "weird/real_phred64_HiSeq2000_dotsAsN_adapters_10k.fastq.gz": (64, 1.0), "weird/real_smallRNA_adapters_MiSeq_20k.fastq.gz": (33, 1.0)}
DEVTEST = ["devtest/hiseq_measles", "devtest/miseq_sars2_wastewater", "devtest/miseq_twist_MT007544"]
WINDOW, WIDTH = 9, 8
EPOCHS, BATCH, RATE, FLOOR_RATE = 2, 2048, 6e-3, 0.05
SCALE, DISPERSION = 1.1, 0.02  # of the read's errors; --loro prints the log loss of others
SHRINK = 0.01  # times the mean squared correction: towards a logit + b, the same for every run
MAX_ERRORS, MAX_RIGHT = 30_000, 90_000  # bases of a run
MAX_READS = {"train/gaiix_dwv": 25_000}  # reads of a run that are looked at; others:
MAX_READS_ELSE, MAX_SELF_READS = 12_000, 20_000
JUDGED = 8_000  # reads of a left-out run
EDGES = [1, 2, 3, 5, 8, 14, 25, 50, 100]  # bins of the distance to an end
K, SYMBOLS, OUTSIDE, PAD = 21, 95, 94, WINDOW // 2

Q = np.arange(94.0)
REPORTED = 10.0 ** (-Q / 10)
FEATURES = np.zeros((SYMBOLS, 6), np.float32)  # Q/40, the reported error, three ramps of 12 Phred, outside
FEATURES[:94, :5] = np.stack([Q / 40, REPORTED, *(np.clip(Q - k, 0, 12) / 12 for k in (2, 14, 26))], 1)
FEATURES[OUTSIDE, 5] = 1
LOGIT = np.zeros(SYMBOLS, np.float32)
LOGIT[:94] = np.log(np.clip(REPORTED, 1e-5, 0.75) / (1 - np.clip(REPORTED, 1e-5, 0.75)))
CODE = np.full(256, 4, np.uint8)
for i, c in enumerate(b"ACGT"):
    CODE[c] = CODE[c + 32] = i


# ------------------------------------------------------------------------------------------------------------------ reads
def read_fastq(files, offset=33):
    for index, path in enumerate(files):
        with gzip.open(path, "rb") as lines:
            while name := lines.readline():
                seq, _, qual = lines.readline().strip(), lines.readline(), lines.readline().strip()
                if seq and len(seq) == len(qual):
                    yield index, name, CODE[np.frombuffer(seq, "u1")], np.clip(np.frombuffer(qual, "u1").astype(int) - offset, 0, 93)


class Reads:
    """Reads of a run, one after the other in flat arrays: `symbol` with PAD outside symbols between reads, the others without."""

    def __init__(self, bases, quals, errors, counts, lengths, weight=None):
        self.length, self.count = lengths, counts  # counts: errors, scored bases of each read
        self.read = np.repeat(np.arange(len(lengths)), lengths)
        first = np.concatenate([[0], np.cumsum(lengths)])[:-1]
        self.pos = np.arange(lengths.sum()) - first[self.read]
        self.end = lengths[self.read] - 1 - self.pos
        self.at = np.arange(lengths.sum()) + PAD * (self.read + 1)
        self.symbol = np.full(lengths.sum() + PAD * (len(lengths) + 1), OUTSIDE)
        self.symbol[self.at] = np.where(bases > 3, np.minimum(quals, 2), quals)
        self.error = errors
        self.weight = np.ones(len(errors), bool) if weight is None else weight

    def windows(self, j):
        return self.symbol[self.at[j][:, None] + np.arange(-PAD, PAD + 1)]

    def ends(self, j):
        return np.stack([np.searchsorted(EDGES, self.pos[j], side="right"), np.searchsorted(EDGES, self.end[j], side="right")], 1)


def with_truth(folder, limit, seed):
    """The unambiguous reads: at most 5 clipped bases, at least 70 % scored. N is not scored and not learned."""
    truth = {}
    for line in gzip.open(glob.glob(folder + "/*.truth.tsv.gz")[0], "rt"):
        if line[0] != "#":
            f = line.rstrip("\n").split("\t")
            truth[re.sub(r"/[12]$", "", f[0]), f[1]] = f
    files = sorted(glob.glob(folder + "/*.fastq.gz"))
    two = len(files) == 2 and len({mate for _, mate in truth}) == 2
    rows = []
    for index, name, bases, quals in read_fastq(files):
        name = name[1:].split()[0].decode()
        mate = "2" if name.endswith("/2") or (two and index == 1) else "1"
        f = truth.get((re.sub(r"/[12]$", "", name), mate)) or truth.get((re.sub(r"/[12]$", "", name), "1"))
        if f and f[3] == "1" and int(f[6]) + int(f[7]) <= 5 and int(f[13]) >= 0.7 * len(bases):
            rows.append((bases, quals, f[15], int(f[8]) + int(f[9]) + int(f[10]), int(f[13])))
    rows = [rows[i] for i in np.random.default_rng(seed).permutation(len(rows))[:limit]]
    errors = []
    for bases, _, where, _, _ in rows:
        e = np.zeros(len(bases), bool)
        e[[j for j in (int(re.search(r"\d+$", x).group()) for x in where.split(",") if x) if j < len(e)]] = True
        errors.append(e)
    return Reads(*(np.concatenate(x) for x in ([r[0] for r in rows], [r[1] for r in rows], errors)),
                 np.array([r[3:] for r in rows]), np.array([len(r[0]) for r in rows]), np.concatenate([r[0] for r in rows]) < 4)


def with_own_labels(file, offset, limit):
    """Labels from k-mers: after one seen often, a base that leads to one seen hardly ever is wrong, to another frequent one right."""
    rows = [(b, q) for _, _, b, q in read_fastq([file], offset)][:limit]
    bases, lengths = np.concatenate([b for b, _ in rows]), np.array([len(b) for b, _ in rows])
    left = np.concatenate([np.arange(n, 0, -1) for n in lengths])
    start = np.flatnonzero(left >= K)
    fwd, rev, bad = np.zeros(len(start), np.uint64), np.zeros(len(start), np.uint64), np.zeros(len(start), bool)
    for j in range(K):
        x = bases[start + j]
        bad |= x > 3
        x = np.minimum(x, 3).astype(np.uint64)
        fwd, rev = (fwd << np.uint64(2)) | x, rev | (np.uint64(3) - x) << np.uint64(2 * j)
    _, inverse, count = np.unique(np.minimum(fwd, rev)[~bad], return_inverse=True, return_counts=True)
    seen = np.full(len(bases) + 1, -1)
    seen[start[~bad]] = count[inverse]
    low = max(2, min(0.03 * float(np.median(count[inverse])), 20))
    solid, weak = seen >= max(2 * low, 4), (seen >= 0) & (seen <= low)
    usable, error = np.zeros(len(bases), bool), np.zeros(len(bases), bool)
    i = np.flatnonzero(left >= K + 1)
    for here, there, base in ((i, i + 1, i + K), (i + 1, i, i)):
        e = solid[here] & (solid[there] | weak[there])
        usable[base[e]] = True
        error[base[e & weak[there]]] = True
    return Reads(bases, np.concatenate([q for _, q in rows]), error, None, lengths, usable)


def sample(reads, seed):
    """Windows, ends, label, weight: errors, and right bases half evenly, half where the reported error is high; weights undo the choice."""
    rng = np.random.default_rng(seed)
    wrong, right = np.flatnonzero(reads.error & reads.weight), np.flatnonzero(~reads.error & reads.weight)
    some = rng.permutation(wrong)[:MAX_ERRORS]
    p = np.minimum(REPORTED[reads.symbol[reads.at[right]]], 0.3)
    chance = np.minimum(1, MAX_RIGHT * (0.5 / len(right) + 0.5 * p / p.sum()))
    take = rng.random(len(right)) < chance
    j = np.concatenate([some, right[take]])
    label = (np.arange(len(j)) < len(some)).astype(np.float32)
    weight = np.concatenate([np.full(len(some), 1 / len(some)), 1 / chance[take] / len(wrong)])
    return reads.windows(j), reads.ends(j), label, weight


# ---------------------------------------------------------------------------------------------------------------- network
class ReadError(torch.nn.Module):
    def __init__(self, seed):
        super().__init__()
        torch.manual_seed(seed)
        self.register_buffer("features", torch.tensor(FEATURES))
        self.register_buffer("reported", torch.tensor(LOGIT))
        self.W = torch.nn.Parameter(torch.randn(WINDOW, FEATURES.shape[1], WIDTH) * (0.25 / WINDOW) ** 0.5)
        self.bias, self.out = torch.nn.Parameter(torch.zeros(WIDTH)), torch.nn.Parameter(torch.zeros(WIDTH))
        self.start, self.end = (torch.nn.Parameter(torch.zeros(len(EDGES) + 1, WIDTH)) for _ in range(2))
        self.a, self.b = torch.nn.Parameter(torch.tensor(1.0)), torch.nn.Parameter(torch.tensor(0.0))

    def forward(self, windows, ends):
        tables = torch.einsum("sf,ofw->osw", self.features, self.W).reshape(-1, WIDTH)
        h = torch.nn.functional.embedding_bag(windows + torch.arange(WINDOW) * SYMBOLS, tables, mode="sum")
        h = torch.relu(h + self.bias + self.start[ends[:, 0]] + self.end[ends[:, 1]])
        return self.a * self.reported[windows[:, PAD]] + self.b + h @ self.out, h @ self.out


def train(parts, seed, teachers=None):
    """parts: (sample, weight, has truth). With teachers, the labels are the teachers' mean logit instead."""
    net, rng = ReadError(seed), np.random.default_rng(seed)
    windows, ends, label = (torch.tensor(np.concatenate([p[0][k] for p in parts])) for k in range(3))
    weight = torch.tensor(np.concatenate([p[0][3] * p[1] for p in parts]), dtype=torch.float32)
    weight /= weight.mean()
    run = torch.tensor(np.repeat(np.arange(len(parts)), [len(p[0][2]) for p in parts]))
    has_floor = torch.tensor([0.0 if p[2] else 1.0 for p in parts])
    if teachers:
        with torch.no_grad():
            label = torch.sigmoid(torch.stack([t(windows, ends)[0] for t in teachers]).mean(0))
        has_floor = has_floor * 0
    floor = torch.nn.Parameter(torch.full((len(parts),), -6.0))
    steps, epochs = len(label) // BATCH, EPOCHS * (2 if teachers else 1)
    optimizer = torch.optim.AdamW([{"params": net.parameters()}, {"params": [floor]}], weight_decay=0.0)
    schedule = torch.optim.lr_scheduler.OneCycleLR(optimizer, [RATE, FLOOR_RATE], total_steps=epochs * steps, pct_start=0.2)
    for _ in range(epochs):
        order = torch.tensor(rng.permutation(len(label)))
        for i in range(steps):
            j = order[i * BATCH : (i + 1) * BATCH]
            f = torch.sigmoid(floor[run[j]]) * has_floor[run[j]]
            logit, correction = net(windows[j], ends[j])
            p = (torch.sigmoid(logit) * (1 - f) + f).clamp(1e-7, 1 - 1e-6)
            loss = -(weight[j] * (label[j] * torch.log(p) + (1 - label[j]) * torch.log1p(-p))).mean()
            loss = loss + SHRINK * (weight[j] * correction**2).mean() * (not teachers)
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
            schedule.step()
    return net


def predict(nets, reads, block=300_000):
    out = []
    with torch.no_grad():
        for i in range(0, len(reads.at), block):
            j = np.arange(i, min(i + block, len(reads.at)))
            w, e = torch.tensor(reads.windows(j)), torch.tensor(reads.ends(j))
            out.append(torch.sigmoid(torch.stack([n(w, e)[0] for n in nets]).mean(0)).numpy().astype(float))
    return np.bincount(reads.read, np.concatenate(out), len(reads.length))


# ------------------------------------------------------------------------------------------------------------------ reads
def probability(expected, length, dispersion):
    """P(X <= floor(length / 100)), X negative binomial: mean SCALE * expected, variance mean + dispersion mean^2. Falls with `expected`."""
    expected, size, most = SCALE * np.asarray(expected), 1 / dispersion, np.asarray(length) // 100
    log_q = np.log(np.maximum(expected, 1e-12)) - np.log(size + np.maximum(expected, 1e-12))
    term = size * (np.log(size) - np.log(size + np.maximum(expected, 1e-12)))  # ln P(X = 0)
    total = term.copy()
    for x in range(int(most.max())):
        term = term + np.log((x + size) / (x + 1)) + log_q
        total = np.where(x < most, np.logaddexp(total, term), total)
    return np.exp(np.minimum(total, 0))


def mcc(good, kept):
    tp, tn, fp, fn = (float(x.sum()) for x in (good & kept, ~good & ~kept, ~good & kept, good & ~kept))
    d = ((tp + fp) * (tp + fn) * (tn + fp) * (tn + fn)) ** 0.5
    return (tp * tn - fp * fn) / d if d else 0.0


def auc(bad, score):
    _, inverse, c = np.unique(score, return_inverse=True, return_counts=True)
    e = np.cumsum(c)
    n = bad.sum()
    return (((e - c + 1 + e) / 2)[inverse][bad].sum() - n * (n + 1) / 2) / max(n * (~bad).sum(), 1)


def judge(reads, expected):
    good, rate = reads.count[:, 0] / reads.count[:, 1] <= 0.01, expected / reads.length
    return np.array([mcc(good, rate <= 0.01), auc(~good, rate), np.log2(expected.sum() / reads.count[:, 0].sum())])


def reported_errors(reads):
    return np.bincount(reads.read, REPORTED[reads.symbol[reads.at]], len(reads.length))


def interval(reads, a, b, draws=200, seed=0):
    """95 % bootstrap intervals over reads of judge(a), and of the paired difference judge(a) - judge(b) (|log2| in the third)."""
    rng, rows = np.random.default_rng(seed), []
    good = reads.count[:, 0] / reads.count[:, 1] <= 0.01
    for _ in range(draws):
        j = rng.integers(0, len(good), len(good))
        row = []
        for e in (a, b):
            row.append((mcc(good[j], e[j] / reads.length[j] <= 0.01), auc(~good[j], e[j] / reads.length[j]), abs(np.log2(e[j].sum() / reads.count[j, 0].sum()))))
        rows.append((row[0], np.subtract(*row)))
    return np.percentile(np.array(rows), [2.5, 97.5], axis=0)  # [2, (a, a-b), 3]


def table(title, judged):
    """Prints run by run with intervals, and the mean over sequencing runs."""
    groups, out = {}, {}
    print(f"{title}\n{'run':28s}   EE: MCC AUC log2      model: MCC [95 %] AUC [95 %] log2     difference to EE, 95 %")
    for name, (group, reads, expected) in judged.items():
        e, m = judge(reads, reported_errors(reads)), judge(reads, expected)
        ci = interval(reads, expected, reported_errors(reads))
        groups.setdefault(group, []).append(np.concatenate([e[:2], [abs(e[2])], m[:2], [abs(m[2])]]))
        out[name] = dict(ee=e.tolist(), model=m.tolist(), ci=ci.tolist())
        print(f"{name:28s} {e[0]:.3f} {e[1]:.3f} {e[2]:+.2f}   {m[0]:.3f} [{ci[0,0,0]:.3f} {ci[1,0,0]:.3f}] {m[1]:.3f} [{ci[0,0,1]:.3f} {ci[1,0,1]:.3f}] {m[2]:+.2f}"
              f"   MCC [{ci[0,1,0]:+.3f} {ci[1,1,0]:+.3f}] AUC [{ci[0,1,1]:+.3f} {ci[1,1,1]:+.3f}]", flush=True)
    mean = np.mean([np.mean(v, 0) for v in groups.values()], 0)
    print("mean over runs: EE MCC %.3f AUC %.3f |log2| %.2f; model MCC %.3f AUC %.3f |log2| %.2f" % tuple(mean), flush=True)
    return dict(runs=out, mean=mean.tolist())


def main():
    ap = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    ap.add_argument("--data", required=True, help="a folder of runs: train/, devtest/, weird/")
    ap.add_argument("--output", default="read-error.npz")
    ap.add_argument("--seeds", type=int, default=1, help="networks whose logits are averaged")
    ap.add_argument("--width", type=int, default=WIDTH)
    ap.add_argument("--distil", action="store_true", help="teach the mean of the seeds to one network")
    ap.add_argument("--loro", action="store_true")
    ap.add_argument("--devtest", action="store_true")
    args = ap.parse_args()
    globals()["WIDTH"] = args.width
    torch.set_num_threads(1)
    began = time.time()
    parts = {n: (sample(with_truth(f"{args.data}/{n}", MAX_READS.get(n, MAX_READS_ELSE), 2), 0), w, True) for n, (_, w) in TRUTH.items()}
    parts |= {n: (sample(with_own_labels(f"{args.data}/{n}", o, MAX_SELF_READS), 0), w, False) for n, (o, w) in SELF.items()}
    print(f"{len(parts)} runs, {sum(len(p[0][2]) for p in parts.values())} bases, {time.time() - began:.0f} s", flush=True)

    def fit(without=None):
        chosen = [p for n, p in parts.items() if n in SELF or TRUTH[n][0] != without]
        nets = [train(chosen, s) for s in range(args.seeds)]
        return [train(chosen, 100, nets)] if args.distil else nets

    results, dispersion = {}, DISPERSION
    if args.loro:
        judged = {}
        for group in dict.fromkeys(g for g, _ in TRUTH.values()):
            nets = fit(group)
            for n in (n for n in TRUTH if TRUTH[n][0] == group):
                reads = with_truth(f"{args.data}/{n}", JUDGED, 1)
                judged[n] = (group, reads, predict(nets, reads))
        results["loro"] = table("left-out runs", judged)
        np.savez(args.output.replace(".npz", ".loro.npz"), **{n.replace("/", "."): np.stack([r.count[:, 0], r.count[:, 1], r.length, reported_errors(r), e]) for n, (_, r, e) in judged.items()})
        losses = {}
        for k in (0.01, 0.02, 0.05, 0.1, 0.2, 0.5, 1.0):
            by_run = {}
            for g, r, e in judged.values():
                p = np.clip(probability(e, r.length, k), 1e-4, 1 - 1e-4)
                good = r.count[:, 0] / r.count[:, 1] <= 0.01
                by_run.setdefault(g, []).append(-np.where(good, np.log(p), np.log(1 - p)).mean())
            losses[k] = float(np.mean([np.mean(v) for v in by_run.values()]))
        print("dispersion: log loss of P(rate <= 1 %)", {k: round(v, 4) for k, v in losses.items()}, "used:", dispersion)
        results["dispersion"] = losses
    nets = fit()
    print(f"trained: {time.time() - began:.0f} s", flush=True)
    weights = {k: np.stack([getattr(n, k).detach().numpy() for n in nets]) for k in ("W", "bias", "start", "end", "out", "a", "b")}
    np.savez(args.output, features=FEATURES, reported=LOGIT, edges=EDGES, dispersion=dispersion, scale=SCALE, **weights)
    if args.devtest:
        judged = {}
        for n in DEVTEST:
            reads = with_truth(f"{args.data}/{n}", 20_000, 1)
            judged[n] = (n, reads, predict(nets, reads))
        results["devtest"] = table("devtest", judged)
    json.dump(results, open(args.output.replace(".npz", ".json"), "w"), indent=1)


if __name__ == "__main__":
    main()

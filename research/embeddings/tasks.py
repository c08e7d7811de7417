"""The three questions that vectors are compared on: overlapping reads, neighbours of the same origin, clusters."""

from __future__ import annotations

import numpy as np

from methods import likeness


def recalls(method, texts: np.ndarray, queries: np.ndarray) -> dict[str, float]:
    """Query i overlaps text i: how often this is the most alike text, and among the ten most alike; ties count by chance."""
    own_vectors, query_vectors = method.vectors(texts), method.vectors(queries)
    first, ten = [], []
    for start in range(0, len(queries), 500):
        alike = likeness(query_vectors[start : start + 500], own_vectors, method.metric)
        rows = np.arange(len(alike))
        own = alike[rows, start + rows][:, None]
        more, same = (alike > own).sum(1), (alike == own).sum(1)
        first.append(np.clip((1 - more) / same, 0, 1))
        ten.append(np.clip((10 - more) / same, 0, 1))
    return {"recall_1": float(np.concatenate(first).mean()), "recall_10": float(np.concatenate(ten).mean())}


def neighbours(method, reads: np.ndarray, count: int, draw: np.random.Generator) -> np.ndarray:
    """Returns the most alike other reads of each read; ties in random order. Shape [reads, count]."""
    vectors = method.vectors(reads)
    alike = likeness(vectors, vectors, method.metric)
    alike += draw.random(alike.shape, np.float32) * 1e-6
    np.fill_diagonal(alike, -np.inf)
    return np.argsort(-alike, axis=1)[:, :count]


def purity(nearest: np.ndarray, origins: np.ndarray) -> dict[str, float]:
    """The fraction of reads whose nearest neighbour, and of neighbours that, are of the same origin; means over origins."""
    same = origins[nearest] == origins[:, None]
    by_origin = lambda values: float(np.mean([values[origins == origin].mean() for origin in np.unique(origins)]))
    return {"first": by_origin(same[:, 0].astype(float)), "ten": by_origin(same[:, :10].mean(1))}


def clusters(nearest: np.ndarray, origins: np.ndarray) -> dict[str, float]:
    """Spectral clustering of the graph of ten nearest neighbours into as many clusters as there are origins."""
    from scipy.sparse import coo_matrix
    from sklearn.cluster import SpectralClustering
    from sklearn.metrics import adjusted_rand_score, normalized_mutual_info_score

    count = len(origins)
    rows = np.repeat(np.arange(count), 10)
    graph = coo_matrix((np.ones(10 * count), (rows, nearest[:, :10].reshape(-1))), (count, count)).tocsr()
    graph = (graph + graph.T) / 2
    import warnings

    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # a graph in several parts
        found = SpectralClustering(len(np.unique(origins)), affinity="precomputed", assign_labels="cluster_qr", random_state=0).fit_predict(graph)
    return {"ari": float(adjusted_rand_score(origins, found)), "nmi": float(normalized_mutual_info_score(origins, found))}

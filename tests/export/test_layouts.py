"""Layouts of codes mean the same bits to the libraries that read them."""

from typing import Any

import faiss
import numpy as np
import numpy.typing as npt
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays

from hashbench.codes import Codes
from hashbench.export.layouts import LAYOUTS, packed, pgvector, qdrant

Bits = npt.NDArray[np.bool_]
some_bits = arrays.arrays(np.bool_, st.tuples(st.integers(1, 9), st.integers(1, 40)))


@pytest.fixture(scope="module")
def bits() -> Bits:
    return np.random.default_rng(0).random((200, 50)) < 0.5


def hamming(bits: Bits) -> npt.NDArray[np.int64]:
    distances: npt.NDArray[np.int64] = (bits[:, None] != bits[None]).sum(-1)
    return distances


@settings(max_examples=40)
@given(some_bits)
def test_every_layout_has_the_bits_in_their_order(bits: Bits) -> None:
    codes = Codes.pack(bits)
    assert np.array_equal(np.unpackbits(packed(codes), axis=1, count=bits.shape[1]), bits)
    assert [[sign == "1" for sign in row] for row in pgvector(codes)] == bits.tolist()
    assert np.array_equal(qdrant(codes) > 0, bits)
    assert set(np.unique(qdrant(codes))) <= {-1.0, 1.0}
    assert set(LAYOUTS) == {"packed", "pgvector", "qdrant"}


def test_faiss_reads_packed_codes(bits: Bits) -> None:
    rows = packed(Codes.pack(bits))
    index = faiss.IndexBinaryFlat(8 * rows.shape[1])
    index.add(rows)
    distances, _ = index.search(rows, len(rows))
    assert np.array_equal(distances, np.sort(hamming(bits), axis=1))


def test_pgvectors_text_is_that_of_its_python_package(bits: Bits) -> None:
    library = pytest.importorskip("pgvector")
    assert pgvector(Codes.pack(bits)) == [library.Bit(row).to_text() for row in bits]


def test_sentence_transformers_ubinary_are_the_packed_codes_of_signs() -> None:
    library = pytest.importorskip("sentence_transformers")
    embeddings = np.random.default_rng(1).normal(size=(30, 64)).astype(np.float32)
    quantised = library.quantize_embeddings(embeddings, precision="ubinary")
    assert np.array_equal(packed(Codes.pack(embeddings > 0)), quantised)


def test_qdrant_orders_its_vectors_by_hamming_distance(bits: Bits) -> None:
    library = pytest.importorskip("qdrant_client")
    models: Any = library.models
    client = library.QdrantClient(":memory:")
    client.create_collection(
        "codes",
        vectors_config=models.VectorParams(size=50, distance=models.Distance.DOT),
        quantization_config=models.BinaryQuantization(binary=models.BinaryQuantizationConfig()),
    )
    vectors = qdrant(Codes.pack(bits))
    points = [models.PointStruct(id=row, vector=vector.tolist()) for row, vector in enumerate(vectors)]
    client.upsert("codes", points)
    found = client.query_points("codes", query=vectors[0].tolist(), limit=len(bits)).points
    distances = [(50 - point.score) / 2 for point in found]
    assert distances == np.sort(hamming(bits)[0]).tolist()

"""llama_cpp.quantize(): the types, the importance matrix, metadata, and layers left out."""

from __future__ import annotations

import gguf
import numpy as np
import pytest

import llama_cpp

Q8_0, Q4_K, F16 = (gguf.GGMLQuantizationType[name] for name in ("Q8_0", "Q4_K", "F16"))


@pytest.fixture(scope="module")
def source(random_models):
    """Returns a float32 model of two layers whose rows fit every type."""
    return random_models / "llama-f32.gguf"


@pytest.fixture
def quantized(source, tmp_path):
    """Returns a function that quantizes and reads the result."""

    def quantize(ftype, **arguments):
        target = tmp_path / "out.gguf"
        llama_cpp.quantize(source, target, ftype, **arguments)
        return gguf.GGUFReader(target)

    return quantize


def types(reader):
    return {tensor.name: tensor.tensor_type for tensor in reader.tensors}


def values(reader, name):
    tensor = next(tensor for tensor in reader.tensors if tensor.name == name)
    return gguf.quants.dequantize(tensor.data, tensor.tensor_type)


@pytest.mark.parametrize("ftype", ["Q8_0", "q8_0", llama_cpp.LLAMA_FTYPE_MOSTLY_Q8_0])
def test_types_by_name_and_by_number(quantized, ftype, load, tmp_path):
    found = types(quantized(ftype))
    assert found["blk.0.attn_q.weight"] == found["output.weight"] == Q8_0
    assert load(tmp_path / "out.gguf").n_vocab() == 512


def test_types_of_some_tensors(quantized):
    found = types(
        quantized(
            "Q8_0",
            tensor_types={r"blk\.1\.attn_(q|k)": "F16", "attn": "q4_k"},
            output_tensor_type="F16",
            token_embedding_type=llama_cpp.GGML_TYPE_F16,
        )
    )
    assert found["blk.1.attn_q.weight"] == found["blk.1.attn_k.weight"] == F16
    assert found["blk.0.attn_q.weight"] == found["blk.1.attn_v.weight"] == Q4_K
    assert found["blk.0.ffn_up.weight"] == Q8_0
    assert found["output.weight"] == found["token_embd.weight"] == F16


def imatrix_of(reader, important):
    """Returns an importance matrix that counts the columns `important` of each weight only."""
    found = {}
    for tensor in reader.tensors:
        if len(tensor.shape) == 2:
            columns = np.full(tensor.shape[0], 1e-6, np.float32)
            columns[important] = 1
            found[tensor.name] = columns
    return found


def error_of_columns(source, found, name, columns):
    difference = values(gguf.GGUFReader(source), name) - values(found, name)
    return np.sqrt(np.mean(difference[:, columns] ** 2))


def test_an_importance_matrix_shifts_the_error(quantized, source):
    """The columns that count lose less than with columns that do not."""
    name, columns = "blk.0.ffn_up.weight", slice(0, 768, 8)
    reader = gguf.GGUFReader(source)
    plain = error_of_columns(source, quantized("Q4_K_S"), name, columns)
    weighted = quantized("Q4_K_S", imatrix=imatrix_of(reader, columns))
    assert error_of_columns(source, weighted, name, columns) < 0.8 * plain


def write_imatrix(path, imatrix, counts=2.0, **other):
    """Writes a file like llama-imatrix's."""
    writer = gguf.GGUFWriter(path, "imatrix")
    writer.add_type("imatrix")
    for name, columns in imatrix.items():
        writer.add_tensor(f"{name}.in_sum2", columns * np.float32(counts))
        writer.add_tensor(f"{name}.counts", np.array([counts], np.float32))
    for name, tensor in other.items():
        writer.add_tensor(name, tensor)
    writer.write_header_to_file()
    writer.write_kv_data_to_file()
    writer.write_tensors_to_file()
    writer.close()
    return path


def test_an_importance_matrix_out_of_a_file(quantized, source, tmp_path):
    imatrix = imatrix_of(gguf.GGUFReader(source), slice(0, 768, 8))
    path = write_imatrix(tmp_path / "imatrix.gguf", imatrix)
    expected = quantized("Q4_K_S", imatrix=imatrix)
    expected = {tensor.name: tensor.data.tobytes() for tensor in expected.tensors}
    found = quantized("Q4_K_S", imatrix=path)
    assert {tensor.name: tensor.data.tobytes() for tensor in found.tensors} == expected


def test_the_smallest_types_need_one(quantized, source):
    with pytest.raises(llama_cpp.LlamaError, match="imatrix"):
        quantized("IQ2_XXS")
    imatrix = imatrix_of(gguf.GGUFReader(source), slice(None))
    found = types(quantized("IQ2_XXS", imatrix=imatrix))
    assert found["blk.0.ffn_up.weight"] == gguf.GGMLQuantizationType.IQ2_XXS


def test_experts_without_activations_count_1(tmp_path):
    from llama_cpp._engine.imatrix import read_imatrix

    sums, counts = np.arange(6, dtype=np.float32), np.array([2, 0, 4], np.float32)
    path = tmp_path / "experts.gguf"
    write_imatrix(path, {}, **{"a.in_sum2": sums, "a.counts": counts})
    assert read_imatrix(path)["a"].tolist() == [0, 0.5, 1, 1, 1, 1.25]


def test_bad_importance_matrices(quantized, source, tmp_path):
    legacy = tmp_path / "imatrix.dat"
    legacy.write_bytes(b"\x01\0\0\0" * 10)
    sums = np.ones(3, np.float32)
    cases = (
        (tmp_path / "missing", "No such file"),
        (legacy, r"GGUF format\n.*--output-format gguf"),
        (source, "in_sum2"),
        (write_imatrix(tmp_path / "a.gguf", {}, **{"a.in_sum2": sums}), "counts of 'a'"),
        (
            write_imatrix(
                tmp_path / "b.gguf",
                {},
                **{"a.in_sum2": sums, "a.counts": np.zeros(2, np.float32)},
            ),
            "counts of 'a'",
        ),
    )
    for path, message in cases:
        with pytest.raises(llama_cpp.ModelLoadError, match=message):
            quantized("Q4_K_S", imatrix=path)
    with pytest.raises(llama_cpp.LlamaError, match="imatrix size 3 is different"):
        quantized("Q4_K_S", imatrix={"blk.0.ffn_up.weight": sums})
    with pytest.raises(TypeError, match=r"imatrix\['x'\] has to be an array of numbers"):
        quantized("Q4_K_S", imatrix={"x": "rubbish"})


def test_metadata(quantized):
    overrides = {"general.name": "x", "a.int": 7, "a.float": 0.5, "a.bool": True}
    found = quantized("Q8_0", kv_overrides=overrides)
    assert {key: found.get_field(key).contents() for key in overrides} == overrides


def test_layers_left_out(quantized, source, load, tmp_path):
    found = quantized("F16", prune_layers=[0])
    assert found.get_field("llama.block_count").contents() == 1
    expected = values(gguf.GGUFReader(source), "blk.1.attn_q.weight")
    np.testing.assert_allclose(values(found, "blk.0.attn_q.weight"), expected, atol=1e-3)
    assert "blk.1.attn_q.weight" not in types(found)
    assert load(tmp_path / "out.gguf")("w1", max_tokens=1)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"ftype": "Q4_K_X"}, r"ftype is 'Q4_K_X'.*\nDid you mean 'Q4_K_[MS]'\?"),
        ({"ftype": 4}, "ftype has to be one of"),
        ({"ftype": None}, "ftype"),
        ({"tensor_types": {"attn": "Q9"}}, r"tensor_types\['attn'\] is 'Q9'"),
        ({"tensor_types": {"attn": "I8"}}, r"tensor_types\['attn'\] is 'I8'"),
        ({"tensor_types": "attn"}, "tensor_types has to be a dict"),
        ({"output_tensor_type": llama_cpp.GGML_TYPE_Q8_K}, "output_tensor_type"),
        ({"kv_overrides": {"": 1}}, "1 to 127 bytes"),
        ({"kv_overrides": {"a": "x" * 128}}, r"kv_overrides\['a'\]"),
        ({"kv_overrides": {"a": -1}}, r"kv_overrides\['a'\]"),
        ({"kv_overrides": {"a": [1]}}, r"kv_overrides\['a'\] has to be a string"),
        ({"prune_layers": [2]}, "contains 2, and the layers of this model are 0 to 1"),
        ({"prune_layers": [0, 1]}, "all layers"),
        ({"prune_layers": ["a"]}, r"prune_layers\[0\]"),
        ({"imatrix": 5}, "imatrix has to be a path"),
        ({"pure": "yes"}, "pure has to be True or False"),
    ],
)
def test_wrong_arguments(quantized, tmp_path, arguments, message):
    with pytest.raises((TypeError, ValueError), match=message):
        quantized(**{"ftype": "Q8_0", **arguments})
    assert not (tmp_path / "out.gguf").exists()


def test_a_pattern_that_is_none(quantized):
    with pytest.raises(llama_cpp.LlamaError, match="Failed to quantize"):
        quantized("Q8_0", tensor_types={"(": "F16"})


def test_quantized_models_need_permission(random_models, tmp_path):
    source, target = random_models / "llama-q8_0.gguf", tmp_path / "out.gguf"
    with pytest.raises(llama_cpp.LlamaError, match="requantiz"):
        llama_cpp.quantize(source, target, "Q4_0")
    llama_cpp.quantize(source, target, "Q4_0", allow_requantize=True)
    assert types(gguf.GGUFReader(target))["blk.0.attn_q.weight"].name == "Q4_0"

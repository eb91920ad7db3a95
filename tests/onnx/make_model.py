"""Writes a tiny embedding model with its tokenizer and manifest: the same bytes on every machine.

A table gives each word a vector; words of one meaning share it, so that the model finds what spelling can't. Each
token's vector is mixed with the mean of its text's, as attention would, so that padding and neighbours would show.

    python make_model.py <folder>
"""

import json
import pathlib
import sys

import numpy
import onnx
from onnx import TensorProto, helper, numpy_helper

DIMENSIONS = 384
SPECIAL = ["[PAD]", "[UNK]", "[CLS]", "[SEP]"]
MEANINGS = [
    ["car", "automobile", "vehicle"],
    ["doctor", "physician", "medic"],
    ["holiday", "vacation", "leave"],
    ["money", "pay", "salary", "wage"],
    ["house", "home", "dwelling"],
    ["boat", "ship", "vessel"],
    ["rose"], ["lily"], ["tulip"], ["one"], ["two"], ["three"],
    ["the", "a", "an", "of", "is", "in", "for", "and", "by", "to"],
]


def table():
    """Numbers of a linear congruential generator, by meaning."""
    state = 1

    def vector(scale):
        nonlocal state
        numbers = []
        for _ in range(DIMENSIONS):
            state = (state * 6364136223846793005 + 1442695040888963407) % 2**64
            numbers.append(((state >> 40) / 2**24 - 0.5) * scale)
        return numbers

    rows = [vector(0.1) for _ in SPECIAL]
    words = list(SPECIAL)
    for meaning in MEANINGS:
        row = vector(0.1 if "the" in meaning else 1.0)
        for word in meaning:
            words.append(word)
            rows.append(row)
    return words, numpy.array(rows, dtype=numpy.float32)


def model(rows):
    node = helper.make_node
    nodes = [
        node("Gather", ["table", "input_ids"], ["tokens"]),
        node("Cast", ["attention_mask"], ["mask"], to=TensorProto.FLOAT),
        node("Unsqueeze", ["mask", "last"], ["column"]),
        node("Mul", ["tokens", "column"], ["masked"]),
        node("ReduceSum", ["masked", "middle"], ["sum"], keepdims=1),
        node("ReduceSum", ["column", "middle"], ["count"], keepdims=1),
        node("Div", ["sum", "count"], ["mean"]),
        node("Mul", ["mean", "share"], ["mixed"]),
        node("Add", ["tokens", "mixed"], ["last_hidden_state"]),
    ]
    constants = [
        numpy_helper.from_array(rows, "table"),
        numpy_helper.from_array(numpy.array([2], dtype=numpy.int64), "last"),
        numpy_helper.from_array(numpy.array([1], dtype=numpy.int64), "middle"),
        numpy_helper.from_array(numpy.array(0.25, dtype=numpy.float32), "share"),
    ]
    tensor = helper.make_tensor_value_info
    graph = helper.make_graph(
        nodes,
        "tiny",
        [tensor(name, TensorProto.INT64, ["batch", "length"]) for name in ("input_ids", "attention_mask")],
        [tensor("last_hidden_state", TensorProto.FLOAT, ["batch", "length", DIMENSIONS])],
        constants,
    )
    made = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], producer_name="tests")
    made.ir_version = 8
    onnx.checker.check_model(made)
    return made.SerializeToString(deterministic=True)


def tokenizer(words):
    special = [
        {"id": words.index(word), "content": word, "single_word": False, "lstrip": False, "rstrip": False,
         "normalized": False, "special": True}
        for word in SPECIAL
    ]

    def marked(kind):
        return [{"SpecialToken": {"id": "[CLS]", "type_id": 0}}, {"Sequence": {"id": kind, "type_id": 0}},
                {"SpecialToken": {"id": "[SEP]", "type_id": 0}}]

    return {
        "version": "1.0", "truncation": None, "padding": None, "added_tokens": special,
        "normalizer": {"type": "Lowercase"},
        "pre_tokenizer": {"type": "Whitespace"},
        "post_processor": {
            "type": "TemplateProcessing", "single": marked("A"),
            "pair": marked("A") + [{"Sequence": {"id": "B", "type_id": 1}}],
            "special_tokens": {
                word: {"id": word, "ids": [words.index(word)], "tokens": [word]} for word in ("[CLS]", "[SEP]")
            },
        },
        "decoder": None,
        "model": {"type": "WordLevel", "unk_token": "[UNK]", "vocab": {word: n for n, word in enumerate(words)}},
    }


def main():
    folder = pathlib.Path(sys.argv[1])
    folder.mkdir(parents=True, exist_ok=True)
    words, rows = table()
    (folder / "model.onnx").write_bytes(model(rows))
    for name, content in {
        "tokenizer.json": tokenizer(words),
        "config.json": {"pad_token_id": 0},
        "special_tokens_map.json": {"pad_token": "[PAD]", "unk_token": "[UNK]"},
        "tokenizer_config.json": {"model_max_length": 128, "pad_token": "[PAD]"},
    }.items():
        (folder / name).write_text(json.dumps(content, indent=1) + "\n")
    (folder / "embedder.toml").write_text(f'dimensions = {DIMENSIONS}\npooling = "mean"\n')


main()

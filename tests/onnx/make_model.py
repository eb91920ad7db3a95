"""Writes a tiny embedding model and, in the folder `reranker` beside it, a tiny cross-encoder, each with its tokenizer and
manifest: the same bytes on every machine.

A table gives each word a vector; words of one meaning share it, so that the model finds what spelling can't. Each
token's vector is mixed with the mean of its text's, as attention would, so that padding and neighbours would show. The
cross-encoder's logit is larger the nearer the sums of the question's and the passage's vectors are; what is read in one batch
with a pair moves its logit, so that batches would show.

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
    return written(nodes, constants, ["input_ids", "attention_mask"], "last_hidden_state", ["batch", "length", DIMENSIONS])


def cross_encoder(rows):
    node = helper.make_node
    nodes = [
        node("Gather", ["table", "input_ids"], ["tokens"]),
        node("Cast", ["attention_mask"], ["mask"], to=TensorProto.FLOAT),
        node("Cast", ["token_type_ids"], ["second"], to=TensorProto.FLOAT),
        node("Mul", ["mask", "second"], ["of_passage"]),
        node("Sub", ["mask", "of_passage"], ["of_question"]),
    ]
    for of in ("question", "passage"):
        nodes += [
            node("Unsqueeze", [f"of_{of}", "last"], [f"{of}_column"]),
            node("Mul", ["tokens", f"{of}_column"], [f"{of}_tokens"]),
            node("ReduceSum", [f"{of}_tokens", "middle"], [of], keepdims=0),
            node("Mul", [of, of], [f"{of}_squares"]),
            node("ReduceSum", [f"{of}_squares", "middle"], [f"{of}_square"], keepdims=1),
        ]
    nodes += [
        node("Mul", ["question", "passage"], ["products"]),
        node("ReduceSum", ["products", "middle"], ["product"], keepdims=1),
        node("Mul", ["question_square", "passage_square"], ["square"]),
        node("Sqrt", ["square"], ["length"]),
        node("Add", ["length", "little"], ["some_length"]),
        node("Div", ["product", "some_length"], ["cosine"]),
        node("ReduceSum", ["cosine", "first"], ["all"], keepdims=1),
        node("Sub", ["all", "cosine"], ["others"]),
        node("Mul", ["cosine", "steep"], ["own"]),
        node("Sub", ["own", "offset"], ["alone"]),
        node("Add", ["alone", "others"], ["logits"]),
    ]
    number = lambda value, name: numpy_helper.from_array(numpy.array(value, dtype=numpy.float32), name)
    place = lambda value, name: numpy_helper.from_array(numpy.array([value], dtype=numpy.int64), name)
    constants = [
        numpy_helper.from_array(rows, "table"),
        place(0, "first"), place(1, "middle"), place(2, "last"),
        number(1e-6, "little"), number(8.0, "steep"), number(3.0, "offset"),
    ]
    return written(nodes, constants, ["input_ids", "attention_mask", "token_type_ids"], "logits", ["batch", 1])


def written(nodes, constants, inputs, output, shape):
    tensor = helper.make_tensor_value_info
    graph = helper.make_graph(
        nodes,
        "tiny",
        [tensor(name, TensorProto.INT64, ["batch", "length"]) for name in inputs],
        [tensor(output, TensorProto.FLOAT, shape)],
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
            "pair": marked("A") + [{"Sequence": {"id": "B", "type_id": 1}}, {"SpecialToken": {"id": "[SEP]", "type_id": 1}}],
            "special_tokens": {
                word: {"id": word, "ids": [words.index(word)], "tokens": [word]} for word in ("[CLS]", "[SEP]")
            },
        },
        "decoder": None,
        "model": {"type": "WordLevel", "unk_token": "[UNK]", "vocab": {word: n for n, word in enumerate(words)}},
    }


def main():
    folder = pathlib.Path(sys.argv[1])
    words, rows = table()
    write(folder, words, model(rows), {"pad_token_id": 0})
    (folder / "embedder.toml").write_text(f'dimensions = {DIMENSIONS}\npooling = "mean"\n')
    reranker = folder.with_name("reranker")
    write(reranker, words, cross_encoder(rows), {"pad_token_id": 0, "id2label": {"0": "LABEL_0"}})
    (reranker / "reranker.toml").write_text("max_tokens = 128\n")


def write(folder, words, made, config):
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "model.onnx").write_bytes(made)
    for name, content in {
        "tokenizer.json": tokenizer(words),
        "config.json": config,
        "special_tokens_map.json": {"pad_token": "[PAD]", "unk_token": "[UNK]"},
        "tokenizer_config.json": {"model_max_length": 128, "pad_token": "[PAD]"},
    }.items():
        (folder / name).write_text(json.dumps(content, indent=1) + "\n")


main()

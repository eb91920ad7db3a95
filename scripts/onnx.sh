# Sourced by the scripts that test: makes a tiny embedding model and reranker and finds an ONNX Runtime, both from pinned Python
# packages in a folder that git ignores. Sets ORT_DYLIB_PATH and USHER_ONNX_MODEL, or says what is skipped.

onnx_setup() {
    local home=.tools/onnx wanted
    wanted="$(cat tests/onnx/requirements.txt tests/onnx/make_model.py | cksum)"
    if [ "$(cat "$home/made" 2>/dev/null)" != "$wanted" ]; then
        rm -rf "$home"
        mkdir -p "$home"
        python3 -m venv "$home/venv" >/dev/null 2>&1 || return 1
        "$home/venv/bin/pip" install --quiet --disable-pip-version-check -r tests/onnx/requirements.txt || return 1
        "$home/venv/bin/python" tests/onnx/make_model.py "$home/model" || return 1
        echo "$wanted" >"$home/made"
    fi
    ORT_DYLIB_PATH="$(find "$PWD/$home/venv/" -name 'libonnxruntime.so.*' | head -n 1)"
    [ -n "$ORT_DYLIB_PATH" ] || return 1
    USHER_ONNX_MODEL="$PWD/$home/model"
    export ORT_DYLIB_PATH USHER_ONNX_MODEL
}

stage "A tiny embedding model and reranker"
has_venv() { python3 -c 'import ensurepip, venv' 2>/dev/null; }
tests="the tests of models in the ONNX format (tests/service/onnx.rs)"
if ! has_venv && ! { install_package python3-venv && has_venv; }; then
    skip onnx "$tests: Python's venv is missing (Debian: apt-get install python3-venv)"
elif ! onnx_setup; then
    unset ORT_DYLIB_PATH USHER_ONNX_MODEL
    skip onnx "$tests: the packages of tests/onnx/requirements.txt could not be installed"
fi

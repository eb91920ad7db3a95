# Sourced by the scripts that test, after the build: brings the default embedding model as a user does. Sets USHER_MODELS,
# or says what is skipped.

stage "The default embedding model"
if pull_model "${CARGO_TARGET_DIR:-target}/debug/usher" .tools/pulled; then
    USHER_MODELS="$PWD/.tools/pulled/models"
    export USHER_MODELS
else
    skip models "the tests of the default model (tests/service/models.rs): it could not be brought"
fi

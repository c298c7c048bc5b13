#include "tests/support/source_dir.h"

namespace godwit::test {

std::string source_dir() { return GODWIT_SOURCE_DIR; }

}  // namespace godwit::test

// Where this checkout lies, for tests that read its files.
#pragma once

#include <string>

namespace godwit::test {

std::string source_dir();  // without a slash at the end

}  // namespace godwit::test

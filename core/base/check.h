// CHECK guards our own invariants and stays on in release builds. It is never applied to what a
// peer or a user sent: that is a Drop or a Result. A failed CHECK ends the process; the undo
// journal that the client keeps on disk lets the next command put the machine back.
#pragma once

namespace godwit {

[[noreturn]] void check_failed(const char* condition, const char* file, int line);

}  // namespace godwit

#define CHECK(condition) \
  ((condition) ? static_cast<void>(0) : ::godwit::check_failed(#condition, __FILE__, __LINE__))

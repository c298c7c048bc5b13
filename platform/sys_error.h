// What the system answered when it refused: which operation, the errno, and what it was about.
#pragma once

#include <cerrno>
#include <string>
#include <utility>

#include "core/base/result.h"

namespace godwit::platform {

struct SysError {
  const char* op = "";  // a literal: "open", "bind", "add route"
  int error = 0;        // an errno
  std::string detail;   // what it was about: a path, an address; may be empty

  std::string message() const;  // "add route 10.0.0.0/8: File exists"
};

// fail(last_error("open", path)) right after the call that failed.
inline SysError last_error(const char* op, std::string detail = {}) {
  const int error = errno;
  return SysError{op, error, std::move(detail)};
}

}  // namespace godwit::platform

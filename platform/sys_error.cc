#include "platform/sys_error.h"

#include <system_error>

namespace godwit::platform {

std::string SysError::message() const {
  std::string text = op;
  if (!detail.empty()) {
    text += ' ';
    text += detail;
  }
  // std::system_category() is thread-safe, strerror() is not.
  return text + ": " + std::system_category().message(error);
}

}  // namespace godwit::platform

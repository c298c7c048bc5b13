#include "client/pinentry.h"

#include <fmt/format.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <vector>

#include "client/child.h"
#include "client/secrets.h"
#include "client/words.h"

namespace godwit::client {
namespace {

constexpr std::size_t kQuestionMax = 300;  // of the 1000 octets of a line, when all are escaped
constexpr int kLinesMax = 64;              // of an answer that does not come to its end

bool begins(Bytes line, std::string_view word) {
  return line.size() >= word.size() &&
         std::equal(word.begin(), word.end(), line.begin(),
                    [](char a, std::uint8_t b) { return static_cast<std::uint8_t>(a) == b; });
}

bool write_line(int fd, std::string line) {
  line += '\n';
  std::string_view rest = line;
  while (!rest.empty()) {
    const ssize_t put = write(fd, rest.data(), rest.size());
    if (put < 0 && errno == EINTR) continue;
    if (put <= 0) return false;
    rest.remove_prefix(static_cast<std::size_t>(put));
  }
  return true;
}

int digit(std::uint8_t c) {
  if (c >= '0' && c <= '9') return c - '0';
  if (c >= 'A' && c <= 'F') return c - 'A' + 10;
  if (c >= 'a' && c <= 'f') return c - 'a' + 10;
  return -1;
}

// Lines until "OK" or "ERR"; what "D" lines hold is the answer. Not a secret: the user said no, or
// the program is no pinentry.
Result<SecretBytes, Failure> answer(Child& child, int cancel_fd) {
  SecretBytes secret;
  for (int i = 0; i < kLinesMax; ++i) {
    const SecretBytes line = GODWIT_TRY(read_secret_line(child.out(), cancel_fd));
    if (begins(line.expose(), "OK")) return secret;
    if (begins(line.expose(), "ERR")) break;
    if (begins(line.expose(), "D ")) secret = assuan_unescaped(line.expose().subspan(2));
  }
  return fail(failure(ExitCode::kInputNeeded, "no secret was given"));
}

}  // namespace

bool is_pinentry(const std::string& program) {
  return program.substr(program.rfind('/') + 1).starts_with("pinentry");
}

std::string assuan_escaped(std::string_view text) {
  std::string out;
  for (const char c : text.substr(0, kQuestionMax)) {
    if (c == '%' || static_cast<unsigned char>(c) < 0x20) {
      out += fmt::format("%{:02X}", static_cast<unsigned char>(c));
    } else {
      out += c;
    }
  }
  return out;
}

SecretBytes assuan_unescaped(Bytes text) {
  SecretBytes out(text.size());
  std::size_t used = 0;
  for (std::size_t i = 0; i < text.size(); ++i) {
    const bool escape =
        text[i] == '%' && i + 2 < text.size() && digit(text[i + 1]) >= 0 && digit(text[i + 2]) >= 0;
    out.fill()[used++] =
        escape ? static_cast<std::uint8_t>(digit(text[i + 1]) * 16 + digit(text[i + 2])) : text[i];
    if (escape) i += 2;
  }
  out.truncate(used);
  return out;
}

Result<SecretBytes, Failure> run_pinentry(const std::string& program, const std::string& question,
                                          int cancel_fd) {
  Child child = GODWIT_TRY(Child::start({program, {}, true, {}}));
  std::vector<std::string> commands = {"SETTITLE godwit", "SETDESC " + assuan_escaped(question),
                                       "SETPROMPT Answer:", "GETPIN"};
  // Without a display it draws on our terminal, and has to be told which that is.
  const char* tty = ttyname(STDERR_FILENO);
  if (tty != nullptr) commands.insert(commands.begin(), fmt::format("OPTION ttyname={}", tty));
  Result<SecretBytes, Failure> given = answer(child, cancel_fd);  // its greeting
  for (const std::string& command : commands) {
    if (!given) break;
    if (!write_line(child.in(), command)) break;
    given = answer(child, cancel_fd);
    // What it does not know it may refuse, but for the question.
    const bool asked = command == "GETPIN";
    if (!given && !asked && given.error().what == "no secret was given") given = SecretBytes();
  }
  const bool done = given.has_value();
  if (done) write_line(child.in(), "BYE");
  child.finish(done, cancel_fd);
  if (!given && given.error().code == ExitCode::kInterrupted) return given;
  if (!given || given->empty()) {
    return fail(failure(ExitCode::kInputNeeded, fmt::format("{} gave no answer", program),
                        "run it by hand, write GETPIN: it must ask and write a line with D"));
  }
  return given;
}

}  // namespace godwit::client

// pinentry, the program of GnuPG that asks for secrets, speaks the Assuan protocol: lines in both
// directions, "D" with the secret, "OK" or "ERR". It is what `askpass` names when the program's
// name begins with "pinentry".
#pragma once

#include <string>

#include "client/report.h"
#include "core/base/result.h"
#include "core/base/secret.h"

namespace godwit::client {

bool is_pinentry(const std::string& program);

// `question` of one line or two. Fails with kInputNeeded when the user closes the window.
Result<SecretBytes, Failure> run_pinentry(const std::string& program, const std::string& question,
                                          int cancel_fd);

// What a line of Assuan may not hold, as %XX.
std::string assuan_escaped(std::string_view text);
// The text of a "D" line, back to octets. Wipes nothing of its own but what it returns.
SecretBytes assuan_unescaped(Bytes text);

}  // namespace godwit::client

// Where secrets come from: a file that only its owner reads, an askpass program, standard input or
// the terminal. Never an argument, never the environment, never a std::string. Every wait ends when
// `cancel_fd` becomes readable (a signalfd or an eventfd), and the terminal is put back first.
#pragma once

#include <string>
#include <string_view>

#include "client/report.h"
#include "core/base/result.h"
#include "core/base/secret.h"
#include "core/config/profile.h"

namespace godwit::client {

inline constexpr std::size_t kSecretMax = 4096;

// Refuses anything but a regular file of root or of the user, readable by nobody else, with 1 to
// kSecretMax octets and no NUL. One newline at the end is removed.
Result<SecretBytes, Failure> read_secret_file(const std::string& path);

// The same rules for a private key, which is longer, may have many lines, and is returned whole.
Result<SecretBytes, Failure> read_key_file(const std::string& path);

// A pre-shared key as it is written: as it stands, or 0x and hexadecimal, or 0s and base64
// (IKE1-39).
Result<SecretBytes, Failure> decode_psk(SecretBytes&& written);

// Runs `program` without a shell, the prompt as its only argument, and reads one line it writes.
Result<SecretBytes, Failure> run_askpass(const std::string& program, const std::string& prompt,
                                         int cancel_fd);

// One line of `fd` (up to its newline and no octet further), for standard input.
Result<SecretBytes, Failure> read_secret_line(int fd, int cancel_fd);

// Whether there is one to ask at; a process in the background has none.
bool has_terminal();

// Asks on /dev/tty; without `show` nothing that is typed appears.
Result<SecretBytes, Failure> ask_terminal(const std::string& prompt, bool show, int cancel_fd);

// By the kind of `source`. kNone asks on the terminal. Not for kTotp, which takes more than a
// file, nor for kKeyring, which needs the profile (client/keyring.h).
Result<SecretBytes, Failure> obtain_secret(const config::SecretSource& source,
                                           const std::string& prompt, int cancel_fd);

}  // namespace godwit::client
